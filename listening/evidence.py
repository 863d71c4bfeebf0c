"""From rows to tidy frames: what the analysis of a campaign is made from.

The frames' columns are defined in `listening.analysis.frames`; here they are filled from the database, with the model
version and the hash of its chain and weights beside every rating.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd
from django.db.models import Count

from listening.analysis import frames
from listening.analysis.expertise import less_reference
from listening.excluding import (
    pages_left_out,
    with_control_questions,
    with_excluded_sessions,
)
from listening.models import Campaign, Condition, Page, Rating, Slot, Stimulus
from metrics import catalogue
from metrics.models import Score
from models_registry.models import ModelVersion

# a further column of methods whose grades count by their difference from the hidden reference's
DIFFERENCE_GRADE = "difference_grade"
# the columns of a rating that trace it to the weights, beside those the analysis reads
TRACE_COLUMNS = ["model_version", "model_sha256", "weights_sha256"]
# and what names it to whoever asks where it comes from (listening/provenance.py)
PROVENANCE = "provenance"
# of a table written in parts: some ten thousand ratings, as many as pages hold
PAGES_AT_ONCE = 2_000


def ratings_frame(campaign: Campaign, *, listeners: Collection[int] | None = None) -> pd.DataFrame:
    """One row per judgement as it stands (corrections replace what they supersede), in the order of rating.

    Of all listeners, or of those whose keys are named. Practice is no evidence, nor is what was rated by who then did
    not consent or was screened out: see `left_out`.
    """
    counted = Rating.objects.counted().filter(page__session__campaign=campaign)
    if listeners is not None:
        counted = counted.filter(page__session__listener__in=listeners)
    rows = counted.order_by("pk").values_list(
        "pk",
        "page_id",
        "page__session__listener__code",
        "page__session__listener__simulated",
        "page__session__token",
        "page__number",
        "stimulus_id",
        "scale",
        "value",
        "detail",
        "created_at",
    )
    stimuli = {
        stimulus.pk: stimulus
        for stimulus in Stimulus.objects.filter(trial__campaign=campaign).select_related(
            "trial", "signal", "condition__version__model"
        )
    }
    positions = dict(_positions(campaign, listeners))
    out = pages_left_out(campaign, listeners=listeners)
    judged = _judged(campaign, stimuli)
    records = []
    for pk, page, code, simulated, token, number, stimulus_pk, scale, value, detail, at in rows:
        stimulus, other = judged[stimulus_pk]
        records.append(
            {
                "campaign": campaign.slug,
                "method": campaign.method,
                "listener": code,
                "simulated": simulated,
                "session": str(token),
                "trial": number,
                "item": stimulus.trial.item,
                "condition": stimulus.condition.name,
                "reference_condition": detail.get("against", other),
                "role": stimulus.condition.role,
                "scale": scale,
                "rating": value,
                "presented_first": detail.get("first", ""),
                "alternatives": detail.get("alternatives", 0),
                "x_was": detail.get("x", ""),
                "answer": detail.get("answer", ""),
                "position": positions.get((page, stimulus.pk), -1),
                "rated_at": detail.get("rated_at", at.isoformat()),
                "signal": stimulus.signal.sha256 if stimulus.signal else "",
                "excluded_by": out.get(page, ""),
                **_trace(stimulus.condition.version),
                PROVENANCE: f"rating/{pk}",
            }
        )
    columns = [*frames.RATING_COLUMNS, *TRACE_COLUMNS, PROVENANCE]
    found = frames.ratings_frame(pd.DataFrame(records, columns=columns))
    found["excluded_by"] = with_control_questions(campaign, found)
    found["excluded_by"] = with_excluded_sessions(campaign, found)
    if frames.METHODS[campaign.method].reading == "differences":
        found[DIFFERENCE_GRADE] = less_reference(found)
    return found


def ratings_by_parts(campaign: Campaign) -> Iterator[pd.DataFrame]:
    """`ratings_frame` in parts of whole listeners, the first to come first, so that no campaign is too long to hold."""
    of_listener = (
        campaign.listeners.order_by("pk")
        .annotate(pages=Count("sessions__pages"))
        .values_list("pk", "pages")
    )
    part: list[int] = []
    pages = 0
    for listener, theirs in of_listener.iterator():
        if part and pages + theirs > PAGES_AT_ONCE:
            yield ratings_frame(campaign, listeners=part)
            part, pages = [], 0
        part.append(listener)
        pages += theirs
    yield ratings_frame(campaign, listeners=part)


def left_out(campaign: Campaign) -> dict[str, int]:
    """How many ratings are stored but never counted, by the reason why."""
    stored = Rating.objects.current().filter(page__session__campaign=campaign)
    training = stored.filter(page__kind=Page.Kind.TRAINING).count()
    control = stored.filter(page__kind=Page.Kind.CONTROL).count()
    counted = Rating.objects.counted().filter(page__session__campaign=campaign).count()
    return {
        "training": training,
        "control questions": control,
        "screened out or not consented": stored.count() - training - control - counted,
    }


def _positions(
    campaign: Campaign, listeners: Collection[int] | None
) -> Iterator[tuple[tuple[int, int], int]]:
    slots = Slot.objects.filter(page__session__campaign=campaign, stimulus__isnull=False)
    if listeners is not None:
        slots = slots.filter(page__session__listener__in=listeners)
    # the last place first: ABX's X repeats a stimulus, whose own button is A or B
    for page, stimulus, position in slots.order_by("-position").values_list(
        "page_id", "stimulus_id", "position"
    ):
        yield (page, stimulus), position


def _judged(campaign: Campaign, stimuli: dict[int, Stimulus]) -> dict[int, tuple[Stimulus, str]]:
    """For each stimulus that a rating may name: the one it counts for, and what that was held against.

    MUSHRA rates the stimulus itself. ABX and its like ask whether the tested condition can be told from the other,
    whichever of them X was. A comparison of pairs keeps the other one with each rating.
    """
    if frames.METHODS[campaign.method].reading != "answers":
        return {pk: (stimulus, "") for pk, stimulus in stimuli.items()}
    pairs: dict[int, list[Stimulus]] = {}
    for stimulus in stimuli.values():
        pairs.setdefault(stimulus.trial_id, []).append(stimulus)
    found = {}
    for pair in pairs.values():
        other, tested = sorted(
            pair, key=lambda one: (one.condition.role == Condition.Role.SYSTEM, one.condition_id)
        )
        for stimulus in pair:
            found[stimulus.pk] = (tested, other.condition.name)
    return found


def _trace(version: ModelVersion | None) -> dict[str, str]:
    if version is None:
        return dict.fromkeys(TRACE_COLUMNS, "")
    return dict(
        zip(TRACE_COLUMNS, (str(version), version.sha256, version.weights_sha256), strict=True)
    )


def scores_frame(campaign: Campaign, *, align: bool = True) -> pd.DataFrame:
    """One row per stimulus and metric that was scored against the trial's reference (or without one).

    Where a metric was computed in several versions, the one of today's catalogue counts, else the last; of one version,
    the score whose lag was undone, or was not, as `align` says.
    """
    stimuli = list(
        Stimulus.objects.filter(trial__campaign=campaign, signal__isnull=False).select_related(
            "trial", "trial__reference", "condition", "signal"
        )
    )
    latest = latest_scores(
        {stimulus.signal_id for stimulus in stimuli if stimulus.signal_id}, align=align
    )
    declared = {metric.name: metric for metric in catalogue.all()}
    records: list[dict[str, Any]] = []
    for stimulus in stimuli:
        for reference_pk in {stimulus.trial.reference_id, None}:
            for score in latest.get((stimulus.signal_id, reference_pk), {}).values():
                metric = declared.get(score.metric)
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
                        "direction": str(metric.direction) if metric else "none",
                        "value": score.value,
                        "status": score.status,
                        "message": score.message,
                        PROVENANCE: f"score/{score.pk}",
                    }
                )
    return frames.scores_frame(pd.DataFrame(records, columns=[*frames.SCORE_COLUMNS, PROVENANCE]))


def latest_scores(
    signals: Collection[int], *, names: Collection[str] | None = None, align: bool = True
) -> dict[tuple[int | None, int | None], dict[str, Score]]:
    """Each pair's scores by metric, of those `names` or of all: today's version of a metric, else the last there is.

    Of one version, the score whose lag was undone, or was not, as `align` says.
    """
    current = {metric.name: metric.version for metric in catalogue.all()}
    scores = Score.objects.filter(signal__in=signals).order_by("pk")
    if names is not None:
        scores = scores.filter(metric__in=names)
    found: dict[tuple[int | None, int | None], dict[str, Score]] = {}

    def rank(score: Score) -> tuple[bool, bool]:
        return score.metric_version == current.get(score.metric), score.lag_undone == align

    for score in scores:
        of_pair = found.setdefault((score.signal_id, score.reference_id), {})
        before = of_pair.get(score.metric)
        if before is None or rank(score) >= rank(before):
            of_pair[score.metric] = score
    return found


def in_order_of_arrival(campaign: Campaign, ratings: pd.DataFrame) -> pd.DataFrame:
    """The rows of `ratings` that come from finished sessions, the first to finish first."""
    finished = campaign.sessions.exclude(finished_at=None).order_by("finished_at", "pk")
    place = {str(token): n for n, token in enumerate(finished.values_list("token", flat=True))}
    of_row = ratings["session"].map(place)
    return ratings.loc[of_row.dropna().sort_values(kind="stable").index]
