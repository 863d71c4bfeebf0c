"""Scores as a register."""

from __future__ import annotations

from metrics.models import Score
from models_registry.admin import register

register(
    Score,
    list_display=["metric", "metric_version", "signal", "value", "unit", "status"],
    list_filter=["metric", "status"],
    list_select_related=["signal"],
)
