"""The Gaussian likelihood of ratings crossed by listener and item, without a matrix over ratings.

Ratings y of conditions k = 1…K by listeners l = 1…L for items i = 1…I have the covariance σ²H,

    H = I + γ_L Z_L Z_Lᵀ + γ_I Z_I Z_Iᵀ + γ_LC Z_LC Z_LCᵀ + γ_IC Z_IC Z_ICᵀ,

where Z_L marks the listener of a rating, Z_LC its listener and condition, and so on; γ are ratios of variances to
σ². `Profile` is all that estimation needs of y and H; X marks the condition, so that its coefficients are the
conditions' means. With every cell rated equally often all these matrices share their eigenvectors, and a profile
costs a few additions (`Balanced`). Otherwise (`Unbalanced`) the listener × condition effects are eliminated
first (their block is diagonal), then those of item × condition (one I × I block per condition), then listeners
and items together: of order K L I (L + I) + (L + I)³, whatever the number of ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

TERMS = ("listener", "item", "listener:condition", "item:condition")
# cells (8 bytes each, three arrays) that fit in memory beside everything else
MOST_CELLS = 20_000_000
MOST_LEVELS = 4_000
# pairs of interaction ratios whose elimination is kept: what the derivatives at a point need
KEPT = 8


@dataclass(frozen=True)
class Profile:
    """log|H|, XᵀH⁻¹X (K, K), XᵀH⁻¹y (K,) and yᵀH⁻¹y at one set of variance ratios."""

    log_det: float
    xx: Values
    xy: Values
    yy: float


class Design(Protocol):
    """Ratings of K conditions; `n` of them. `levels` counts those of every term."""

    @property
    def n(self) -> int: ...

    @property
    def levels(self) -> dict[str, int]: ...

    @property
    def conditions(self) -> int: ...

    @property
    def guess(self) -> Values:
        """Variance ratios of `TERMS`, above 0, to start a search from."""

    def at(self, ratios: Values) -> Profile:
        """The profile at the variance ratios of `TERMS`, in their order."""


def design(listeners: Codes, items: Codes, conditions: Codes, y: Values) -> Design:
    """The design that codes 0, 1, … of listener, item and condition make, with ratings `y`.

    Raises `AnalysisError` when it is too large to be held.
    """
    shape = tuple(int(codes.max()) + 1 for codes in (conditions, listeners, items))
    cells = int(np.prod(shape, dtype=np.int64))
    if cells > MOST_CELLS or shape[1] + shape[2] > MOST_LEVELS:
        raise AnalysisError(
            f"mixed model: expected at most {MOST_LEVELS} listeners and items and {MOST_CELLS} cells, "
            f"found {shape[1]} listeners × {shape[2]} items × {shape[0]} conditions"
        )
    place = (conditions * shape[1] + listeners) * shape[2] + items
    counts = np.bincount(place, minlength=cells).reshape(shape).astype(float)
    sums = np.bincount(place, y, minlength=cells).reshape(shape).astype(float)
    squares = float(y @ y)
    if (counts == counts[0, 0, 0]).all():
        return Balanced(sums / counts, int(counts[0, 0, 0]), squares)
    return Unbalanced(counts, sums, squares)


class Balanced:
    """Every cell rated `replicates` times; `means` (K, L, I) of them, `squares` the sum of y².

    The space of ratings falls into strata on each of which H is a multiple λ of the identity.
    """

    def __init__(self, means: Values, replicates: int, squares: float):
        k, a, b = self.shape = means.shape
        self.replicates = r = replicates
        self.n = means.size * r
        self.conditions = k
        self.levels = _levels(k, a, b, k * a, k * b)
        listener, item = means.mean(axis=(0, 2)), means.mean(axis=(0, 1))
        both_l, both_i = means.mean(axis=2), means.mean(axis=1)
        self.condition_means = mean = means.mean(axis=(1, 2))
        grand = float(mean.mean())
        residual = means - both_l[:, :, None] - both_i[:, None, :] + mean[:, None, None]
        within = max(squares - r * float((means**2).sum()), 0.0) if r > 1 else 0.0
        crossed_l = both_l - listener - mean[:, None] + grand
        crossed_i = both_i - item - mean[:, None] + grand
        self.squares = np.array(
            [
                b * k * r * float(((listener - grand) ** 2).sum()),
                a * k * r * float(((item - grand) ** 2).sum()),
                b * r * float((crossed_l**2).sum()),
                a * r * float((crossed_i**2).sum()),
                r * float((residual**2).sum()) + within,
            ]
        )
        strata = [a - 1, b - 1, (a - 1) * (k - 1), (b - 1) * (k - 1)]
        self.freedom = np.array([*strata, self.n - k - sum(strata)], dtype=float)

    @property
    def guess(self) -> Values:
        """From the mean squares, which the restricted likelihood agrees with where no variance is 0."""
        k, a, b = self.shape
        squares = np.divide(self.squares, self.freedom, out=np.zeros(5), where=self.freedom > 0)
        of_l, of_i, of_lc, of_ic, residual = squares
        above = np.array([of_l - of_lc, of_i - of_ic, of_lc - residual, of_ic - residual])
        scale = self.replicates * np.array([b * k, a * k, b, a]) * max(residual, 1e-12)
        return np.clip(above / scale, 0.01, 100.0)

    def at(self, ratios: Values) -> Profile:
        k, a, b = self.shape
        of_l, of_i, of_lc, of_ic = ratios * self.replicates * [b * k, a * k, b, a]
        strata = np.array([1 + of_l + of_lc, 1 + of_i + of_ic, 1 + of_lc, 1 + of_ic, 1.0])
        of_contrasts = 1 + of_lc + of_ic
        of_mean = of_contrasts + of_l + of_i
        log_det = float(self.freedom @ np.log(strata)) + np.log(of_mean)
        log_det += (k - 1) * np.log(of_contrasts)
        each = self.replicates * a * b
        xx = np.full((k, k), each / k * (1 / of_mean - 1 / of_contrasts))
        xx[np.diag_indices(k)] += each / of_contrasts
        xy = xx @ self.condition_means
        yy = float(self.condition_means @ xy) + float((self.squares / strata).sum())
        return Profile(float(log_det), xx, xy, yy)


class Unbalanced:
    """Any pattern of cells: how often each was rated and the sum of its ratings, both (K, L, I)."""

    def __init__(self, counts: Values, sums: Values, squares: float):
        k, a, b = counts.shape
        self.n = int(counts.sum())
        self.conditions = k
        of_l, of_i = counts.sum(axis=2), counts.sum(axis=1)
        self.levels = _levels(k, a, b, int(np.count_nonzero(of_l)), int(np.count_nonzero(of_i)))
        # the larger margin is eliminated by its diagonal block
        self.swapped = b > a
        self.counts = np.ascontiguousarray(counts.swapaxes(1, 2)) if self.swapped else counts
        pairs = [(of_l, of_i), (sums.sum(axis=2), sums.sum(axis=1))]
        (self.of_l, self.of_i), (self.y_l, self.y_i) = (
            (second, first) if self.swapped else (first, second) for first, second in pairs
        )
        self.squares = squares
        self.guess = _rough_ratios(counts, sums)
        # most points that a search asks for differ in the ratio of a margin alone
        self._without_margins = lru_cache(KEPT)(self._eliminate)

    def at(self, ratios: Values) -> Profile:
        ratio_l, ratio_i, ratio_lc, ratio_ic = ratios[[1, 0, 3, 2]] if self.swapped else ratios
        k, a, b = self.counts.shape
        inner, outer, before = self._without_margins(float(ratio_lc), float(ratio_ic))
        scale = np.sqrt(np.repeat([ratio_l, ratio_i], [a, b]))
        factor = linalg.cholesky(
            np.eye(a + b) + scale[:, None] * inner * scale, lower=True, check_finite=False
        )
        taken = linalg.solve_triangular(
            factor, scale[:, None] * outer, lower=True, check_finite=False
        )
        log_det = before.log_det + 2 * float(np.log(factor.diagonal()).sum())
        of_x, of_y = taken[:, :k], taken[:, k]
        return Profile(
            log_det,
            before.xx - of_x.T @ of_x,
            before.xy - of_x.T @ of_y,
            before.yy - float(of_y @ of_y),
        )

    def _eliminate(self, ratio_lc: float, ratio_ic: float) -> tuple[Values, Values, Profile]:
        """With H₀, which is H without the effects of listeners and items, and Z their design: ZᵀH₀⁻¹Z, ZᵀH₀⁻¹[X y],
        and the profile of H₀."""
        k, a, b = self.counts.shape
        inner = np.zeros((a + b, a + b))
        outer = np.zeros((a + b, k + 1))
        xx, xy, yy, log_det = np.zeros((k, k)), np.zeros(k), self.squares, 0.0
        for c in range(k):
            n, count = self.counts[c], self.of_l[c]
            weight = 1 / (1 + ratio_lc * count)
            shrink = ratio_lc * weight
            q = weight[:, None] * n
            r = np.diag(self.of_i[c]) - n.T @ (shrink[:, None] * n)
            y_l, y_i = weight * self.y_l[c], self.y_i[c] - n.T @ (shrink * self.y_l[c])
            factor = linalg.cholesky(np.eye(b) + ratio_ic * r, lower=True, check_finite=False)
            solved = linalg.solve_triangular(
                factor, np.column_stack([q.T, r, y_i]), lower=True, check_finite=False
            )
            # with C = I + γ_IC R: QᵀC⁻¹ parts follow from L⁻¹ of C = L Lᵀ
            from_q, from_r, from_y = solved[:, :a], solved[:, a : a + b], solved[:, -1]
            ll = np.diag(count * weight) - ratio_ic * (from_q.T @ from_q)
            li = q - ratio_ic * (from_q.T @ from_r)
            inner[:a, :a] += ll
            inner[:a, a:] += li
            inner[a:, a:] += r - ratio_ic * (from_r.T @ from_r)
            by_l = y_l - ratio_ic * (from_q.T @ from_y)
            outer[:a, c], outer[a:, c] = ll.sum(axis=1), li.sum(axis=0)
            outer[:a, k] += by_l
            outer[a:, k] += y_i - ratio_ic * (from_r.T @ from_y)
            xx[c, c], xy[c] = ll.sum(), by_l.sum()
            yy -= float(shrink @ self.y_l[c] ** 2) + ratio_ic * float(from_y @ from_y)
            log_det += float(np.log1p(ratio_lc * count).sum())
            log_det += 2 * float(np.log(factor.diagonal()).sum())
        inner[a:, :a] = inner[:a, a:].T
        return inner, outer, Profile(log_det, xx, xy, yy)


def _rough_ratios(counts: Values, sums: Values) -> Values:
    """Variance ratios from mean squares as if the gaps of the cells were spread evenly."""
    k, a, b = counts.shape

    def mean(axis: int | tuple[int, ...]) -> Values:
        n = counts.sum(axis=axis, keepdims=True)
        return np.divide(sums.sum(axis=axis, keepdims=True), n, out=np.zeros(n.shape), where=n > 0)

    grand, condition = mean((0, 1, 2)), mean((1, 2))
    of_l, of_i = mean(2), mean(1)
    listener, item = mean((0, 2)), mean((0, 1))
    cell = np.divide(sums, counts, out=np.zeros(counts.shape), where=counts > 0)
    residual = (counts > 0) * (cell - of_l - of_i + condition)
    n = float(counts.sum())
    rest = float((counts * residual**2).sum()) / max(n - k * (a + b), n / 10)
    variances = [
        float(effect.var()) - rest / each
        for effect, each in (
            (listener - grand, n / a),
            (item - grand, n / b),
            (of_l - listener - condition + grand, n / (a * k)),
            (of_i - item - condition + grand, n / (b * k)),
        )
    ]
    return np.clip(np.array(variances) / max(rest, 1e-12), 0.01, 100.0)


def _levels(k: int, a: int, b: int, both_l: int, both_i: int) -> dict[str, int]:
    return dict(zip(TERMS, (a, b, both_l, both_i), strict=True))
