"""Scores: what a metric says of a signal."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from models_registry.models import Signal
from models_registry.written_once import WrittenOnce


class ScoreQuerySet(WrittenOnce, models.QuerySet["Score"]):
    pass


class Score(models.Model):
    """A metric's value for a signal (and its reference), or the reason why there is none."""

    metric = models.SlugField(max_length=60)
    metric_version = models.CharField(max_length=80)
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="scores")
    reference = models.ForeignKey(
        Signal, on_delete=models.PROTECT, null=True, blank=True, related_name="scores_as_reference"
    )
    # whether the lag to the reference was to be undone, where it could be told; settings say what was done
    lag_undone = models.BooleanField(default=False)
    value = models.FloatField(null=True, blank=True)
    unit = models.CharField(max_length=40, blank=True)
    status = models.SlugField(max_length=20)
    message = models.TextField(blank=True)
    # calibration, and how the signal lies to its reference (metrics.scoring.Result.settings)
    settings = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "metric_version", "signal", "reference", "lag_undone"],
                condition=Q(reference__isnull=False),
                name="score_once_per_pair",
            ),
            models.UniqueConstraint(
                fields=["metric", "metric_version", "signal"],
                condition=Q(reference__isnull=True),
                name="score_once_per_signal",
            ),
            models.CheckConstraint(
                condition=Q(status="ok", value__isnull=False)
                | (~Q(status="ok") & Q(value__isnull=True) & ~Q(message="")),
                name="score_has_a_value_or_a_reason",
            ),
        ]

    def __str__(self) -> str:
        shown = f"{self.value:.4g} {self.unit}".strip() if self.value is not None else self.status
        return f"{self.metric} of {self.signal}: {shown}"
