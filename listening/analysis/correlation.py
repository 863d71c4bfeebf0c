"""How metrics agree with listeners: correlations of scores with mean ratings.

A stimulus (one condition of one item) has one score per metric and the mean of its ratings. Two levels: per
stimulus, and per condition, where both are averaged over the items. The interval of Pearson's r by Fisher's z
takes the points for independent; stimuli of one item are not, so a bootstrap that draws whole items with
replacement stands beside it. A metric is only said to agree, or to disagree, when both intervals leave out 0.
Scores that are missing stay missing, and are counted with their reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from listening.analysis.adjustment import holm
from listening.analysis.bootstrap import item_bootstrap, tied
from listening.analysis.frames import AnalysisError, one_score_each, stimulus_key

CONFIDENCE = 0.95
LEVELS = ("stimulus", "condition")
METHODS = ("pearson", "spearman", "kendall")
# Fisher's interval divides by √(n − 3)
FEWEST = 4

COLUMNS = ["level", "metric", "metric_version", "unit", "direction", "n", "n_items", "missing"]
COLUMNS += ["missing_reasons"]
for _method in METHODS:
    COLUMNS += [_method, f"{_method}_p", f"{_method}_item_low", f"{_method}_item_high"]
    if _method == "pearson":
        COLUMNS += ["pearson_p_holm", "pearson_low", "pearson_high"]
COLUMNS += ["reading"]


@dataclass(frozen=True)
class Coefficient:
    """A correlation of `n` points; the interval is Fisher's and given for Pearson's r only."""

    n: int
    value: float
    p: float
    low: float = float("nan")
    high: float = float("nan")


def pearson(x: ArrayLike, y: ArrayLike) -> Coefficient:
    """Pearson's r with its two-sided t-test and Fisher's z interval."""
    x, y = _points(x, y)
    dx, dy = x - x.mean(), y - y.mean()
    r = float(np.clip((dx @ dy) / sqrt(dx @ dx) / sqrt(dy @ dy), -1, 1))
    df = len(x) - 2
    p = 2 * special.stdtr(df, -abs(r) * sqrt(df / (1 - r**2))) if abs(r) < 1 else 0.0
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) / sqrt(len(x) - 3)
    low, high = (
        (tanh(atanh(r) - half), tanh(atanh(r) + half)) if abs(r) < 1 else (float(r), float(r))
    )
    return Coefficient(len(x), r, float(p), low, high)


def spearman(x: ArrayLike, y: ArrayLike) -> Coefficient:
    """Spearman's ρ: Pearson's r of mid-ranks, with the t approximation of its p."""
    x, y = _points(x, y)
    rho, p = stats.spearmanr(tied(x), tied(y))
    return Coefficient(len(x), float(rho), float(p))


def kendall(x: ArrayLike, y: ArrayLike) -> Coefficient:
    """Kendall's τ-b, tie-corrected, with the asymptotic p."""
    x, y = _points(x, y)
    tau, p = stats.kendalltau(tied(x), tied(y), method="asymptotic")
    return Coefficient(len(x), float(tau), float(p))


