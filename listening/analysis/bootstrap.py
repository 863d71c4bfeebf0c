"""Bootstrap of correlations that draws whole items with replacement.

A resample is a vector of weights: how often each item was drawn. Every coefficient is computed from weights,
for all resamples of a block at once, as matrix products; nothing is copied or sorted per resample.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]

RESAMPLES = 2000
SEED = 1401
CONFIDENCE = 0.95
# bounds the memory of a block to BLOCK × points²
BLOCK = 250


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
    x, y = points["value"].to_numpy(dtype=float), points["rating"].to_numpy(dtype=float)
    if level == "stimulus":
        found = [_weighted(x, y, block[:, codes]) for block in blocks]
    else:
        conditions = pd.factorize(points["condition"])[0]
        found = [_of_conditions(x, y, block[:, codes], conditions) for block in blocks]
    coefficients = np.concatenate(found, axis=1)
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
    """Coefficients (3, resamples) of points x, y under `weights` (resamples, points)."""
    n = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / n, weights @ y / n
    dx, dy = x - mean_x[:, None], y - mean_y[:, None]
    signs_x, signs_y = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    # mid-rank of a point among the drawn: those below it and half of its equals
    rank_x, rank_y = (weights @ (1 - signs).T / 2 for signs in (signs_x, signs_y))
    rank_x, rank_y = (
        rank - (weights * rank).sum(axis=1, keepdims=True) / n[:, None] for rank in (rank_x, rank_y)
    )
    concordance = _quadratic(weights, signs_x * signs_y)
    untied = _quadratic(weights, np.abs(signs_x)) * _quadratic(weights, np.abs(signs_y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                _ratio(weights, dx, dy),
                _ratio(weights, rank_x, rank_y),
                concordance / np.sqrt(untied),
            ]
        )


def _quadratic(weights: Values, matrix: Values) -> Values:
    return np.einsum("ij,ij->i", weights @ matrix, weights)


def _ratio(weights: Values, dx: Values, dy: Values) -> Values:
    cross = (weights * dx * dy).sum(axis=1)
    return cross / np.sqrt((weights * dx**2).sum(axis=1) * (weights * dy**2).sum(axis=1))


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
    return _ratio(np.ones_like(x), dx, dy)
