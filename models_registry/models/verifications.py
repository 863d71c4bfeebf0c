"""Verifications: that everything stored was held against the record, when, and what was found."""

from __future__ import annotations

from django.db import models

from models_registry.written_once import WrittenOnce


class VerificationQuerySet(WrittenOnce, models.QuerySet["Verification"]):
    pass


class Verification(models.Model):
    """One walk through the record and all that it covers (see verifying.py)."""

    actor = models.CharField(max_length=150)
    checked = models.JSONField(help_text="how many of each kind of thing were looked at")
    breaks = models.JSONField(help_text="the first ones: what, where, and the key of whose project")
    number_of_breaks = models.PositiveIntegerField()
    last_number = models.PositiveBigIntegerField(
        help_text="of the record's last event then; 0: none"
    )
    last_sha256 = models.CharField(max_length=64, blank=True)
    seconds = models.FloatField()
    made_at = models.DateTimeField(auto_now_add=True)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"verification {self.pk}"
