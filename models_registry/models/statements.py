"""What the makers of a version say of it in their own words: what it is meant for, what it takes for granted, where
it should not be trusted."""

from __future__ import annotations

from django.db import models

from models_registry.models.versions import ModelVersion
from models_registry.teams import OfProject, Project
from models_registry.written_once import WrittenOnce


class ModelStatementQuerySet(WrittenOnce, OfProject["ModelStatement"]):
    way = "version__model__project"


class ModelStatement(models.Model):
    """The hand-written part of a version's card. Written once; what is said later is the next number."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="statements")
    number = models.PositiveIntegerField()
    intent = models.TextField(help_text="what the version is meant for, and what not")
    assumptions = models.TextField(help_text="what must hold for it to do that")
    caveats = models.TextField(
        help_text="where it is known or suspected to fail, and whom that hurts"
    )
    licence = models.CharField(
        max_length=80,
        blank=True,
        help_text="by which the version may be used, such as mit; empty: nobody said",
    )
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelStatementQuerySet.as_manager()

    class Meta:
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="statement_number_once"),
            models.CheckConstraint(
                condition=~(models.Q(intent="") | models.Q(assumptions="") | models.Q(caveats="")),
                name="statement_says_all_three",
            ),
        ]

    def __str__(self) -> str:
        return f"statement {self.number} on {self.version}"

    @property
    def project(self) -> Project:
        return self.version.project
