"""Ratings as a matrix: one row per listener and item, one column per condition, gaps where nobody rated.

Averaging over presentations and finding groups is done by integer codes, so that a million ratings take a moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """`means` (rows, conditions) of the ratings by one listener of one item; NaN where there is none.

    `of_listener` and `of_item` number the row's listener and item in `listeners` and `items`.
    """

    conditions: tuple[str, ...]
    listeners: tuple[str, ...]
    items: tuple[str, ...]
    of_listener: Codes
    of_item: Codes
    means: Values

    def listener_means(self) -> Values:
        """(listeners, conditions): each over the items that the listener rated; NaN where none."""
        return self._over(self.of_listener, len(self.listeners))

    def table(self) -> Values:
        """(listeners, items, conditions), NaN where nobody rated."""
        whole = np.full((len(self.listeners), len(self.items), len(self.conditions)), np.nan)
        whole[self.of_listener, self.of_item] = self.means
        return whole

    def differences(self, a: int, b: int) -> tuple[Values, Codes]:
        """a − b of every row that has both, and the listener of each."""
        difference = self.means[:, a] - self.means[:, b]
        both = ~np.isnan(difference)
        return difference[both], self.of_listener[both]

    def _over(self, codes: Codes, groups: int) -> Values:
        columns = [mean_by(codes, column, groups) for column in self.means.T]
        return np.array(columns).T if columns else np.empty((groups, 0))


def cells(ratings: pd.DataFrame) -> Cells:
    """The cells of `ratings` (columns listener, item, condition, rating), names in order of appearance."""
    (listener, listeners), (item, items), (condition, conditions) = (
        pd.factorize(ratings[name]) for name in ("listener", "item", "condition")
    )
    row, rows = pd.factorize(listener.astype(np.int64) * len(items) + item)
    shape = len(rows), len(conditions)
    place = row * shape[1] + condition
    count = np.bincount(place, minlength=shape[0] * shape[1])
    total = np.bincount(place, ratings["rating"].to_numpy(dtype=float), len(count))
    return Cells(
        tuple(map(str, conditions)),
        tuple(map(str, listeners)),
        tuple(map(str, items)),
        rows // len(items),
        rows % len(items),
        _ratio(total, count).reshape(shape),
    )


def mean_by(codes: Codes, values: Values, groups: int) -> Values:
    """The mean of each group's values that are not NaN; NaN for a group without."""
    given = ~np.isnan(values)
    count = np.bincount(codes[given], minlength=groups)
    return _ratio(np.bincount(codes[given], values[given], groups), count)


def _ratio(total: NDArray, count: NDArray) -> Values:
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
