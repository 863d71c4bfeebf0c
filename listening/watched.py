"""What a run's page says of what was watched: a table, sentences and the figures there are.

Conventions: everything is read from the run's row, so that pages need no training engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from listening.monitor_figures import CAPTIONS, SHOWN
from models_registry import watch
from models_registry.models import TrainingRun


@dataclass(frozen=True)
class Watched:
    """One monitor at the last validation."""

    name: str
    value: str
    unit: str
    healthy: str
    meaning: str
    outside: bool


@dataclass(frozen=True)
class Watch:
    """Everything watched in a run: the last values, all warnings by step, captions of the figures by name."""

    rows: list[Watched]
    warnings: list[tuple[int, str]]
    figures: dict[str, str]


def of_run(run: TrainingRun | None) -> Watch | None:
    """What was watched in `run`, or None where it has no history with monitors."""
    if run is None or not run.history:
        return None
    history: list[dict[str, Any]] = run.history
    last, limits = history[-1], watch.limits(run.recipe.get("limits", {}))
    out = watch.outside(last, limits)
    rows = [
        Watched(
            name=name.replace("_", " "),
            value=f"{last[watch.PREFIX + name]:.3g}".replace("-", "−"),
            unit=limit.unit,
            healthy=f"{limit.low:g} … {limit.high:g}".replace("-", "−"),
            meaning=limit.meaning,
            outside=name in out,
        )
        for name, limit in limits.items()
        if watch.PREFIX + name in last
    ]
    warnings = [(row["step"], text) for row in history for text in row.get("warnings", [])]
    figures = {name: caption for name, caption in CAPTIONS.items() if SHOWN[name](history)}
    return Watch(rows, warnings, figures) if rows or figures else None
