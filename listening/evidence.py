"""From rows to tidy frames: what the analysis of a campaign is made from.

The frames' columns are defined in `listening.analysis.frames`; here they are filled from the database, with the model
version and the hash of its chain and weights beside every rating.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from listening.analysis import frames
from listening.models import Campaign, Rating, Stimulus
from metrics import catalogue
from metrics.models import Score

# the columns of a rating that trace it to the weights, beside those the analysis reads
TRACE_COLUMNS = ["model_version", "model_sha256", "weights_sha256"]


def ratings_frame(campaign: Campaign) -> pd.DataFrame:
    """One row per judgement as it stands (corrections replace what they supersede), in the order of rating."""
    rows = (
        Rating.objects.current()
        .filter(page__session__campaign=campaign)
        .order_by("pk")
        .values_list(
            "page__session__listener__code",
            "page__session__listener__simulated",
            "page__session__token",
            "page__number",
            "page__trial__item",
            "stimulus__condition_id",
            "value",
            "detail",
            "created_at",
            "stimulus__signal__sha256",
        )
    )
    conditions = {
        condition.pk: condition
        for condition in campaign.conditions.select_related("version__model")
    }
    records = []
    for code, simulated, token, number, item, condition_pk, value, detail, at, sha256 in rows:
        condition = conditions[condition_pk]
        version = condition.version
        records.append(
            {
                "campaign": campaign.slug,
                "method": campaign.method,
                "listener": code,
                "simulated": simulated,
                "session": str(token),
                "trial": number,
                "item": item,
                "condition": condition.name,
                "reference_condition": detail.get("reference_condition", ""),
                "role": condition.role,
                "rating": value,
                "x_was": detail.get("x", ""),
                "answer": detail.get("answer", ""),
                "position": detail.get("position", -1),
                "rated_at": detail.get("rated_at", at.isoformat()),
                "signal": sha256 or "",
                "model_version": str(version) if version else "",
                "model_sha256": version.sha256 if version else "",
                "weights_sha256": version.weights_sha256 if version else "",
            }
        )
    columns = [*frames.RATING_COLUMNS, *TRACE_COLUMNS]
    return frames.ratings_frame(pd.DataFrame(records, columns=columns))


def scores_frame(campaign: Campaign) -> pd.DataFrame:
    """One row per stimulus and metric that was scored against the trial's reference (or without one).

    Where a metric was computed in several versions, the one of today's catalogue counts, else the last.
    """
    stimuli = list(
        Stimulus.objects.filter(trial__campaign=campaign, signal__isnull=False).select_related(
            "trial", "trial__reference", "condition", "signal"
        )
    )
    latest = _latest_scores({stimulus.signal_id for stimulus in stimuli if stimulus.signal_id})
    declared = {metric.name: metric for metric in catalogue.all()}
    records: list[dict[str, Any]] = []
    for stimulus in stimuli:
        for reference_pk in {stimulus.trial.reference_id, None}:
            for score in latest.get((stimulus.signal_id, reference_pk), {}).values():
                metric = declared.get(score.metric)
                direction = str(metric.direction) if metric else ""
                reference = stimulus.trial.reference if reference_pk else None
                records.append(
                    {
                        "signal": stimulus.signal.sha256 if stimulus.signal else "",
                        "reference": reference.sha256 if reference else "",
                        "item": stimulus.trial.item,
                        "condition": stimulus.condition.name,
                        "metric": score.metric,
                        "metric_version": score.metric_version,
                        "unit": score.unit,
                        "direction": "" if direction == "none" else direction,
                        "value": score.value,
                        "status": score.status,
                        "message": score.message,
                    }
                )
    return frames.scores_frame(pd.DataFrame(records, columns=list(frames.SCORE_COLUMNS)))


def _latest_scores(signals: set[int]) -> dict[tuple[int | None, int | None], dict[str, Score]]:
    current = {metric.name: metric.version for metric in catalogue.all()}
    found: dict[tuple[int | None, int | None], dict[str, Score]] = {}
    for score in Score.objects.filter(signal__in=signals).order_by("pk"):
        of_pair = found.setdefault((score.signal_id, score.reference_id), {})
        before = of_pair.get(score.metric)
        if before is None or before.metric_version != current.get(score.metric):
            of_pair[score.metric] = score
    return found
