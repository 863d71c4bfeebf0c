"""Metrics ranked by how well they agree with the listeners, and which of them can be told apart.

All metrics are held against the same stimuli: those that every metric of the table scored. A metric that misses more
than a fifth of the stimuli is left out of the table, by name, rather than thinning it for all. Metrics turn in their
declared direction, so that a metric which ranks against the ears stands last, with its negative r. Beside metrics that
have a direction, those that have none describe a sound rather than judge it, and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.adjustment import holm
from listening.analysis.bootstrap import BLOCK, CONFIDENCE, RESAMPLES, SEED
from listening.analysis.correlation import FEWEST, pearson
from listening.analysis.correlation_tests import dependent_difference
from listening.analysis.frames import AnalysisError
from listening.analysis.mapping import fit_mapping

Values = NDArray[np.float64]

SIGNIFICANCE = 0.05
# missing more of the stimuli than this, a metric is left out
MOST_MISSING = 0.2
DESCRIPTOR = "a descriptor: neither direction of it is better"
TABLE = ["rank", "metric", "metric_version", "direction", "n", "r", "low", "high"]
TABLE += ["item_low", "item_high", "rmse", "rmse_low", "rmse_high", "letters"]
PAIRS = ["a", "b", "r_a", "r_b", "r_ab", "difference", "low", "high", "williams_t", "williams_p"]
PAIRS += ["p_holm", "rmse_difference", "rmse_low", "rmse_high", "distinguishable"]
RULE = (
    "metrics that share a letter are not distinguishable: their r differ only where Williams' test, adjusted by Holm "
    "over all pairs, is below 5 % and the paired bootstrap that draws whole items leaves out 0"
)


@dataclass(frozen=True)
class League:
    """`table`: one row per metric, best first, r turned by the metric's direction with Fisher's interval (low, high)
    and the item bootstrap's (item_low, item_high), rmse after a line with its item interval, and letters; `pairs`: all
    differences r_a − r_b and of the rmse with paired intervals; `n` stimuli; `left_out`: metric → why."""

    table: pd.DataFrame
    pairs: pd.DataFrame
    n: int
    n_items: int
    left_out: dict[str, str]


def league(points: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = SEED) -> League:
    """Rank the metrics of `points` (see `correlation.join`); an empty table, with reasons, where none can be."""
    chosen, left_out = _comparable(points)
    wide = _wide(points, chosen)
    items = wide.index.get_level_values("item")
    y = wide.pop("rating").to_numpy(dtype=float)
    usable = []
    for name in wide:
        try:
            pearson(wide[name], y)
            usable.append(str(name))
        except AnalysisError as why:
            left_out[str(name)] = str(why)
    x = wide[usable].to_numpy(dtype=float)
    if not usable:
        return League(pd.DataFrame(columns=TABLE), pd.DataFrame(columns=PAIRS), len(y), 0, left_out)
    r_drawn, rmse_drawn = _resampled(x, y, items.to_numpy(), resamples, seed)
    table = _table(x, y, usable, r_drawn, rmse_drawn)
    pairs = _pairs(x, y, usable, r_drawn, rmse_drawn)
    described = points.drop_duplicates("metric").set_index("metric")
    for column in ("metric_version", "direction"):
        table[column] = table["metric"].map(described[column])
    order = table.sort_values("r", ascending=False)["metric"].tolist()
    alike = {
        frozenset((a, b)) for a, b in pairs.loc[~pairs["distinguishable"], ["a", "b"]].to_numpy()
    }
    table["letters"] = table["metric"].map(letters(order, alike))
    table = table.set_index("metric").loc[order].reset_index()
    table["rank"] = np.arange(1, len(table) + 1)
    return League(table[TABLE], pairs, len(y), items.nunique(), left_out)


def letters(order: list[str], alike: set[frozenset[str]]) -> dict[str, str]:
    """A compact letter display: two of `order` share a letter exactly if their pair is in `alike`.

    Insert and absorb (Piepho 2004): one column for all, split at each pair that differs, and columns within another
    one dropped.
    """
    columns = [frozenset(order)]
    for a, b in combinations(order, 2):
        if frozenset((a, b)) in alike:
            continue
        split = [
            part
            for column in columns
            for part in ([column - {a}, column - {b}] if {a, b} <= column else [column])
        ]
        columns = [c for c in dict.fromkeys(split) if not any(c < other for other in split)]
    columns.sort(key=lambda column: min(order.index(name) for name in column))
    return {
        name: "".join(_letter(k) for k, column in enumerate(columns) if name in column)
        for name in order
    }


def disagreements(points: pd.DataFrame, *, most: int = 10) -> pd.DataFrame:
    """The stimuli on which each metric is furthest from the listeners, after the best line from its scores.

    Returns at most `most` rows per metric, furthest first: metric, metric_version, item, condition, signal, rating,
    value, predicted, difference (rating − predicted). Metrics that cannot be mapped are left out.
    """
    found = []
    for _, of_metric in points.groupby(["metric", "metric_version"], sort=False):
        complete = of_metric.dropna(subset="value")
        try:
            mapping = fit_mapping(complete["value"], complete["rating"], kind="linear")
        except AnalysisError:
            continue
        predicted = complete.assign(predicted=mapping(complete["value"]))
        predicted["difference"] = predicted["rating"] - predicted["predicted"]
        order = predicted["difference"].abs().sort_values(ascending=False, kind="stable").index
        found.append(predicted.loc[order[:most]])
    columns = ["metric", "metric_version", "item", "condition", "signal", "rating", "value"]
    columns += ["predicted", "difference"]
    return (
        pd.concat(found)[columns].reset_index(drop=True) if found else pd.DataFrame(columns=columns)
    )


def _comparable(points: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    chosen, left_out = [], {}
    judging = bool((points["direction"] != "none").any())
    for metric, of_metric in points.groupby("metric", sort=False):
        missing, n = int(of_metric["value"].isna().sum()), len(of_metric)
        if of_metric["metric_version"].nunique() > 1:
            left_out[str(metric)] = "several versions of it"
        elif judging and (of_metric["direction"] == "none").all():
            left_out[str(metric)] = DESCRIPTOR
        elif missing > MOST_MISSING * n:
            left_out[str(metric)] = f"{missing} of {n} stimuli without a score"
        else:
            chosen.append(str(metric))
    return chosen, left_out


def _wide(points: pd.DataFrame, chosen: list[str]) -> pd.DataFrame:
    """Stimuli that all `chosen` scored × metrics turned to rise with quality, and the rating."""
    kept = points[points["metric"].isin(chosen)]
    turned = np.where(kept["direction"] == "lower", -kept["value"], kept["value"])
    wide = kept.assign(value=turned).pivot(
        index=["item", "condition"], columns="metric", values="value"
    )
    ratings = kept.drop_duplicates(["item", "condition"]).set_index(["item", "condition"])["rating"]
    return wide[chosen].join(ratings).dropna()


def _table(
    x: Values, y: Values, names: list[str], r_drawn: Values, rmse_drawn: Values
) -> pd.DataFrame:
    rows = []
    for k, name in enumerate(names):
        r = pearson(x[:, k], y)
        item_low, item_high = _interval(r_drawn[:, k])
        rmse_low, rmse_high = _interval(rmse_drawn[:, k])
        rows.append(
            {
                "metric": name,
                "n": r.n,
                "r": r.value,
                "low": r.low,
                "high": r.high,
                "item_low": item_low,
                "item_high": item_high,
                "rmse": _rmse(r.value, y),
                "rmse_low": rmse_low,
                "rmse_high": rmse_high,
            }
        )
    return pd.DataFrame(rows)


def _pairs(
    x: Values, y: Values, names: list[str], r_drawn: Values, rmse_drawn: Values
) -> pd.DataFrame:
    rows = []
    *with_y, _ = np.corrcoef(x, y, rowvar=False)[-1].tolist()
    between = np.corrcoef(x, rowvar=False).reshape(len(names), -1)
    for i, j in combinations(range(len(names)), 2):
        r_ab = float(between[i, j])
        row = {"a": names[i], "b": names[j], "r_a": with_y[i], "r_b": with_y[j], "r_ab": r_ab}
        try:
            test = dependent_difference(with_y[i], with_y[j], r_ab, len(y))
            row |= {"williams_t": test.williams_t, "williams_p": test.williams_p}
        except AnalysisError:
            row |= {"williams_t": np.nan, "williams_p": np.nan}
        row["difference"] = with_y[i] - with_y[j]
        row["low"], row["high"] = _interval(r_drawn[:, i] - r_drawn[:, j])
        row["rmse_difference"] = _rmse(with_y[i], y) - _rmse(with_y[j], y)
        row["rmse_low"], row["rmse_high"] = _interval(rmse_drawn[:, i] - rmse_drawn[:, j])
        rows.append(row)
    pairs = pd.DataFrame(rows, columns=PAIRS)
    tested = pairs["williams_p"].notna()
    pairs.loc[tested, "p_holm"] = holm(pairs.loc[tested, "williams_p"])
    beyond = (pairs["low"] > 0) | (pairs["high"] < 0)
    pairs["distinguishable"] = (pairs["p_holm"].astype(float) < SIGNIFICANCE) & beyond
    return pairs


def _rmse(r: float, y: Values) -> float:
    """After the best line: √(Σe²/(n − 2))."""
    return float(np.sqrt(max(0.0, 1 - r**2) * y.var() * len(y) / (len(y) - 2)))


def _resampled(
    x: Values, y: Values, items: NDArray, resamples: int, seed: int
) -> tuple[Values, Values]:
    """r and rmse after a line of every metric (resamples, metrics) when whole items are drawn; missing for one item.

    The same draws serve all metrics, so that differences are paired.
    """
    names, codes = np.unique(items.astype(object), return_inverse=True)
    if len(names) < 2:
        return np.full((1, x.shape[1]), np.nan), np.full((1, x.shape[1]), np.nan)
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    # around the mean, so that sums of squares do not cancel
    x, y = x - x.mean(axis=0), y - y.mean()
    found = []
    for block in np.split(drawn.astype(float), range(BLOCK, resamples, BLOCK)):
        w = block[:, codes]
        n = w.sum(axis=1, keepdims=True)
        mean_x, mean_y = w @ x / n, (w @ y)[:, None] / n
        var_x = w @ x**2 / n - mean_x**2
        var_y = (w @ y**2)[:, None] / n - mean_y**2
        covariance = w @ (x * y[:, None]) / n - mean_x * mean_y
        with np.errstate(invalid="ignore", divide="ignore"):
            r = covariance / np.sqrt(var_x * var_y)
            rmse = np.sqrt(np.clip(1 - r**2, 0, None) * var_y * n / np.where(n > 2, n - 2, np.nan))
        found.append((r, rmse))
    return np.concatenate([r for r, _ in found]), np.concatenate([e for _, e in found])


def _interval(values: Values) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    if len(defined) < FEWEST:
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _letter(k: int) -> str:
    """a … z, then aa, ab … in brackets, for tables of many metrics."""
    return chr(ord("a") + k) if k < 26 else f"({k + 1})"
