"""Score a campaign: every stimulus against its trial's reference."""

from __future__ import annotations

from collections.abc import Callable

from listening.models import Campaign, Stimulus
from metrics import catalogue
from metrics.tasks import score_signals
from models_registry import audit


def score_campaign(
    campaign: Campaign,
    *,
    actor: str,
    names: list[str] | None = None,
    align: bool = True,
    progress: Callable[[float, str], None] = lambda share, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Score what is not scored yet, by the whole catalogue or the metrics named; returns the number of new scores.

    With `align` a lag is undone for metrics that compare moment with moment: listeners who switch between stimuli
    hardly hear it, and recordings that come from elsewhere may carry a codec's.
    """
    names = names or [metric.name for metric in catalogue.all()]
    stimuli = Stimulus.objects.filter(trial__campaign=campaign, signal__isnull=False)
    pairs = [
        (stimulus.signal, stimulus.trial.reference)
        for stimulus in stimuli.select_related("signal", "trial__reference")
        if stimulus.signal
    ]
    written = score_signals(pairs, names, align=align, progress=progress, should_stop=should_stop)
    if written:
        audit.record(
            "score", campaign, actor=actor, content={"metrics": sorted(names), "scores": written}
        )
    return written
