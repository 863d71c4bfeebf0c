"""Tests and effect sizes of paired differences, one per listener.

Differences are rounded to nine decimals before they are ranked or compared, because averaging makes ties that
floating point breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from listening.analysis.description import CONFIDENCE
from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

DECIMALS = 9
RESAMPLES = 2000
SEED = 1534


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test; `w_plus` and `w_minus` are the rank sums of `n` non-zero differences."""

    n: int
    zeros: int
    w_plus: float
    w_minus: float
    p: float
    method: str

    @property
    def rank_biserial(self) -> float:
        """(W⁺ − W⁻)/(W⁺ + W⁻), from −1 to 1."""
        return (self.w_plus - self.w_minus) / (self.w_plus + self.w_minus)


@dataclass(frozen=True)
class PairedT:
    """Paired t-test of `n` differences, with the interval of their mean and of d_z = mean/sd."""

    n: int
    mean: float
    sd: float
    ci_low: float
    ci_high: float
    t: float
    df: int
    p: float
    dz: float
    dz_low: float
    dz_high: float


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided paired t-tests that the mean difference lies within ± `margin`.

    `p` is the larger of the two; `ci_low` … `ci_high` is the 90 % interval, inside the margins when p < 0.05.
    """

    n: int
    margin: float
    mean: float
    t_lower: float
    p_lower: float
    t_upper: float
    p_upper: float
    ci_low: float
    ci_high: float

    @property
    def p(self) -> float:
        return max(self.p_lower, self.p_upper)

    @property
    def equivalent(self) -> bool:
        return self.p < 1 - CONFIDENCE


def wilcoxon_signed_rank(differences: ArrayLike, *, method: str = "exact") -> SignedRank:
    """Test that `differences` are symmetric about 0, two-sided; zeros are dropped, ties share mid-ranks.

    `method` 'exact' sums the distribution of W⁺ over all sign assignments of the ranks as they are, ties
    included (Streitberg & Röhmel's shift algorithm); 'normal' approximates it with the tie-corrected
    variance and no continuity correction, as SciPy and most papers do. Raises `AnalysisError` when no
    difference is left.
    """
    given = np.round(np.asarray(differences, dtype=float), DECIMALS)
    kept = given[given != 0]
    n, zeros = len(kept), len(given) - len(kept)
    if n == 0:
        raise AnalysisError("signed ranks: expected at least one non-zero difference, found none")
    ranks = stats.rankdata(np.abs(kept))
    w_plus = float(ranks[kept > 0].sum())
    total = n * (n + 1) / 2
    if method == "exact":
        p = _exact_p(ranks, min(w_plus, total - w_plus))
    elif method == "normal":
        z = (w_plus - total / 2) / sqrt(float(ranks @ ranks) / 4)
        p = float(2 * stats.norm.sf(abs(z)))
    else:
        raise AnalysisError(f"signed ranks: expected method exact or normal, found {method!r}")
    return SignedRank(n, zeros, w_plus, total - w_plus, p, method)


def _exact_p(ranks: Values, smaller: float) -> float:
    """2 P(W ≤ `smaller`) over all equally likely signs of `ranks`, at most 1."""
    doubled = np.rint(2 * ranks).astype(int)
    # P(2 W = 0, 1, …): what lies beyond the smaller rank sum is not needed
    probability = np.zeros(round(2 * smaller) + 1)
    probability[0] = 1.0
    for rank in doubled:
        with_rank = probability[: max(len(probability) - rank, 0)] / 2
        probability /= 2
        probability[rank:] += with_rank
    return min(1.0, 2 * float(probability.sum()))


def paired_t(differences: ArrayLike) -> PairedT:
    """Paired t-test of `differences` against 0, two-sided.

    The interval of d_z inverts the non-central t distribution (Steiger & Fouladi 1997). Raises
    `AnalysisError` for fewer than two differences or no variation.
    """
    d = np.asarray(differences, dtype=float)
    n = len(d)
    if n < 2 or np.ptp(np.round(d, DECIMALS)) == 0:
        raise AnalysisError(
            f"paired t: expected two or more differences that vary, found {n} that do not"
        )
    mean, sd = float(d.mean()), float(d.std(ddof=1))
    se = sd / sqrt(n)
    t = mean / se
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * se
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(special.nctdtrinc(n - 1, q, t)) / sqrt(n) for q in (1 - tail, tail))
    p = float(2 * stats.t.sf(abs(t), n - 1))
    return PairedT(n, mean, sd, mean - half, mean + half, t, n - 1, p, mean / sd, low, high)


def rank_biserial_interval(
    differences: ArrayLike, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float]:
    """Percentile bootstrap interval of the rank-biserial correlation over listeners, from a fixed seed."""
    d = np.round(np.asarray(differences, dtype=float), DECIMALS)
    kept = d != 0
    order = np.argsort(np.abs(d[kept]), kind="stable")
    ordered = d[kept][order]
    drawn = _times_drawn(len(d), resamples, seed)[:, kept][:, order]
    # a resample's mid-rank of a size: how many smaller ones were drawn, and half of its equals and one
    _, first, count = np.unique(np.abs(ordered), return_index=True, return_counts=True)
    tie = np.repeat(np.arange(len(first)), count)
    up_to = np.cumsum(drawn, axis=1)
    end = up_to[:, first + count - 1]
    begin = np.column_stack([np.zeros(resamples, dtype=end.dtype), end[:, :-1]])
    rank = (begin + end + 1) / 2
    signed = np.einsum("ri,ri,i->r", drawn, rank[:, tie], np.sign(ordered))
    total = end[:, -1] * (end[:, -1] + 1) / 2 if len(ordered) else np.zeros(resamples)
    r = np.divide(signed, total, out=np.zeros(resamples), where=total > 0)
    low, high = np.quantile(r, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


@lru_cache(maxsize=2)
def _times_drawn(n: int, resamples: int, seed: int) -> Values:
    """How often each of `n` is drawn in every resample: the same for all comparisons of a campaign."""
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    places = drawn + n * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=n * resamples).reshape(resamples, n).astype(float)


def sign_test(differences: ArrayLike) -> float:
    """Two-sided p of the sign test: as many positive as negative differences, zeros dropped; 1 without any."""
    d = np.round(np.asarray(differences, dtype=float), DECIMALS)
    kept = int(np.count_nonzero(d))
    return float(stats.binomtest(int((d > 0).sum()), kept).pvalue) if kept else 1.0


def equivalence(differences: ArrayLike, *, margin: float) -> Equivalence:
    """Test that the mean of `differences` lies within ± `margin`, which must be declared before the data are seen.

    A difference that is not significant proves nothing; this does. Raises `AnalysisError` for a margin that is
    not above 0, and as `paired_t` does.
    """
    if not margin > 0:
        raise AnalysisError(f"equivalence: expected a margin above 0, found {margin:g}")
    t = paired_t(differences)
    se = t.sd / sqrt(t.n)
    lower, upper = (t.mean + margin) / se, (t.mean - margin) / se
    half = float(stats.t.ppf(CONFIDENCE, t.df)) * se
    return Equivalence(
        t.n,
        margin,
        t.mean,
        lower,
        float(stats.t.sf(lower, t.df)),
        upper,
        float(stats.t.cdf(upper, t.df)),
        t.mean - half,
        t.mean + half,
    )


def hedges_correction(df: int) -> float:
    """J = 1 − 3/(4 df − 1), which takes most of the bias out of a standardised difference."""
    return 1 - 3 / (4 * df - 1)


def d_av(a: ArrayLike, b: ArrayLike) -> float:
    """The mean difference over the root of the two variances' mean: Cohen's d as two groups would have it.

    0 differences of no spread are 0; NaN when neither varies and they differ.
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    spread = sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    difference = float(x.mean() - y.mean())
    return difference / spread if spread > 0 else np.nan
