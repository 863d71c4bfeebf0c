"""Everything beyond the coefficients that one campaign says of its metrics, computed together and told together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from listening.analysis.frames import AnalysisError
from listening.analysis.league import RULE, League, disagreements, league
from listening.analysis.mapping import FEWEST_FOR_CUBIC
from listening.analysis.p1401 import (
    ERRORS,
    REASON,
    compare_metrics,
    evaluate,
    mean_opinions,
    pooled_opinions,
    statistical_distances,
)
from listening.analysis.parts import Ceiling, by_group, ceiling, partials, parts
from listening.analysis.plain import Format, interval, number, table, whole

LEVELS = ("stimulus", "condition")
BEST_MAPPING = "monotone cubic"
HEAD = ["level", "metric", "metric_version", "negated"]
STIMULUS = ["item", "condition"]
METRIC = ["metric", "metric_version"]
T = TypeVar("T")
METHODS = {
    "league": RULE,
    "league, rmse": "after the best line, n − 2 in its root; intervals draw whole items, pairs share their draws",
    "mapping": "ITU-T P.1401: d parameters leave n − d degrees of freedom (1 unmapped, 2 line, 4 cubic); rmse_star "
    "and outliers against the 95 % interval of each mean rating, 1.96 in place of t from 30 ratings on; a condition "
    "pools its ratings and averages its scores; a metric that falls with the ratings is negated",
    "comparisons": "of r, for the same ratings: Williams, Meng-Rosenthal-Rubin, Dunn-Clark, Steiger; Fisher's z and F "
    "of the rmse are P.1401's and take the metrics for independent samples",
    "parts": "within items: repeated-measures correlation; between items: of item means",
    "ceiling": "root of the reliability of the mean ratings",
    "disagreements": "rating − what the best line from the score predicts",
}


@dataclass(frozen=True)
class MetricEvidence:
    """`league`, `mapping` (errors per level, metric and mapping), `comparisons` of all pairs of metrics of the league
    per stimulus, `parts`, `by_condition`, `given` (partial correlations, empty unless asked for), `ceiling` (none
    where it has no value), `disagreements`, and `caveats`."""

    league: League
    mapping: pd.DataFrame
    comparisons: pd.DataFrame
    parts: pd.DataFrame
    by_condition: pd.DataFrame
    given: pd.DataFrame
    ceiling: Ceiling | None
    disagreements: pd.DataFrame
    caveats: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        found = self.league
        return {
            "league": {
                "n": found.n,
                "n_items": found.n_items,
                "table": found.table,
                "pairs": found.pairs,
                "left_out": found.left_out,
            },
            "mapping": self.mapping,
            "comparisons": self.comparisons,
            "parts": self.parts,
            "by_condition": self.by_condition,
            "given": self.given,
            "ceiling": asdict(self.ceiling) if self.ceiling else None,
            "disagreements": self.disagreements,
        }

    def sections(self) -> list[str]:
        """For a terminal, rounded."""
        found = self.league
        rows = found.table
        lines = [f"League over {found.n} stimuli of {found.n_items} items:"]
        if len(rows):
            columns: dict[str, tuple[pd.Series, Format]] = {
                "rank": (rows["rank"], whole),
                "metric": (rows["metric"], str),
                "r, turned": (rows["r"], number(3)),
                "over items": interval(rows, "item_low", "item_high", digits=3),
                "rmse": (rows["rmse"], number()),
                "letters": (rows["letters"], str),
            }
            lines += [table(columns), RULE]
        lines += [f"left out: {name}, {why}" for name, why in found.left_out.items()]
        if self.ceiling:
            lines.append(
                f"No metric can be expected above r = {self.ceiling.ceiling:.3f}, the root of the ratings' "
                f"reliability {self.ceiling.reliability:.3f} ({self.ceiling.method})"
            )
        return ["\n".join([*lines, *self.caveats])]


def metric_evidence(
    points: pd.DataFrame, ratings: pd.DataFrame, *, given: str | None = None
) -> MetricEvidence:
    """From `points` (see `correlation.join`) and the `ratings` behind them; `given` names a metric to hold fixed.

    What has no value is left out with a caveat; raises `AnalysisError` only for a `given` that is no metric here.
    """
    rated = ratings.merge(points[STIMULUS].drop_duplicates(), on=STIMULUS)
    found = league(points)
    opinions = mean_opinions(rated, by=STIMULUS)
    mapping, caveats = _mapping(points, opinions)
    comparisons = _tried(lambda: _comparisons(found, points, opinions), pd.DataFrame(), caveats)
    return MetricEvidence(
        league=found,
        mapping=mapping,
        comparisons=comparisons,
        parts=parts(points),
        by_condition=by_group(points),
        given=partials(points, given=given) if given else pd.DataFrame(),
        ceiling=_tried(lambda: ceiling(rated), None, caveats),
        disagreements=disagreements(points),
        caveats=tuple(dict.fromkeys(caveats)),
    )


def _mapping(points: pd.DataFrame, opinions: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    tables, caveats = [], []
    complete = points[[*STIMULUS, *METRIC, "value"]].dropna(subset="value")
    complete = complete.merge(opinions, how="left", on=STIMULUS)
    metrics = list(points[METRIC].drop_duplicates().itertuples(index=False, name=None))
    for level in LEVELS:
        of_level = []
        found = dict(list(_at_level(complete, level).groupby(METRIC, sort=False)))
        for metric, version in metrics:
            of_metric = found.get((metric, version), complete[:0])
            errors, negated = evaluate(of_metric["value"], of_metric)
            errors[HEAD] = level, str(metric), str(version), negated
            of_level.append(errors[[*HEAD, *ERRORS, REASON]])
        mapped = pd.concat(of_level, ignore_index=True)
        mapped["distance"] = _distances(mapped)
        if mapped.loc[mapped["mapping"] == BEST_MAPPING, "rmse"].isna().all():
            caveats.append(
                f"per {level}: too few points for a cubic, so P.1401's mapping is a line"
            )
        tables.append(mapped)
    return pd.concat(tables, ignore_index=True), caveats


def _at_level(complete: pd.DataFrame, level: str) -> pd.DataFrame:
    """Every metric's scores of stimuli beside their mean ratings, or of conditions beside theirs."""
    if level == "stimulus":
        return complete
    by = [*METRIC, "condition"]
    scores = complete.groupby(by, sort=False)["value"].mean().reset_index()
    return scores.merge(pooled_opinions(complete, by=by), on=by)


