"""How far a version has come, act by act, and what an owner let pass in spite of it."""

from __future__ import annotations

from django.db import models

from models_registry.models.versions import ModelVersion
from models_registry.teams import OfProject, Project
from models_registry.written_once import WrittenOnce


class StandingQuerySet(WrittenOnce, OfProject["Standing"]):
    way = "version__model__project"


class Standing(models.Model):
    """Where one act took a version. Written once; what happens later is the next number (see standing.py)."""

    class State(models.TextChoices):
        DRAFT = "draft"
        CANDIDATE = "candidate"
        APPROVED = "approved"
        RETIRED = "retired"

    class Act(models.TextChoices):
        NOMINATE = "nominate"
        APPROVE = "approve"
        RENEW = "renew"
        REJECT = "reject"
        RETIRE = "retire"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="standings")
    number = models.PositiveIntegerField()
    act = models.CharField(max_length=10, choices=Act)
    state = models.CharField(max_length=10, choices=State)
    actor = models.CharField(max_length=150)
    reason = models.TextField()
    sha256 = models.CharField(max_length=64, help_text="the version's own, as it was then")
    at = models.DateTimeField()

    objects = StandingQuerySet.as_manager()

    class Meta:
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="standing_number_once"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["draft", "candidate", "approved", "retired"],
                    act__in=["nominate", "approve", "renew", "reject", "retire"],
                ),
                name="standing_is_known",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="standing_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.state}"

    @property
    def project(self) -> Project:
        return self.version.project


class AllowanceQuerySet(WrittenOnce, OfProject["Allowance"]):
    way = "version__model__project"
    once = ("used_for",)


class Allowance(models.Model):
    """An owner's word that a version which is barred may enter one campaign all the same; used once."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="allowances")
    actor = models.CharField(max_length=150)
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    standing = models.PositiveIntegerField(
        help_text="the number of the standing in spite of which it was given"
    )
    used_for = models.CharField(
        max_length=80, blank=True, help_text="the campaign that it let the version into"
    )

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="allowance_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"allowance {self.pk} for {self.version}"

    @property
    def project(self) -> Project:
        return self.version.project
