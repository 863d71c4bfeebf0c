"""The whole of a campaign's evidence in one call: `analyse` for ratings, `correlate` for ratings and scores.

Results hold unrounded frames; `to_json` gives all of them, `to_text` the tables a terminal can show. Everything
is given with and without screening, says whether listeners were simulated, and states its scope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from listening.analysis import correlation, listings
from listening.analysis.answers import AbxAnalysis as AbxAnalysis
from listening.analysis.choices import CategoryAnalysis, PreferenceAnalysis
from listening.analysis.correlation import join
from listening.analysis.expertise import difference_grades
from listening.analysis.frames import (
    METHODS,
    AnalysisError,
    coded,
    own_pairs,
    ratings_frame,
    scores_frame,
    single_method,
)
from listening.analysis.grades import DifferenceAnalysis
from listening.analysis.grades import MushraAnalysis as MushraAnalysis
from listening.analysis.metric_evidence import METHODS as METRIC_METHODS
from listening.analysis.metric_evidence import MetricEvidence, metric_evidence
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.plain import plain
from listening.analysis.results import Analysis as Analysis
from listening.analysis.results import head_dict, screening_dict
from listening.analysis.screening import TITLES, Screening, screen

# by how a method's ratings are read (`frames.Ratings`)
READINGS: Mapping[str, type[Analysis]] = {
    "grades": MushraAnalysis,
    "differences": DifferenceAnalysis,
    "opinions": OpinionAnalysis,
    "answers": AbxAnalysis,
    "preferences": PreferenceAnalysis,
    "categories": CategoryAnalysis,
}
WITH_MEANS = ("grades", "differences", "opinions")
CORRELATION_METHODS = {
    "rating": "mean over the ratings of a stimulus; at level condition both are averaged over items",
    "pearson_low, pearson_high": "Fisher's z, 95 %, takes the points for independent",
    "item_low, item_high": "95 % percentile bootstrap that draws whole items, 2,000 resamples, fixed seed",
    "kendall": "τ-b, asymptotic p",
    "holm": "over the metrics of a level",
    "reading": "agrees or disagrees only if both intervals leave out 0; they are not widened for the number of "
    "metrics, for which the adjusted p stands",
}


@dataclass(frozen=True)
class Correlation:
    """How every metric agrees with the listeners kept by `screening`.

    `table` has one row per level and metric (`correlation.correlate`), `points` one per stimulus and metric
    (`correlation.join`); only conditions with one of `roles` enter.
    """

    campaign: str
    method: str
    listeners: int
    simulated_listeners: int
    screening: Screening
    roles: tuple[str, ...]
    table: pd.DataFrame
    points: pd.DataFrame
    caveats: tuple[str, ...]
    ratings: pd.DataFrame
    given: str | None = None

    @cached_property
    def metrics(self) -> MetricEvidence:
        """League, mappings, parts, ceiling and disagreements, computed when they are first asked for."""
        return metric_evidence(self.points, self.ratings, given=self.given)

    @property
    def scope(self) -> str:
        return f"for conditions of role {' or '.join(self.roles)}, and items like these"

    def to_json(self) -> str:
        """Every figure, unrounded; a missing one is null."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        head = head_dict(self.campaign, self.method, self.listeners, self.simulated_listeners)
        return plain(
            {
                **head,
                "screening": screening_dict(self.screening),
                "scope": self.scope,
                "roles": self.roles,
                "correlations": self.table,
                **self.metrics.as_dict(),
                "caveats": (*self.caveats, *self.metrics.caveats),
                "methods": CORRELATION_METHODS | METRIC_METHODS,
            }
        )

    def to_text(self) -> str:
        """The correlations, rounded, for a terminal."""
        head = listings.head(self.campaign, self.method, self.listeners, self.simulated_listeners)
        sections = [head, listings.screening(self.screening)]
        for level, rows in self.table.groupby("level", sort=False):
            sections.append(f"Per {level}, {self.scope}:\n" + listings.correlations(rows))
        sections += self.metrics.sections()
        return "\n\n".join([*sections, *self.caveats]) + "\n"


def analyse(ratings: pd.DataFrame, *, screening: str = "bs1534-3") -> Analysis:
    """Screen, describe and compare one campaign's `ratings`, as their method's are read.

    Raises `AnalysisError` for a frame that is no tidy frame of ratings, holds several campaigns or none, an
    unknown rule, or a rule that keeps nobody.
    """
    ratings = coded(ratings_frame(ratings))
    method = single_method(ratings)
    screened, kept = _screened(ratings, screening)
    common = (*_identity(ratings, method), screened)
    return READINGS[METHODS[method].reading].of(common, ratings, kept)


def correlate(
    ratings: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    screening: str = "bs1534-3",
    roles: Sequence[str] = ("system",),
    given: str | None = None,
    scale: str | None = None,
) -> Correlation:
    """Correlate every metric in `scores` with the mean ratings of one campaign, or its mean difference grades.

    The hidden reference and the anchors stay out unless `roles` names them: they would stretch the range and
    flatter any metric. `given` names a metric to hold fixed in partial correlations, `scale` the scale of a method
    that has several (P.835: OVRL unless another is named). Raises `AnalysisError` as `analyse` does, for ratings
    without a mean (ABX), and when there is nothing to join.
    """
    ratings = ratings_frame(ratings)
    method = single_method(ratings)
    if METHODS[method].reading not in WITH_MEANS:
        raise AnalysisError(f"correlation: expected ratings that have means, found {method}")
    ratings = _on_scale(ratings, scale or METHODS[method].overall)
    screened, kept = _screened(ratings, screening)
    if METHODS[method].reading == "differences":
        kept = difference_grades(kept)
    scores, caveats = own_pairs(scores_frame(scores))
    points = join(kept, scores, roles=roles)
    if (items := points["item"].nunique()) <= 4:
        caveats = (f"only {items} item(s): an interval that draws items is rough", *caveats)
    return Correlation(
        *_identity(ratings, method),
        screened,
        tuple(roles),
        correlation.correlate(points),
        points,
        caveats,
        kept,
        given,
    )


def _on_scale(ratings: pd.DataFrame, scale: str) -> pd.DataFrame:
    """The ratings on one scale; raises `AnalysisError` where that is none of theirs."""
    scales = list(ratings["scale"].unique())
    if scale not in scales:
        found = ", ".join(filter(None, scales)) or "no scales"
        raise AnalysisError(
            f"correlation: expected one scale of several, {scale or 'none was named'}, found {found}"
        )
    return ratings[ratings["scale"] == scale]


def _screened(ratings: pd.DataFrame, rule: str) -> tuple[Screening, pd.DataFrame]:
    screened = screen(ratings, rule=rule)
    kept = screened.keep(ratings)
    if kept.empty:
        raise AnalysisError(
            f"expected {TITLES[rule]} to keep a listener, found all {len(screened.excluded)} excluded; "
            "without screening ('none') the ratings can still be seen"
        )
    return screened, kept


def _identity(ratings: pd.DataFrame, method: str) -> tuple[str, str, int, int]:
    listeners = ratings.groupby("listener", observed=True)["simulated"].any()
    return str(ratings["campaign"].iloc[0]), method, len(listeners), int(listeners.sum())
