"""The whole of a campaign's evidence in one call: `analyse` for ratings, `correlate` for ratings and scores.

Results hold unrounded frames; `to_json` gives all of them, `to_text` the tables a terminal can show. Everything
is given with and without screening, says whether listeners were simulated, and states its scope.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from listening.analysis import abx, correlation, listings
from listening.analysis.anova import RepeatedMeasures
from listening.analysis.comparison import Comparison, compare
from listening.analysis.correlation import join
from listening.analysis.description import OVER_LISTENERS, OVER_RATINGS, describe
from listening.analysis.frames import (
    AnalysisError,
    coded,
    ratings_frame,
    scores_frame,
    single_method,
    uncoded,
)
from listening.analysis.metric_evidence import METHODS as METRIC_METHODS
from listening.analysis.metric_evidence import MetricEvidence, metric_evidence
from listening.analysis.mixed import MixedModel
from listening.analysis.plain import plain
from listening.analysis.screening import TITLES, Screening, screen

DESCRIBED = [*OVER_RATINGS, "modality", "multimodal", *OVER_LISTENERS]
MUSHRA_METHODS = {
    "mean": "over all ratings",
    "mean_of_listeners": "over one mean per listener, with its 95 % t interval ci_low … ci_high",
    "quartiles": "Tukey's hinges; outliers beyond 1.5 interquartile ranges from them",
    "modality": "BS.1534-3's b; multimodal above 5/9",
    "mixed": "crossed mixed model: random listener, item, listener × condition and item × condition, restricted "
    "maximum likelihood, Satterthwaite's degrees of freedom; intervals 95 %, not adjusted; its own scope",
    "p_t, dz": "paired t-test on listener means, intervals 95 %, d_z by the non-central t",
    "detectable": "difference that a paired t-test of as many listeners would find with probability 0.8",
    "hedges_gz, d_av": "d_z less its bias; mean difference over the root of the mean variance",
    "p_flip, p_flip_max": "signs of listeners' differences flipped; p_flip_max adjusted for all pairs by max-T",
    "p_wilcoxon": "exact signed-rank test on listener means, zeros dropped, ties kept",
    "p_wilcoxon_ratings": "signed-rank test over listener × item ratings by the normal approximation, as often "
    "published; it takes the ratings of one listener for independent",
    "holm": "over all pairs listed",
    "anova": "condition × item within listeners; p_gg and p_hf with Greenhouse-Geisser's and Huynh-Feldt's epsilon; "
    "choice between p_hf and Hotelling's test by BS.1534-3 Attachment 4 (Algina & Keselman)",
    "friedman": "on listener means, ties corrected",
}
ABX_METHODS = {
    "p": "exact binomial, one-sided against 1/2; mid_p counts half of the observed outcome",
    "ci_low, ci_high": "Clopper-Pearson, 95 %",
    "dprime": "of the proportion clipped to 1/2 … 1 − 1/(2 trials)",
    "holm": "over the listeners of a pair",
    "heterogeneity": "χ² that all listeners of a pair have one proportion",
}
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
class Analysis(ABC):
    """What a campaign's ratings say; `screening` says whose of them entered."""

    campaign: str
    method: str
    listeners: int
    simulated_listeners: int
    screening: Screening

    def to_json(self) -> str:
        """Every figure, unrounded; a missing one is null."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        head = _head(self.campaign, self.method, self.listeners, self.simulated_listeners)
        return plain({**head, "screening": _screening_dict(self.screening), **self._results()})

    def to_text(self) -> str:
        """The main tables, rounded, for a terminal."""
        head = listings.head(self.campaign, self.method, self.listeners, self.simulated_listeners)
        return "\n\n".join([head, listings.screening(self.screening), *self._sections()]) + "\n"

    @property
    @abstractmethod
    def summary(self) -> pd.DataFrame:
        """The one table that an export shows first."""

    @abstractmethod
    def _results(self) -> dict[str, object]: ...

    @abstractmethod
    def _sections(self) -> list[str]: ...


@dataclass(frozen=True)
class MushraAnalysis(Analysis):
    """`conditions` and `items` (per condition and item) hold the columns of `describe` twice, as before_… and
    after_… screening; `comparison` is over the kept listeners, `comparison_before` over all."""

    conditions: pd.DataFrame
    items: pd.DataFrame
    comparison: Comparison
    comparison_before: Comparison

    @property
    def summary(self) -> pd.DataFrame:
        return self.conditions

    def _results(self) -> dict[str, object]:
        return {
            "scope": self.comparison.scope,
            "conditions": _nested(self.conditions),
            "items": _nested(self.items),
            "comparison": _comparison_dict(self.comparison),
            "comparison_before_screening": _comparison_dict(self.comparison_before),
            "methods": MUSHRA_METHODS,
        }

    def _sections(self) -> list[str]:
        return [listings.conditions(self.conditions), listings.comparison(self.comparison)]


@dataclass(frozen=True)
class AbxAnalysis(Analysis):
    """`pairs` has one row per pair over all listeners (`abx.pooled`), `per_listener` one per pair and listener."""

    pairs: pd.DataFrame
    per_listener: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        return self.pairs

    def _results(self) -> dict[str, object]:
        return {
            "scope": abx.SCOPE,
            "pairs": self.pairs,
            "listeners_by_pair": self.per_listener,
            "methods": ABX_METHODS,
        }

    def _sections(self) -> list[str]:
        return [
            f"All listeners, {abx.SCOPE}:\n" + listings.abx_pairs(self.pairs),
            "Each listener:\n" + listings.abx_listeners(self.per_listener),
        ]


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
        head = _head(self.campaign, self.method, self.listeners, self.simulated_listeners)
        return plain(
            {
                **head,
                "screening": _screening_dict(self.screening),
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
    """Screen, describe and compare one campaign's `ratings` (MUSHRA or ABX).

    Raises `AnalysisError` for a frame that is no tidy frame of ratings, holds several campaigns or none, an
    unknown rule, or a rule that keeps nobody.
    """
    ratings = coded(ratings_frame(ratings))
    method = single_method(ratings)
    screened, kept = _screened(ratings, screening)
    common = (*_identity(ratings, method), screened)
    if method == "abx":
        kept = uncoded(kept)
        return AbxAnalysis(*common, abx.pooled(kept), abx.per_listener(kept))
    compared = compare(kept)
    return MushraAnalysis(
        *common,
        conditions=_before_and_after(ratings, kept, ["condition"]),
        items=_before_and_after(ratings, kept, ["condition", "item"]),
        comparison=compared,
        comparison_before=compare(ratings) if screened.excluded else compared,
    )


def correlate(
    ratings: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    screening: str = "bs1534-3",
    roles: Sequence[str] = ("system",),
    given: str | None = None,
) -> Correlation:
    """Correlate every metric in `scores` with the mean ratings of one MUSHRA campaign.

    The hidden reference and the anchors stay out unless `roles` names them: they would stretch the range and
    flatter any metric. `given` names a metric to hold fixed in partial correlations. Raises `AnalysisError` as
    `analyse` does, for ABX ratings, and when there is nothing to join.
    """
    ratings = ratings_frame(ratings)
    method = single_method(ratings)
    if method != "mushra":
        raise AnalysisError(f"correlation: expected MUSHRA ratings, found {method}")
    screened, kept = _screened(ratings, screening)
    points = join(kept, scores_frame(scores), roles=roles)
    items = points["item"].nunique()
    caveats = () if items > 4 else (f"only {items} item(s): an interval that draws items is rough",)
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


def _before_and_after(all_: pd.DataFrame, kept: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    names = [*by, "role"]
    before = describe(all_, by=by).set_index(names)[DESCRIBED]
    after = before if len(kept) == len(all_) else describe(kept, by=by).set_index(names)[DESCRIBED]
    return before.add_prefix("before_").join(after.add_prefix("after_")).reset_index()


def _nested(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Records in which the before_… and after_… columns are two objects."""
    sides = ("before", "after")
    names = [c for c in frame if not str(c).startswith(tuple(f"{s}_" for s in sides))]
    return [
        {name: row[name] for name in names}
        | {f"{s}_screening": {c: row[f"{s}_{c}"] for c in DESCRIBED} for s in sides}
        for row in frame.to_dict("records")
    ]


