"""Bootstrap of condition means that draws listeners and items, both with replacement (Owen 2007's pigeonhole).

A resample weights a rating by how often its listener was drawn times how often its item was, so that the means of
all conditions are two matrix products over sums by listener, item and condition.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.cells import cells
from listening.analysis.description import CONFIDENCE

Values = NDArray[np.float64]

RESAMPLES = 2000
SEED = 2007
# bounds the memory of a block to BLOCK × items × conditions
BLOCK = 250
COLUMNS = ["condition", "mean", "se", "ci_low", "ci_high"]


def crossed_bootstrap(
    ratings: pd.DataFrame,
    *,
    listeners: bool = True,
    items: bool = True,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> pd.DataFrame:
    """Mean, standard error and 95 % percentile interval per condition, columns `COLUMNS`.

    Draws listeners, items or both: what is drawn is what the interval speaks for others like them. The mean is over
    cells (listener × item), each once; an interval is missing where nothing varies to be drawn (one listener, one
    item), and conditions a resample does not meet leave it out.
    """
    cell = cells(ratings)
    table = cell.table()
    given = ~np.isnan(table)
    total, count = np.nan_to_num(table), given.astype(float)
    complete = bool(given.all())
    n, m, k = table.shape
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, k))
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        by_listener = _drawn(rng, n, size) if listeners else np.ones((size, n))
        by_item = _drawn(rng, m, size) if items else np.ones((size, m))
        sums = _drawn_sums(total, by_listener, by_item)
        # without gaps as many are drawn as there are
        counts = np.float64(n * m) if complete else _drawn_sums(count, by_listener, by_item)
        means[start : start + size] = np.divide(
            sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0
        )
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    varied = (listeners and n > 1) or (items and m > 1)
    low, high = np.nanquantile(means, tails, axis=0)
    return pd.DataFrame(
        {
            "condition": cell.conditions,
            "mean": total.sum(axis=(0, 1)) / count.sum(axis=(0, 1)),
            "se": np.nanstd(means, axis=0) if varied else np.nan,
            "ci_low": low if varied else np.nan,
            "ci_high": high if varied else np.nan,
        }
    )


def _drawn_sums(of: Values, by_listener: Values, by_item: Values) -> Values:
    """Sums (resamples, conditions) of `of` (listeners, items, conditions), weighted."""
    n, m, k = of.shape
    over_listeners = (by_listener @ of.reshape(n, m * k)).reshape(len(by_item), m, k)
    return np.einsum("rmk,rm->rk", over_listeners, by_item)


def _drawn(rng: np.random.Generator, n: int, size: int) -> Values:
    return rng.multinomial(n, np.full(n, 1 / n), size=size).astype(float)
