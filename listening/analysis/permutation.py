"""Permutation tests: of paired differences by flipping their signs, and BS.1534-3 Attachment 3's as it is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from listening.analysis.frames import AnalysisError
from listening.analysis.paired import DECIMALS

Values = NDArray[np.float64]

# BS.1534-3 Attachment 3
PERMUTATIONS = 10_000
SEED = 1534
# 2¹⁷ sign vectors, one of each pair of mirror images, take as long as a few thousand random ones
EXACT_LISTENERS = 18
BLOCK = 16_384


@dataclass(frozen=True)
class SignFlip:
    """p-values of columns of paired differences, two-sided; `p_max` are adjusted for all columns by max-T.

    `exact` when all `permutations` sign vectors were counted; otherwise they are random, the observed one
    included, so that no p-value is 0.
    """

    p: Values
    p_max: Values
    permutations: int
    exact: bool


@dataclass(frozen=True)
class Attachment3:
    """BS.1534-3 Attachment 3: unpaired, one-sided, strict.

    `p` is the share of random splits of the pooled ratings whose difference of medians exceeds `observed`;
    `p_reaching` counts those equal to it as well. With ratings in whole points the two differ a lot.
    """

    observed: float
    p: float
    p_reaching: float
    permutations: int


def sign_flip(
    differences: ArrayLike, *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> SignFlip:
    """Test that each column of `differences` (listeners, comparisons) is symmetric about 0, by its mean.

    A listener's signs flip in all columns together, so that the largest statistic over columns (their sums over
    the root of their squares, which signs leave as they are) keeps the dependence between comparisons: Westfall
    & Young's single-step max-T. NaN marks a listener without that comparison. Up to 18 listeners all signs are
    counted.
    """
    d = np.round(np.nan_to_num(np.asarray(differences, dtype=float)), DECIMALS)
    if d.ndim != 2 or len(d) < 2:
        raise AnalysisError(
            f"sign flip: expected (listeners, comparisons) with two listeners or more, found {d.shape}"
        )
    norm = np.sqrt((d**2).sum(axis=0))
    d = np.divide(d, norm, out=np.zeros_like(d), where=norm > 0)
    # sums that differ by rounding alone are one
    observed = np.abs(d.sum(axis=0)) - 1e-9
    exact = len(d) <= EXACT_LISTENERS
    total = 2 ** (len(d) - 1) if exact else permutations
    rng = np.random.default_rng(seed)
    reached = np.zeros(d.shape[1])
    reached_max = np.zeros(d.shape[1])
    for start in range(0, total, BLOCK):
        size = min(BLOCK, total - start)
        signs = _signs(start, size, len(d)) if exact else rng.choice([-1.0, 1.0], (size, len(d)))
        sums = np.abs(signs @ d)
        reached += (sums >= observed).sum(axis=0)
        largest = np.sort(sums.max(axis=1))
        reached_max += size - np.searchsorted(largest, observed)
    # a random set of sign vectors has the observed one added
    added = 0 if exact else 1
    return SignFlip(
        (reached + added) / (total + added), (reached_max + added) / (total + added), total, exact
    )


def _signs(start: int, size: int, listeners: int) -> Values:
    """Sign vectors number `start` and on, the last listener's sign always +."""
    bits = (np.arange(start, start + size)[:, None] >> np.arange(listeners)) & 1
    return np.asarray(1.0 - 2.0 * bits, dtype=float)


def attachment3(
    x: ArrayLike, y: ArrayLike, *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> Attachment3:
    """Does the median of ratings `x` exceed that of `y`? BS.1534-3 Attachment 3, literally.

    The two samples are pooled and split at random `permutations` times. Ratings take few values, so a split is
    drawn as a histogram (multivariate hypergeometric), whatever the number of ratings.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) == 0 or len(y) == 0:
        raise AnalysisError(
            f"attachment 3: expected ratings of both conditions, found {len(x)} and {len(y)}"
        )
    values, pooled = np.unique(np.concatenate([x, y]), return_counts=True)
    observed = float(np.median(x) - np.median(y))
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(
        pooled, len(x), size=permutations, method="marginals"
    )
    medians = _medians(values, drawn, len(x)) - _medians(values, pooled - drawn, len(y))
    exceeding = float((medians > observed + 1e-9).mean())
    return Attachment3(
        observed, exceeding, float((medians >= observed - 1e-9).mean()), permutations
    )


def _medians(values: Values, histograms: NDArray[np.int64], n: int) -> Values:
    up_to = np.cumsum(histograms, axis=1)
    lower, upper = ((up_to < place).sum(axis=1) for place in ((n + 1) // 2, n // 2 + 1))
    return np.asarray((values[lower] + values[upper]) / 2, dtype=float)