def _head(campaign: str, method: str, listeners: int, simulated: int) -> dict[str, object]:
    return {
        "campaign": campaign,
        "method": method,
        "listeners": listeners,
        "simulated": simulated > 0,
        "simulated_listeners": simulated,
    }


def _screening_dict(screening: Screening) -> dict[str, object]:
    decisions = screening.decisions
    return {
        "rule": screening.rule,
        "title": TITLES[screening.rule],
        "ratings_before": screening.ratings_before,
        "ratings_after": screening.ratings_after,
        "listeners_before": len(decisions),
        "listeners_after": int((~decisions["excluded"]).sum()),
        "excluded": decisions[decisions["excluded"]][["listener", "reason"]],
        "not_applied": screening.not_applied,
        "exempt_items": screening.exempt_items,
        "decisions": decisions,
    }


def _comparison_dict(comparison: Comparison) -> dict[str, object]:
    return {
        "mixed": _mixed_dict(comparison.mixed) if comparison.mixed else None,
        "scope": comparison.scope,
        "pairs": comparison.pairs,
        "anova": _anova_dict(comparison.anova) if comparison.anova else None,
        "friedman": asdict(comparison.friedman) if comparison.friedman else None,
        "caveats": comparison.caveats,
    }


def _mixed_dict(model: MixedModel) -> dict[str, object]:
    return {
        "scope": model.scope,
        "n_ratings": model.n_ratings,
        "n_listeners": model.n_listeners,
        "n_items": model.n_items,
        "means": model.means,
        "pairs": model.pairs,
        "overall": asdict(model.overall) if model.overall else None,
        "components": model.components,
        "zero_components": model.zero,
        "reml_criterion": model.reml_criterion,
        "caveats": model.caveats,
    }


def _anova_dict(anova: RepeatedMeasures) -> dict[str, object]:
    fields = {
        name: getattr(anova, name) for name in ("scope", "n_listeners", "incomplete_listeners")
    }
    return {
        **fields,
        "effects": anova.effects,
        "cells": anova.cells,
        "skewed_cells": anova.skewed_cells,
        "too_skewed_cells": anova.too_skewed_cells,
        "caveats": anova.caveats,
    }
