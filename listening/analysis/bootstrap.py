"""Bootstrap of correlations that draws whole items with replacement.

A resample is a vector of weights: how often each item was drawn. Every coefficient is computed from weights,
for all resamples of a block at once: Pearson's from sums, Spearman's from ranks that cumulative sums give, Kendall's
from what every two items contribute, found once. Nothing is copied or sorted per resample.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

RESAMPLES = 2000
SEED = 1401
CONFIDENCE = 0.95
# bounds the memory of a block to BLOCK × points, and of a step through the pairs to ROWS × points
BLOCK = 250
# of the range: nearer values are one
TIED = 1e-12
ROWS = 1000


def item_bootstrap(
    points: pd.DataFrame, *, level: str, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of Pearson's, Spearman's and Kendall's coefficient of value with rating.

    `points` has the columns item, condition, value, rating, one row per stimulus, without gaps. At `level`
    'condition' the items drawn are averaged per condition first. Missing with fewer than two items; a
    resample in which a coefficient has no value is left out of its interval.
    """
    items, codes = np.unique(points["item"].to_numpy(dtype=object), return_inverse=True)
    if len(items) < 2:
        return dict.fromkeys(("pearson", "spearman", "kendall"), (np.nan, np.nan))
    drawn = _drawn(len(items), resamples, seed)
    blocks = np.split(drawn, range(BLOCK, resamples, BLOCK))
    codes = codes.astype(np.intp)
    x, y = points["value"].to_numpy(dtype=float), points["rating"].to_numpy(dtype=float)
    if level == "stimulus":
        found = [_weighted(x, y, block, codes) for block in blocks]
    else:
        conditions = pd.factorize(points["condition"])[0]
        found = [_of_conditions(x, y, block, codes, conditions) for block in blocks]
    coefficients = np.concatenate(found, axis=1)
    if level == "stimulus":
        with np.errstate(invalid="ignore"):
            coefficients[2] = _concordance(tied(x), tied(y), drawn, codes) / coefficients[2]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    return {
        name: _interval(values, tails)
        for name, values in zip(("pearson", "spearman", "kendall"), coefficients, strict=True)
    }


@lru_cache(2)
def _drawn(n: int, resamples: int, seed: int) -> Values:
    """How often each of `n` items was drawn (resamples, n); every metric of a campaign meets the same draws."""
    equal = np.full(n, 1 / n)
    drawn = np.random.default_rng(seed).multinomial(n, equal, size=resamples).astype(float)
    drawn.flags.writeable = False
    return drawn


def tied(values: Values) -> Values:
    """`values` (along the last axis), equal where only the rounding of a mean made them differ; ranks are of these."""
    step = TIED * np.ptp(values, axis=-1, keepdims=True)
    return np.round(values / np.where(step > 0, step, 1.0))


def _interval(values: Values, tails: list[float]) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return np.nan, np.nan
    low, high = np.quantile(defined, tails)
    return float(low), float(high)


def _weighted(x: Values, y: Values, drawn: Values, items: Codes) -> Values:
    """Pearson's and Spearman's coefficients of points x, y of `items` `drawn` (resamples, items) times, and what
    divides Kendall's: (3, resamples)."""
    weights = drawn[:, items]
    n = weights.sum(axis=1)
    (below_x, ties_x), (below_y, ties_y) = (_midranks(tied(v), drawn, items) for v in (x, y))
    # the weighted mean of mid-ranks is n/2, and the sum of their squares loses what is tied (Kendall 1945)
    cross = np.einsum("ij,ij,ij->i", weights, below_x, below_y) - n**3 / 4
    spread_x, spread_y = ((n**3 - np.einsum("ij,ij,ij->i", t, t, t)) / 12 for t in (ties_x, ties_y))
    untied_x, untied_y = (n**2 - np.einsum("ij,ij->i", t, t) for t in (ties_x, ties_y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                _pearson(x, y, drawn, items),
                cross / _root(spread_x, spread_y),
                _root(untied_x, untied_y),
            ]
        )


def _pearson(x: Values, y: Values, drawn: Values, items: Codes) -> Values:
    # around the mean of all, so that sums of squares do not cancel
    dx, dy = x - x.mean(), y - y.mean()
    powers = [np.ones_like(x), dx, dy, dx * dx, dy * dy, dx * dy]
    of_item = [np.bincount(items, power, drawn.shape[1]) for power in powers]
    n, sx, sy, xx, yy, xy = (drawn @ np.column_stack(of_item)).T
    return (xy - sx * sy / n) / _root(_spread(xx, sx, n), _spread(yy, sy, n))


def _spread(squares: Values, total: Values, n: Values) -> Values:
    left = squares - total**2 / n
    # points drawn that are all one point differ by rounding alone
    return np.where(left > 1e-12 * squares, left, 0.0)


def _root(a: Values, b: Values) -> Values:
    return np.sqrt(a) * np.sqrt(b)


def _midranks(values: Values, drawn: Values, items: Codes) -> tuple[Values, Values]:
    """Of every point those drawn below it and half of its equals; and how often each distinct value was drawn."""
    distinct, place = np.unique(values, return_inverse=True)
    order = np.argsort(values, kind="stable")
    of_value = drawn[:, items[order]]
    if len(distinct) < len(values):
        starts = np.searchsorted(values[order], distinct)
        of_value = np.add.reduceat(of_value, starts, axis=1)
    ranks = np.cumsum(of_value, axis=1)
    ranks -= of_value / 2
    return ranks[:, place], of_value


def _concordance(x: Values, y: Values, drawn: Values, items: Codes) -> Values:
    """Concordant less discordant pairs of points: how often two items were drawn times what they contribute."""
    total = np.zeros(len(drawn))
    order = np.argsort(items, kind="stable")
    starts = np.searchsorted(items[order], np.arange(drawn.shape[1]))
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        signs = np.sign(x[rows, None] - x[order]) * np.sign(y[rows, None] - y[order])
        with_items = np.add.reduceat(signs, starts, axis=1)
        total += np.einsum("ij,ij->i", drawn @ with_items.T, drawn[:, items[rows]])
    return total


def _of_conditions(x: Values, y: Values, drawn: Values, items: Codes, conditions: Codes) -> Values:
    """Coefficients (3, resamples) of the means of `conditions` over `items` `drawn` (resamples, items) times."""
    shape = drawn.shape[1], int(conditions.max()) + 1
    cell = items * shape[1] + conditions

    def sums(values: Values) -> Values:
        return drawn @ np.bincount(cell, values, shape[0] * shape[1]).reshape(shape)

    with np.errstate(invalid="ignore", divide="ignore"):
        # a condition none of whose items was drawn has no mean: the resample is left out
        total = sums(np.ones_like(x))
        mean_x, mean_y = sums(x) / total, sums(y) / total
        signs_x, signs_y = (
            np.sign(m[:, :, None] - m[:, None, :]) for m in (tied(mean_x), tied(mean_y))
        )
        # how many are below less how many are above: mid-ranks but for a line
        ranks_x, ranks_y = signs_x.sum(axis=2), signs_y.sum(axis=2)
        untied = np.abs(signs_x).sum(axis=(1, 2)) * np.abs(signs_y).sum(axis=(1, 2))
        return np.stack(
            [
                _row_pearson(mean_x, mean_y),
                _row_pearson(ranks_x, ranks_y),
                (signs_x * signs_y).sum(axis=(1, 2)) / np.sqrt(untied),
            ]
        )


def _row_pearson(x: Values, y: Values) -> Values:
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    return (dx * dy).sum(axis=1) / _root((dx**2).sum(axis=1), (dy**2).sum(axis=1))