def _distances(mapped: pd.DataFrame) -> pd.Series:
    """P.1401's distance from the best metric, of those that have a monotone cubic over the same points."""
    best = mapped[(mapped["mapping"] == BEST_MAPPING) & mapped["rmse_star"].notna()]
    if best.empty:
        return pd.Series(np.nan, index=mapped.index)
    alike = best[best["n"] == best["n"].max()]
    stars = alike["rmse_star"].astype(float)
    return statistical_distances(stars, n=int(alike["n"].iloc[0])).reindex(mapped.index)


def _comparisons(found: League, points: pd.DataFrame, opinions: pd.DataFrame) -> pd.DataFrame:
    chosen = list(found.table["metric"])
    if len(chosen) < 2:
        return pd.DataFrame()
    wide = points[points["metric"].isin(chosen)].pivot(
        index=STIMULUS, columns="metric", values="value"
    )
    wide = wide[chosen].dropna().reset_index()
    of_same = wide[STIMULUS].merge(opinions, how="left", on=STIMULUS)
    mapping = BEST_MAPPING if len(wide) >= FEWEST_FOR_CUBIC else "linear"
    return compare_metrics(wide[chosen], of_same, mapping=mapping).assign(mapping=mapping)


def _tried(compute: Callable[[], T], otherwise: T, caveats: list[str]) -> T:
    try:
        return compute()
    except AnalysisError as why:
        caveats.append(str(why))
        return otherwise
