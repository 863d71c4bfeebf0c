"""Evaluation of metrics against mean ratings by ITU-T P.1401.

Points are stimuli, or conditions with all their votes pooled and the metric averaged over its files. A metric that
falls with quality is negated first. Errors are what remains after a mapping (`mapping`), each against the 95 %
interval of its point's mean rating: rmse* and the outlier ratio forgive what the listeners do not know themselves.
The Recommendation's tests take metrics for independent samples; the paired ones stand beside them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from listening.analysis.adjustment import holm
from listening.analysis.correlation_tests import dependent_difference
from listening.analysis.frames import AnalysisError
from listening.analysis.mapping import PARAMETERS, fit_mapping

Values = NDArray[np.float64]

CONFIDENCE = 0.95
# from so many votes on P.1401 takes the normal quantile for Student's
NORMAL_FROM = 30
ERRORS = ["mapping", "d", "n", "rmse", "rmse_low", "rmse_high", "rmse_star", "outlier_ratio"]
ERRORS += ["outlier_low", "outlier_high", "outliers", "pearson", "largest", "mean", "rmse_star_t"]
ERRORS += ["outlier_ratio_t", "coefficients", "centre", "half_range", "held", "monotone"]
REASON = "reason"


def mean_opinions(votes: pd.DataFrame, *, by: str | list[str]) -> pd.DataFrame:
    """Mean, sd (n − 1), n of `votes`' rating per `by`, in order of appearance, with half the width of the 95 %
    interval by t (`ci_t`) and as in P.1401 (`ci`: 1.96 from 30 votes on); missing for a single vote."""
    found = votes.groupby(by, sort=False)["rating"].agg(mos="mean", sd="std", n="count")
    return _with_intervals(pd.DataFrame(found)).reset_index()


def pooled_opinions(opinions: pd.DataFrame, *, by: str | list[str]) -> pd.DataFrame:
    """`mean_opinions` of all votes of each `by`, from those of its stimuli (rows with mos, sd, n), votes unseen."""
    pooled = opinions.assign(
        total=opinions["n"] * opinions["mos"],
        squares=(opinions["n"] - 1) * opinions["sd"].fillna(0) ** 2,
    )
    of_group = pooled.groupby(by, sort=False)
    found = of_group[["n", "total", "squares"]].sum()
    found["mos"] = found["total"] / found["n"]
    mean = of_group["total"].transform("sum") / of_group["n"].transform("sum")
    pooled["between"] = pooled["n"] * (pooled["mos"] - mean) ** 2
    squares = found.pop("squares") + pooled.groupby(by, sort=False)["between"].sum()
    found["sd"] = np.sqrt(squares / (found["n"] - 1).where(found["n"] > 1))
    return _with_intervals(found[["mos", "sd", "n"]]).reset_index()


def _with_intervals(found: pd.DataFrame) -> pd.DataFrame:
    quantile = special.stdtrit(np.maximum(found["n"] - 1, 1), (1 + CONFIDENCE) / 2)
    error = found["sd"] / np.sqrt(found["n"])
    found["ci_t"] = quantile * error
    normal = special.ndtri((1 + CONFIDENCE) / 2)
    found["ci"] = np.where(found["n"] < NORMAL_FROM, quantile, normal) * error
    return found


def evaluate(
    scores: ArrayLike,
    points: pd.DataFrame,
    *,
    on_scale: bool = False,
    mappings: Iterable[str] = tuple(PARAMETERS),
) -> tuple[pd.DataFrame, bool]:
    """The errors of one metric's `scores` (N,) on `points` (N rows of `mean_opinions`), and whether it was negated.

    Returns one row for each of `mappings` with the columns `ERRORS` and, where there are no errors, the reason. 'none'
    only when the metric is `on_scale` of the ratings and not negated. d is what a mapping takes from the
    degrees of freedom; rmse = √(Σe²/(N − d)) with its χ² interval; rmse_star the same of max(0, |e| − ci);
    outlier_ratio: share with |e| > ci, with its Wald interval; *_t with ci_t in place of ci.
    """
    x, y = np.asarray(scores, dtype=float), points["mos"].to_numpy(dtype=float)
    negated = bool(len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0 and np.corrcoef(x, y)[0, 1] < 0)
    x = -x if negated else x
    rows = []
    for kind in mappings:
        row: dict[str, object] = {"mapping": kind, "d": PARAMETERS[kind], "n": len(x), REASON: ""}
        try:
            if kind == "none" and (negated or not on_scale):
                raise AnalysisError("the metric is not on the scale of the ratings")
            mapping = fit_mapping(x, y, kind=kind)
            row |= _errors(y, mapping(x), points, PARAMETERS[kind])
            row |= {"coefficients": mapping.coefficients, "held": mapping.held}
            row |= {"centre": mapping.centre, "half_range": mapping.half_range}
            row |= {"monotone": mapping.monotone}
        except AnalysisError as why:
            row[REASON] = str(why)
        rows.append(row)
    return pd.DataFrame(rows, columns=[*ERRORS, REASON]), negated


def _errors(y: Values, predicted: Values, points: pd.DataFrame, d: int) -> dict[str, object]:
    n, e = len(y), y - predicted
    if n <= d:
        raise AnalysisError(f"expected more than {d} points, found {n}")
    rmse = sqrt(float((e**2).sum()) / (n - d))
    tails = special.chdtri(n - d, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    low, high = rmse * np.sqrt((n - d) / tails)
    star, ratio = _against(e, points["ci"], d)
    star_t, ratio_t = _against(e, points["ci_t"], d)
    half = special.ndtri((1 + CONFIDENCE) / 2) * sqrt(ratio * (1 - ratio) / n)
    varied = np.ptp(predicted) > 0 and np.ptp(y) > 0
    return {
        "rmse": rmse,
        "rmse_low": float(low),
        "rmse_high": float(high),
        "rmse_star": star,
        "outlier_ratio": ratio,
        "outlier_low": ratio - half,
        "outlier_high": ratio + half,
        "outliers": ratio * n,
        "pearson": float(np.corrcoef(predicted, y)[0, 1]) if varied else np.nan,
        "largest": float(np.abs(e).max()),
        "mean": float(e.mean()),
        "rmse_star_t": star_t,
        "outlier_ratio_t": ratio_t,
    }


def _against(e: Values, interval: pd.Series, d: int) -> tuple[float, float]:
    """rmse* and outlier ratio; missing where a point has no interval."""
    half = interval.to_numpy(dtype=float)
    if not np.isfinite(half).all():
        return np.nan, np.nan
    beyond = np.maximum(0, np.abs(e) - half)
    return sqrt(float((beyond**2).sum()) / (len(e) - d)), float((np.abs(e) > half).mean())


def compare_metrics(
    scores: pd.DataFrame,
    points: pd.DataFrame,
    *,
    mapping: str = "monotone cubic",
    on_scale: bool = False,
) -> pd.DataFrame:
    """Every pair of metrics on the same points: `scores` has one column per metric, N rows as `points`.

    Returns a, b, n, r_a, r_b (after negation), r_ab; the columns of `Difference`; f, f_df, f_critical, f_p of the
    rmse after `mapping` (P.1401: (greater/smaller)² against F(0.95; N − d, N − d)), f_star of rmse*; outlier_z,
    unpooled, and outlier_z_pooled; p_holm, Williams' over all pairs. Figures that have no value are missing.
    """
    columns = {name: scores[name].to_numpy(dtype=float) for name in scores}
    y = points["mos"].to_numpy(dtype=float)
    evaluated = {}
    for name, x in columns.items():
        table, negated = evaluate(x, points, on_scale=on_scale, mappings=[mapping])
        columns[name] = -x if negated else x
        evaluated[name] = table.to_dict("records")[0]
    rows = []
    for a, b in combinations(columns, 2):
        r_a, r_b, r_ab = (
            _pearson(p, q) for p, q in ((columns[a], y), (columns[b], y), (columns[a], columns[b]))
        )
        row: dict[str, object] = {"a": a, "b": b, "n": len(y), "r_a": r_a, "r_b": r_b, "r_ab": r_ab}
        try:
            row |= vars(dependent_difference(r_a, r_b, r_ab, len(y)))
        except AnalysisError:
            row["williams_p"] = np.nan
        rows.append(row | _error_tests(evaluated[a], evaluated[b]))
    found = pd.DataFrame(rows, columns=None if rows else ["a", "b", "williams_p"])
    tested = found["williams_p"].notna()
    found["p_holm"] = np.nan
    found.loc[tested, "p_holm"] = holm(found.loc[tested, "williams_p"])
    return found


def statistical_distances(rmse_stars: pd.Series, *, n: int, d: int = 4) -> pd.Series:
    """P.1401's distance of each metric from the best: max(0, rmse*² − best rmse*² F(0.95; N − d, N − d))."""
    if n <= d:
        raise AnalysisError(f"statistical distance: expected more than {d} points, found {n}")
    bound = rmse_stars.min() ** 2 * stats.f.ppf(CONFIDENCE, n - d, n - d)
    return (rmse_stars**2 - bound).clip(lower=0)


