"""Bootstrap of correlations that draws whole items with replacement.

A resample is a vector of weights: how often each item was drawn. Every coefficient is computed from weights,
for all resamples of a block at once: Pearson's from sums, Spearman's from ranks that cumulative sums give, Kendall's
from what every two items contribute, found once. Nothing is copied or sorted per resample.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

RESAMPLES = 2000
SEED = 1401
CONFIDENCE = 0.95
# bounds the memory of a block to BLOCK × points, and of a step through the pairs to ROWS × points
BLOCK = 250
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
    equal = np.full(len(items), 1 / len(items))
    drawn = np.random.default_rng(seed).multinomial(len(items), equal, size=resamples)
    blocks = np.split(drawn.astype(float), range(BLOCK, resamples, BLOCK))
    codes = codes.astype(np.intp)
    x, y = points["value"].to_numpy(dtype=float), points["rating"].to_numpy(dtype=float)
    if level == "stimulus":
        found = [_weighted(x, y, block[:, codes]) for block in blocks]
    else:
        conditions = pd.factorize(points["condition"])[0]
        found = [_of_conditions(x, y, block[:, codes], conditions) for block in blocks]
    coefficients = np.concatenate(found, axis=1)
    if level == "stimulus":
        coefficients[2] = _concordance(x, y, drawn.astype(float), codes) / coefficients[2]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    return {
        name: _interval(values, tails)
        for name, values in zip(("pearson", "spearman", "kendall"), coefficients, strict=True)
    }


def _interval(values: Values, tails: list[float]) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return np.nan, np.nan
    low, high = np.quantile(defined, tails)
    return float(low), float(high)


def _weighted(x: Values, y: Values, weights: Values) -> Values:
    """Pearson's and Spearman's coefficients of points x, y under `weights` (resamples, points), and what divides
    Kendall's: (3, resamples)."""
    n = weights.sum(axis=1)
    (below_x, ties_x), (below_y, ties_y) = _midranks(x, weights), _midranks(y, weights)
    # the weighted mean of mid-ranks is n/2, and the sum of their squares loses what is tied (Kendall 1945)
    cross = np.einsum("ij,ij,ij->i", weights, below_x, below_y) - n**3 / 4
    spread_x, spread_y = ((n**3 - np.einsum("ij,ij,ij->i", t, t, t)) / 12 for t in (ties_x, ties_y))
    untied_x, untied_y = (n**2 - np.einsum("ij,ij->i", t, t) for t in (ties_x, ties_y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                _pearson(x, y, weights),
                cross / _root(spread_x, spread_y),
                _root(untied_x, untied_y),
            ]
        )


def _pearson(x: Values, y: Values, weights: Values) -> Values:
    # around the mean of all, so that sums of squares do not cancel
    dx, dy = x - x.mean(), y - y.mean()
    powers = np.column_stack([np.ones_like(x), dx, dy, dx * dx, dy * dy, dx * dy])
    n, sx, sy, xx, yy, xy = (weights @ powers).T
    return (xy - sx * sy / n) / _root(_spread(xx, sx, n), _spread(yy, sy, n))


def _spread(squares: Values, total: Values, n: Values) -> Values:
    left = squares - total**2 / n
    # points drawn that are all one point differ by rounding alone
    return np.where(left > 1e-12 * squares, left, 0.0)


def _root(a: Values, b: Values) -> Values:
    return np.sqrt(a) * np.sqrt(b)


def _midranks(values: Values, weights: Values) -> tuple[Values, Values]:
    """Of every point those drawn below it and half of its equals; and the weight of each distinct value."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] > ranked[:-1]]))
    of_value = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks = np.cumsum(of_value, axis=1) - of_value / 2
    distinct = np.empty(len(values), dtype=np.intp)
    distinct[order] = np.cumsum(np.concatenate([[False], ranked[1:] > ranked[:-1]]))
    return ranks[:, distinct], of_value


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


def _of_conditions(x: Values, y: Values, weights: Values, conditions: NDArray[np.intp]) -> Values:
    """Coefficients (3, resamples) of the condition means that `weights` (resamples, points) make."""
    member = np.eye(conditions.max() + 1)[conditions]
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weights @ member
        mean_x, mean_y = weights * x @ member / total, weights * y @ member / total
        # a condition none of whose items was drawn has no mean: the resample is left out
        ranks_x, ranks_y = (
            stats.rankdata(m, axis=1, nan_policy="propagate") for m in (mean_x, mean_y)
        )
        signs_x, signs_y = (np.sign(m[:, :, None] - m[:, None, :]) for m in (mean_x, mean_y))
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
