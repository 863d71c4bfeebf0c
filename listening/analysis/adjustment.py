"""p-values of a family of tests adjusted for their number; missing ones stay out of the family."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def holm(p: ArrayLike) -> Values:
    """Holm's (1979) step-down adjustment: valid whatever the dependence of the tests."""
    given = np.asarray(p, dtype=float)
    adjusted, order = _ascending(given)
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def hochberg(p: ArrayLike) -> Values:
    """Hochberg's (1988) step-up adjustment, BS.1534-3 Attachment 4's choice; for independent or positively
    dependent tests. Never above Holm's."""
    given = np.asarray(p, dtype=float)
    adjusted, order = _ascending(given)
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted


def _ascending(given: Values) -> tuple[Values, NDArray[np.intp]]:
    """An array of missing values to fill, and where the p-values are, the smallest first."""
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    return np.full(given.shape, np.nan), order