def _pearson(x: Values, y: Values) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if np.ptp(x) > 0 and np.ptp(y) > 0 else np.nan


def _error_tests(a: Mapping[Hashable, Any], b: Mapping[Hashable, Any]) -> dict[str, float]:
    n, df = int(a["n"]), int(a["n"] - a["d"])
    names = ("f", "f_df", "f_critical", "f_p", "f_star", "outlier_z", "outlier_z_pooled")
    found = dict.fromkeys(names, np.nan)
    if a[REASON] or b[REASON]:
        return found
    found |= {"f_df": df, "f_critical": float(stats.f.ppf(CONFIDENCE, df, df))}
    for name, column in (("f", "rmse"), ("f_star", "rmse_star")):
        least, most = sorted((a[column], b[column]))
        found[name] = (most / least) ** 2 if least > 0 else np.nan
    found["f_p"] = float(stats.f.sf(found["f"], df, df))
    of_a, of_b = a["outlier_ratio"], b["outlier_ratio"]
    mean = (of_a + of_b) / 2
    unpooled = of_a * (1 - of_a) / n + of_b * (1 - of_b) / n
    for name, variance in (
        ("outlier_z", unpooled),
        ("outlier_z_pooled", 2 * mean * (1 - mean) / n),
    ):
        if of_a == of_b:
            found[name] = 0.0
        # all outliers against none: the unpooled variance is 0, and z has no value
        elif variance > 0:
            found[name] = (of_a - of_b) / sqrt(variance)
    return found