def stimulus_means(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row per stimulus: item, condition, role, signal, simulated (any), rating (mean), n_ratings."""
    of_stimulus = ratings.groupby(["item", "condition"], sort=False, observed=True)
    means = of_stimulus.agg(
        role=("role", "first"),
        signal=("signal", "first"),
        simulated=("simulated", "any"),
        rating=("rating", "mean"),
        n_ratings=("rating", "count"),
    )
    return means.reset_index()


def join(ratings: pd.DataFrame, scores: pd.DataFrame, *, roles: Sequence[str]) -> pd.DataFrame:
    """The stimuli with one of `roles`, each with the value of every metric.

    Returns one row per stimulus and metric version: the columns of `stimulus_means`, metric, metric_version,
    unit, direction, value (missing where there is none) and reason (why). Stimuli and scores meet on the
    signal's hash where every stimulus has one, otherwise on item and condition (see `stimulus_key`). Raises
    `AnalysisError` when there is nothing to join, or two scores of one metric for one stimulus.
    """
    stimuli = stimulus_means(ratings[ratings["role"].isin(roles)])
    if stimuli.empty:
        raise AnalysisError(
            f"correlation: expected ratings of conditions that are {' or '.join(roles)}, found none"
        )
    if scores.empty:
        raise AnalysisError("correlation: expected scores, found none")
    key = stimulus_key(stimuli, scores)
    identity = ["metric", "metric_version", "unit", "direction"]
    given = one_score_each(scores, key)
    metrics = scores[identity].drop_duplicates()
    wanted = stimuli.merge(metrics, how="cross")
    joined = wanted.merge(given[[*key, *identity, "value", "status", "message"]], "left")
    absent = joined["status"].isna()
    status = joined.pop("status").where(~absent, "not scored")
    message = joined.pop("message").where(~absent, "")
    joined["reason"] = np.where(
        joined["value"].notna(), "", np.where(message != "", message, status)
    )
    return joined


def correlate(joined: pd.DataFrame) -> pd.DataFrame:
    """Correlate every metric of `joined` (see `join`) with the mean ratings, at both levels.

    Returns one row per level and metric with the columns `COLUMNS`, unrounded; `*_item_low` and `*_item_high`
    are the ends of the item bootstrap; p is adjusted by Holm over the metrics of a level; missing_reasons maps
    each reason to its count; reading is a sentence that names the sign. A coefficient that cannot be computed
    is missing, and the reading says why.
    """
    rows = []
    metrics = [points for _, points in joined.groupby(["metric", "metric_version"], sort=False)]
    for level in LEVELS:
        of_level = [_row(level, points) for points in metrics]
        for row, p in zip(
            of_level,
            holm(np.array([row["pearson_p"] for row in of_level], dtype=float)),
            strict=True,
        ):
            row["pearson_p_holm"] = p
        rows += of_level
    return pd.DataFrame(rows, columns=COLUMNS)


def condition_means(points: pd.DataFrame) -> pd.DataFrame:
    """Mean rating and score per condition, over the items that have both."""
    complete = points.dropna(subset="value")
    return complete.groupby("condition", sort=False)[["value", "rating"]].mean().reset_index()


def _row(level: str, points: pd.DataFrame) -> dict[str, object]:
    complete = points.dropna(subset="value")
    at_level = complete if level == "stimulus" else condition_means(points)
    first = points.iloc[0]
    row: dict[str, object] = {
        "level": level,
        **{c: str(first[c]) for c in ("metric", "metric_version", "unit", "direction")},
        "n": len(at_level),
        "n_items": complete["item"].nunique(),
        "missing": len(points) - len(complete),
        "missing_reasons": dict(Counter(points.loc[points["value"].isna(), "reason"])),
        "pearson_p": np.nan,
    }
    try:
        found = {
            "pearson": pearson(at_level["value"], at_level["rating"]),
            "spearman": spearman(at_level["value"], at_level["rating"]),
            "kendall": kendall(at_level["value"], at_level["rating"]),
        }
    except AnalysisError as why:
        return row | {"reading": f"no correlation: {why}"}
    bounds = item_bootstrap(complete, level=level)
    for method, coefficient in found.items():
        row |= {method: coefficient.value, f"{method}_p": coefficient.p}
        row[f"{method}_item_low"], row[f"{method}_item_high"] = bounds[method]
    r = found["pearson"]
    row |= {"pearson_low": r.low, "pearson_high": r.high}
    row["reading"] = reading(r, bounds["pearson"], direction=str(first["direction"]))
    return row


def reading(r: Coefficient, item_interval: tuple[float, float], *, direction: str) -> str:
    """What `r` says of a metric whose better values are `direction`, in words that keep its sign."""
    low, high = np.fmin(r.low, item_interval[0]), np.fmax(r.high, item_interval[1])
    shown = low > 0 or high < 0
    sign = "negative" if r.value < 0 else "positive"
    if direction == "none":
        return f"{sign} r" if shown else f"{sign} r, but the interval includes 0"
    if (r.value > 0) == (direction == "higher"):
        if shown:
            return "agrees with the listeners"
        return "no agreement shown: the interval includes 0"
    contrary = f"r is {sign} although {direction} is better"
    if shown:
        return f"disagrees with the listeners: {contrary}"
    return f"no agreement shown: {contrary}, and the interval includes 0"


def _points(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < FEWEST:
        raise AnalysisError(f"expected at least {FEWEST} points, found {len(x)}")
    for values, name in ((x, "scores"), (y, "ratings")):
        if np.ptp(values) == 0:
            raise AnalysisError(
                f"expected {name} that vary, found {len(values)} times {values[0] + 0.0:g}"
            )
    return x, y
