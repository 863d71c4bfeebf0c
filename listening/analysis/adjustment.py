"""p-values of a family of tests adjusted for their number; missing ones stay out of the family."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Values = NDArray[np.float64]

# Gauss-Legendre nodes over the mean and over the standard deviation; more change nothing in ten digits
NODES = np.polynomial.legendre.leggauss(96)


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


def tukey(t: ArrayLike, df: ArrayLike, *, means: int) -> Values:
    """Tukey's adjustment of all pairwise comparisons of `means`: P(Q > √2 |t|), Q the studentized range.

    `t` and Satterthwaite's `df` (1 or more) are those of each comparison (Tukey-Kramer). As SciPy's
    `studentized_range.sf`, with all comparisons at once instead of one integral after another.
    """
    q, nu = np.broadcast_arrays(np.sqrt(2) * np.abs(np.asarray(t, float)), np.asarray(df, float))
    # over log s, s = σ̂/σ, where all but 1e-14 of it lies
    ends = np.log(special.chdtri(nu, np.array([[1 - 1e-14], [1e-14]])) / nu) / 2
    log_s, weight = _nodes(ends[0][:, None], ends[1][:, None])
    s = np.exp(log_s)
    half = nu[:, None] / 2
    density = (
        2
        * weight
        * np.exp(half * np.log(half) - special.gammaln(half) + 2 * half * log_s - half * s**2)
    )
    z, z_weight = _nodes(np.array(-8.5), np.array(8.5))
    spread = special.ndtr(z) - special.ndtr(z - (q[:, None] * s)[..., None])
    normal = means * z_weight * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    # Φ(z)ᵏ⁻¹ is what the integrand comes to for an infinite range
    beyond = (normal * (special.ndtr(z) ** (means - 1) - spread ** (means - 1))).sum(axis=-1)
    return np.clip((density * beyond).sum(axis=-1), 0.0, 1.0)


def _nodes(low: Values, high: Values) -> tuple[Values, Values]:
    middle, half = (high + low) / 2, (high - low) / 2
    return middle + half * NODES[0], half * NODES[1]


def _ascending(given: Values) -> tuple[Values, NDArray[np.intp]]:
    """An array of missing values to fill, and where the p-values are, the smallest first."""
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    return np.full(given.shape, np.nan), order
