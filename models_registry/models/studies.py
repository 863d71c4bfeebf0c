"""What was found out about a version by looking into it: one row for each question that was asked."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from models_registry.models.jobs import Job
from models_registry.models.signals import Signal
from models_registry.models.versions import ModelVersion
from models_registry.teams import OfProject, Project
from models_registry.written_once import WrittenOnce


class StudyQuerySet(WrittenOnce, OfProject["Study"]):
    way = "version__model__project"
    once = ("result", "environment")

    def done(self) -> StudyQuerySet:
        """Those that have a result."""
        return self.filter(job__state=Job.State.DONE)


class Study(models.Model):
    """One question to a version: of which `kind` (see studying.py), asked with which settings, and what was found.

    The result is written once, when the job is done; until then it is empty.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="studies")
    kind = models.SlugField(max_length=40)
    settings = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    environment = models.JSONField(default=dict)
    signals = models.ManyToManyField(
        Signal, related_name="studies", blank=True, help_text="the sounds that the result names"
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="study")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "studies"
        indexes = [models.Index(fields=["version", "kind"], name="study_version_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("study", args=[self.pk])

    @property
    def project(self) -> Project:
        return self.version.project
