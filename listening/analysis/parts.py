"""What a correlation with the ratings is made of, and how high it could be.

A correlation over all stimuli mixes two questions: does the metric rank the conditions of one item (within items,
the repeated-measures correlation of Bakdash & Marusich 2017), and does it know which items are rated higher (between
items)? A partial correlation asks what it knows beyond another metric, such as level. Over campaigns, correlations
are pooled on Fisher's scale. No metric can agree with listeners more than they agree with themselves: √reliability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import atanh, sqrt, tanh

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from statsmodels.stats.meta_analysis import combine_effects

from listening.analysis.correlation import Coefficient, pearson
from listening.analysis.frames import AnalysisError
from listening.analysis.reliability import intraclass, matrix

Values = NDArray[np.float64]

CONFIDENCE = 0.95
SPLITS = 400
SEED = 2017
WITHIN = ["n", "df", "r", "p", "low", "high"]


@dataclass(frozen=True)
class Ceiling:
    """How well any metric could do: `reliability` of the stimulus means and its root, `ceiling`, the correlation with
    them that a metric of the true means would reach. `low` and `high` bound the ceiling (95 %, F of ICC(3,k); missing
    for an incomplete design, whose reliability is the mean of `SPLITS` split halves, stepped up)."""

    reliability: float
    ceiling: float
    low: float
    high: float
    n_stimuli: int
    n_listeners: int
    method: str


def repeated_measures(x: ArrayLike, y: ArrayLike, groups: Iterable[object]) -> Coefficient:
    """Correlation of x and y within `groups` (N,), after taking off each group's means; n counts the degrees of
    freedom + 2, as the interval (Fisher's z) does. Groups of one point say nothing and are left out.

    Raises `AnalysisError` for fewer than 2 degrees of freedom, or where x or y does not vary within any group.
    """
    group = pd.factorize(np.array(list(groups), dtype=object))[0]
    size = np.bincount(group)
    several = size[group] > 1
    group = group[several]
    pair = [np.asarray(values, dtype=float)[several] for values in (x, y)]
    df = len(group) - int((size > 1).sum()) - 1
    if df < 2:
        raise AnalysisError(f"within items: expected at least 2 degrees of freedom, found {df}")
    of_x, of_y = (values - (np.bincount(group, values, len(size)) / size)[group] for values in pair)
    squares = float(of_x @ of_x), float(of_y @ of_y)
    # what rounding leaves of equal values is no variation
    if any(left <= 1e-20 * float(of @ of) for left, of in zip(squares, pair, strict=True)):
        raise AnalysisError(
            "within items: expected scores and ratings that vary, found none that do"
        )
    return _coefficient(float(of_x @ of_y) / sqrt(squares[0] * squares[1]), df)


def partial_correlation(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> Coefficient:
    """Correlation of x and y when `given` is held fixed (linearly); n counts the degrees of freedom + 2.

    Raises `AnalysisError` for fewer than 5 points, values that do not vary, or x or y that is a line in `given`.
    """
    r_xy, r_xz, r_yz = (
        pearson(*pair).value for pair in ((x, y), (np.asarray(x), given), (np.asarray(y), given))
    )
    n = len(np.asarray(x))
    left = (1 - r_xz**2) * (1 - r_yz**2)
    if n < 5 or left < 1e-12:
        raise AnalysisError(
            "partial correlation: expected at least 5 points that the other metric does not explain, "
            f"found {n}" + (", all explained" if left < 1e-12 else "")
        )
    return _coefficient((r_xy - r_xz * r_yz) / sqrt(left), n - 3)


def parts(points: pd.DataFrame) -> pd.DataFrame:
    """Every metric of `points` (see `correlation.join`) within and between items.

    One row per metric and part ('within items', 'between items'): n (points; items), df, r, p, low, high, and the
    reason where there is none. Between items are the items' means over the conditions that were scored.
    """
    rows = []
    for (metric, version), of_metric in points.groupby(["metric", "metric_version"], sort=False):
        complete = of_metric.dropna(subset="value")
        head = {"metric": metric, "metric_version": version}
        items = complete.groupby("item")[["value", "rating"]].mean()
        within = partial(repeated_measures, complete["value"], complete["rating"], complete["item"])
        between = partial(pearson, items["value"], items["rating"])
        rows.append(head | {"part": "within items", "n": len(complete)} | _filled(within))
        rows.append(head | {"part": "between items", "n": len(items)} | _filled(between))
    return pd.DataFrame(rows)


def partials(points: pd.DataFrame, *, given: str) -> pd.DataFrame:
    """Every metric of `points` with the metric `given` held fixed: metric, given, n, df, r, p, low, high, reason.

    Raises `AnalysisError` when no metric has that name, or several versions of it do.
    """
    held = points[points["metric"] == given]
    if held["metric_version"].nunique() != 1:
        found = ", ".join(points["metric"].unique())
        raise AnalysisError(f"partial correlation: expected one metric {given!r}, found {found}")
    known = held.set_index(["item", "condition"])["value"]
    rows = []
    for (metric, version), of_metric in points.groupby(["metric", "metric_version"], sort=False):
        if metric == given:
            continue
        both = of_metric.join(known.rename("given"), on=["item", "condition"])
        both = both.dropna(subset=["value", "given"])
        head = {"metric": metric, "metric_version": version, "given": given, "n": len(both)}
        rows.append(
            head
            | _filled(partial(partial_correlation, both["value"], both["rating"], both["given"]))
        )
    return pd.DataFrame(rows)


def pooled(correlations: pd.DataFrame) -> pd.DataFrame:
    """Correlations of several campaigns (metric, study, r, and n where it is known) as one, per metric.

    n_studies; mean, least, greatest r; mse, the mean of (1 − r)²; aggregate, tanh(mean artanh |r|), every study alike
    and blind to the sign; and with n, on Fisher's scale with weights n − 3: fixed with fixed_low, fixed_high, and
    random (DerSimonian-Laird) with random_low, random_high, heterogeneity q, q_df, q_p. Missing r are left out.
    """
    rows = []
    for metric, of_metric in correlations.groupby("metric", sort=False):
        known = of_metric[of_metric["r"].notna()]
        if known.empty:
            continue
        r = known["r"].to_numpy(dtype=float)
        row = {"metric": metric, "n_studies": len(r), "mean": r.mean(), "least": r.min()}
        row |= {"greatest": r.max(), "mse": ((1 - r) ** 2).mean(), "aggregate": aggregate(r)}
        if "n" in known and len(r) > 1:
            row |= _combined(r, known["n"].to_numpy(dtype=float))
        rows.append(row)
    if not rows:
        raise AnalysisError("pooling: expected a correlation, found none")
    return pd.DataFrame(rows)


def aggregate(r: ArrayLike) -> float:
    """tanh(mean artanh |r|), as in ODAQ's benchmark."""
    with np.errstate(divide="ignore"):
        return float(np.tanh(np.arctanh(np.abs(np.asarray(r, dtype=float))).mean()))


def by_group(points: pd.DataFrame, *, group: str = "condition") -> pd.DataFrame:
    """Pearson's r of every metric within each value of `group` (a condition is a kind of degradation): metric, group,
    n, df, r, p, low, high, reason. `pooled` and `aggregate` take it from there."""
    of_group = points.groupby(["metric", group], sort=False).ngroup().to_numpy()
    value, rating = (points[c].to_numpy(dtype=float) for c in ("value", "rating"))
    scored = np.isfinite(value)
    rows = []
    names = points[["metric", group]].drop_duplicates().itertuples(index=False, name=None)
    for number, (metric, name) in enumerate(names):
        here = scored & (of_group == number)
        head = {"metric": metric, "group": name, "n": int(here.sum())}
        rows.append(head | _filled(partial(pearson, value[here], rating[here])))
    return pd.DataFrame(rows)


def ceiling(ratings: pd.DataFrame, *, seed: int = SEED) -> Ceiling:
    """How reliable the mean ratings of the stimuli are; `ratings` are a tidy frame of the stimuli in question.

    Raises `AnalysisError` for fewer than 2 listeners or stimuli, or ratings that do not vary.
    """
    stimulus = ratings["item"].astype(str) + "\0" + ratings["condition"].astype(str)
    votes = matrix(ratings[["listener", "rating"]].assign(stimulus=stimulus))
    n, k = votes.shape
    if np.isfinite(votes).all():
        kinds = {row["kind"]: row for row in intraclass(votes).to_dict("records")}
        found = kinds["ICC3k"]
        reliability, low, high = (max(0.0, float(found[c])) for c in ("icc", "ci_low", "ci_high"))
        return Ceiling(reliability, sqrt(reliability), sqrt(low), sqrt(high), n, k, "ICC(3,k)")
    reliability = max(0.0, _split_half(votes, seed))
    nothing = float("nan")
    return Ceiling(reliability, sqrt(reliability), nothing, nothing, n, k, "split halves")


def _split_half(votes: Values, seed: int) -> float:
    """Mean correlation of the stimulus means of two halves of the listeners, by Spearman-Brown."""
    n, k = votes.shape
    if min(n, k) < 2:
        raise AnalysisError(
            f"ceiling: expected at least 2 stimuli and 2 listeners, found {n} and {k}"
        )
    given = np.isfinite(votes)
    # a listener's own level is no part of the stimuli
    around = np.where(given, votes - np.nanmean(votes, axis=0), 0.0)
    half = np.argsort(np.random.default_rng(seed).random((SPLITS, k)), axis=1) < k // 2
    means = []
    for side in (half, ~half):
        with np.errstate(invalid="ignore"):
            means.append((side @ around.T) / (side @ given.T))
    both = np.isfinite(means[0]) & np.isfinite(means[1])
    halves = [_r(a[ok], b[ok]) for a, b, ok in zip(*means, both, strict=True) if ok.sum() > 2]
    if not np.isfinite(halves).any():
        raise AnalysisError(
            "ceiling: expected stimuli that both halves rated differently, found none"
        )
    r = float(np.nanmean(halves))
    return 2 * r / (1 + r)


def _r(x: Values, y: Values) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if np.ptp(x) > 0 and np.ptp(y) > 0 else float("nan")


def _combined(r: Values, n: Values) -> dict[str, float]:
    if (n <= 3).any() or (np.abs(r) >= 1).any():
        return {}
    result = combine_effects(np.arctanh(r), 1 / (n - 3), method_re="dl")
    fixed, random = result.conf_int(use_t=False)[:2]
    found = {"fixed": tanh(result.mean_effect_fe), "random": tanh(result.mean_effect_re)}
    found |= {"fixed_low": tanh(fixed[0]), "fixed_high": tanh(fixed[1])}
    found |= {"random_low": tanh(random[0]), "random_high": tanh(random[1])}
    df = len(r) - 1
    return found | {"q": float(result.q), "q_df": df, "q_p": float(stats.chi2.sf(result.q, df))}


def _coefficient(r: float, df: int) -> Coefficient:
    r = float(np.clip(r, -1, 1))
    with np.errstate(divide="ignore"):
        t = r * np.sqrt(df / np.float64(1 - r**2))
    low = high = r
    if abs(r) < 1:
        half = float(special.ndtri((1 + CONFIDENCE) / 2)) / sqrt(df - 1)
        low, high = tanh(atanh(r) - half), tanh(atanh(r) + half)
    return Coefficient(df + 2, r, 2 * float(special.stdtr(df, -abs(t))), low, high)


def _filled(compute: Callable[[], Coefficient]) -> dict[str, object]:
    try:
        found = compute()
    except AnalysisError as why:
        return dict.fromkeys(("df", "r", "p", "low", "high"), np.nan) | {"reason": str(why)}
    figures = {"df": found.n - 2, "r": found.value, "p": found.p}
    return figures | {"low": found.low, "high": found.high, "reason": ""}
