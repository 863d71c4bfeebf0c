"""Templates: what worked once, with some of its values opened, to be used again here or elsewhere."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse

from models_registry.teams import OfProject, Project, operators_project
from models_registry.written_once import WrittenOnce


class TemplateQuerySet(WrittenOnce, OfProject["Template"]):
    def newest(self) -> TemplateQuerySet:
        """The last of each name and project."""
        later = Template.objects.filter(
            project=models.OuterRef("project"),
            name=models.OuterRef("name"),
            number__gt=models.OuterRef("number"),
        )
        return self.filter(~models.Exists(later))

    def named(self, name: str) -> Template:
        """Find `name` (the last one) or `name@N`; `DoesNotExist` says what there is instead."""
        name, _, number = name.partition("@")
        found = self.filter(name=name).order_by("-number")
        if number:
            found = found.filter(number=int(number) if number.isdecimal() else 0)
        one = found.first()
        if one is None:
            known = ", ".join(str(row) for row in self) or "none"
            raise self.model.DoesNotExist(
                f"expected a template such as drums@1, found {name!r}; there are: {known}"
            )
        return one


class Template(models.Model):
    """A template as its file says it (listening/exchange/template_file.py); a change is another of the same name."""

    class Kind(models.TextChoices):
        RECIPE = "recipe", "a recipe"
        CAMPAIGN = "campaign", "a campaign"
        REVIEW = "review", "a review"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="templates"
    )
    name = models.SlugField(max_length=80)
    number = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=Kind)
    title = models.CharField(max_length=200)
    document = models.JSONField()
    sha256 = models.CharField(max_length=64, help_text="of the document")
    source = models.CharField(max_length=300, blank=True, help_text="what it was made from")
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "number"], name="template_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("template", args=[self.pk])

    @property
    def purpose(self) -> str:
        return str(self.document.get("purpose", ""))

    @property
    def fields(self) -> list[dict[str, Any]]:
        """What whoever uses it is asked."""
        return list(self.document.get("fields", []))
