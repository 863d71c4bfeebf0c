"""What pages compute once for a campaign's rows as they are, and keep until a rating or a score is added.

Ratings and scores are written once and never changed, so that their number and the last of them name a state. The
cache is Django's default one, in the process's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

import pandas as pd
from django.core.cache import cache
from django.db.models import Count, Max, QuerySet

from listening.analysis import report
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.metric_evidence import MetricEvidence
from listening.evidence import ratings_frame, scores_frame
from listening.models import Campaign, Page, Rating, Stimulus, Visit
from metrics.models import Score

NO_RATINGS = (
    "No ratings yet. Send listeners the link above; each rating appears here as soon as it is made."
)
NO_SCORES = (
    "No scores yet. Score all stimuli, and this table says which metrics agree with the listeners."
)
NO_MEANS = "Answers are right or wrong: there are no mean ratings to set metrics beside."
# what nobody looks at any more is dropped
SECONDS = 24 * 3600
T = TypeVar("T")
# within `one_state`: by campaign
_states: ContextVar[dict[int, str] | None] = ContextVar("states", default=None)


@contextmanager
def one_state() -> Iterator[None]:
    """Within, a campaign's state is looked up once: all parts of a page are of the same rows."""
    token = _states.set(_states.get() or {})
    try:
        yield
    finally:
        _states.reset(token)


def once(campaign: Campaign, what: str, compute: Callable[[], T]) -> T:
    """`compute()`, or what it gave when it was last asked for `what` of these very rows."""
    # the state is no part of the key, so that a new one replaces the old
    key, state = f"{what}/{campaign.pk}", state_known(campaign)
    kept: tuple[str, T] | None = cache.get(key)
    if kept is not None and kept[0] == state:
        return kept[1]
    found = compute()
    cache.set(key, (state, found), SECONDS)
    return found


def for_ever(what: str, compute: Callable[[], T]) -> T:
    """`compute()`, or what it gave for `what`, which must name everything that it depends on: signals never change."""
    return cast(T, cache.get_or_set(what, compute, SECONDS))


def state_known(campaign: Campaign) -> str:
    """`state_of` the campaign, as it was found before within `one_state`."""
    known = _states.get()
    if known is None:
        return state_of(campaign)
    if campaign.pk not in known:
        known[campaign.pk] = state_of(campaign)
    return known[campaign.pk]


def state_of(campaign: Campaign) -> str:
    """A name of everything that the campaign's evidence is computed from."""
    ratings = Rating.objects.counted().filter(page__session__campaign=campaign)
    control = Rating.objects.current().filter(
        page__session__campaign=campaign, page__kind=Page.Kind.CONTROL
    )
    signals = Stimulus.objects.filter(trial__campaign=campaign).values("signal")
    numbers = [
        # the age tells a campaign from one that had its number before
        campaign.created_at.timestamp(),
        *_extent(ratings),
        *_extent(control),
        Visit.objects.filter(page__session__campaign=campaign).count(),
        *_extent(Score.objects.filter(signal__in=signals)),
        campaign.sessions.exclude(finished_at=None).count(),
        *campaign.sessions.aggregate(
            out=Count("excluded_at"), last=Max("excluded_at"), forgotten=Count("forgotten_at")
        ).values(),
    ]
    return "/".join([campaign.rule, *map(str, numbers)])


def _extent(rows: QuerySet) -> tuple[int, int]:
    found = rows.aggregate(n=Count("pk"), last=Max("pk"))
    return found["n"], found["last"] or 0


def ratings_of(campaign: Campaign) -> pd.DataFrame:
    return once(campaign, "ratings", lambda: ratings_frame(campaign))


def scores_of(campaign: Campaign) -> pd.DataFrame:
    return once(campaign, "scores", lambda: scores_frame(campaign))


def analysis_of(campaign: Campaign) -> tuple[report.Analysis | None, str]:
    """The analysis by the declared screening, or none and the reason."""
    return once(campaign, "analysis", lambda: _analysed(campaign, ratings_of(campaign)))


def correlation_of(campaign: Campaign) -> tuple[report.Correlation | None, str]:
    """Metrics beside listeners, or none and the reason."""
    return once(
        campaign,
        "correlation",
        lambda: _correlated(campaign, ratings_of(campaign), scores_of(campaign)),
    )


def metric_evidence_of(campaign: Campaign, correlation: report.Correlation) -> MetricEvidence:
    return once(campaign, "metric-evidence", lambda: correlation.metrics)


def _analysed(campaign: Campaign, ratings: pd.DataFrame) -> tuple[report.Analysis | None, str]:
    if ratings.empty:
        return None, NO_RATINGS
    try:
        return campaign.protocol.analyse(ratings, screening=campaign.rule), ""
    except AnalysisError as error:
        return None, f"No analysis: {error}."


def _correlated(
    campaign: Campaign, ratings: pd.DataFrame, scores: pd.DataFrame
) -> tuple[report.Correlation | None, str]:
    if METHODS[campaign.method].reading not in report.WITH_MEANS:
        return None, NO_MEANS
    if ratings.empty or scores.empty:
        return None, NO_RATINGS if ratings.empty else NO_SCORES
    try:
        return report.correlate(ratings, scores, screening=campaign.rule), ""
    except AnalysisError as error:
        return None, f"No {error}."
