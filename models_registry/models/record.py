"""The record: acts that matter, chained by their hashes."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from models_registry.teams import OfProject, Project
from models_registry.written_once import WrittenOnce


def canonical_json(data: Any) -> str:
    """One text for one meaning: sorted keys, no spaces, no NaN; what every hash in the record is taken over."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


class AuditEventQuerySet(WrittenOnce, OfProject["AuditEvent"]):
    may_change = ("project",)
    chained = True


class AuditEvent(models.Model):
    """One act that matters, chained to the one before by its hash (see audit.py). Never changed, never deleted."""

    number = models.PositiveBigIntegerField(unique=True)
    at = models.CharField(
        max_length=40, help_text="ISO 8601, UTC; text, so that its hash is stable"
    )
    actor = models.CharField(max_length=150)
    act = models.SlugField(max_length=40)
    subject = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    content = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64, unique=True)
    # outside the hash: it says who may read the event, and claims nothing
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.act} {self.subject}"
