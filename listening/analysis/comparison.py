"""Comparison of conditions by the same listeners: which differ, by how much, and for what the claim holds.

The unit is the listener: differences are taken within listeners, over the items that a listener rated for both
conditions, so a claim made here holds *for these items* and listeners like these. Differences are rounded to
nine decimals before they are ranked, because averaging makes ties that floating point breaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from listening.analysis.description import CONFIDENCE
from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

DECIMALS = 9
RESAMPLES = 2000
SEED = 1534
SCOPE = "for these items, and listeners like these"

PAIR_COLUMNS = ["a", "b", "n_listeners", "mean_difference", "ci_low", "ci_high"]
PAIR_COLUMNS += ["t", "df", "p_t", "p_t_holm", "dz", "dz_low", "dz_high"]
PAIR_COLUMNS += ["w_plus", "w_minus", "p_wilcoxon", "p_wilcoxon_holm"]
PAIR_COLUMNS += ["rank_biserial", "rank_biserial_low", "rank_biserial_high"]
PAIR_COLUMNS += ["n_ratings", "p_wilcoxon_ratings"]


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
class Friedman:
    """Friedman's test over `n` complete listeners and `conditions`, tie-corrected, with Kendall's W."""

    n: int
    conditions: tuple[str, ...]
    chi2: float
    df: int
    p: float
    kendall_w: float


@dataclass(frozen=True)
class Comparison:
    """All pairs of conditions, and all at once.

    `pairs` has one row per pair and the columns `PAIR_COLUMNS`: the difference is a − b; p_wilcoxon is exact;
    n_ratings and p_wilcoxon_ratings are the test as many papers make it, over listener × item ratings with the
    normal approximation, which takes a listener's ratings for independent. `friedman` is None with fewer than
    three conditions or two complete listeners. `caveats` says what was left out and why.
    """

    pairs: pd.DataFrame
    friedman: Friedman | None
    incomplete_listeners: tuple[str, ...]
    caveats: tuple[str, ...]
    scope: str = SCOPE


def compare(ratings: pd.DataFrame, *, roles: Sequence[str] = ("system",)) -> Comparison:
    """Compare the conditions with one of `roles` pairwise and by Friedman's test.

    The hidden reference and the anchors are left out by default: they are ceiling and floor, not candidates.
    Pairs form one family for Holm's correction. A pair that no two listeners rated, or whose differences are
    all equal, has missing values and a caveat.
    """
    rated = ratings[ratings["role"].isin(roles)]
    conditions = list(rated["condition"].unique())
    cells = rated.pivot_table(
        index=["listener", "item"],
        columns="condition",
        values="rating",
        aggfunc="mean",
        observed=True,
        sort=False,
    ).reindex(columns=conditions)
    caveats: list[str] = []
    rows = [_pair(cells, a, b, caveats) for a, b in combinations(conditions, 2)]
    pairs = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    for p in ("p_t", "p_wilcoxon"):
        pairs[f"{p}_holm"] = holm(pairs[p])
    if not rows:
        caveats.append(f"no comparison: found {len(conditions)} condition(s) to compare, need two")

    means = cells.groupby(level="listener", sort=False).mean()
    complete = means.dropna()
    incomplete = tuple(str(listener) for listener in means.index.difference(complete.index))
    overall = None
    if len(conditions) > 2 and len(complete) > 1:
        overall = friedman(complete.to_numpy(), conditions=conditions)
        if incomplete:
            caveats.append(
                f"Friedman's test leaves out {len(incomplete)} listener(s) who did not rate every condition: "
                + ", ".join(incomplete)
            )
    return Comparison(pairs, overall, incomplete, tuple(caveats))


def _pair(cells: pd.DataFrame, a: str, b: str, caveats: list[str]) -> dict[str, object]:
    by_rating = (cells[a] - cells[b]).dropna()
    differences = by_rating.groupby(level="listener", sort=False).mean().to_numpy()
    row: dict[str, object] = {
        "a": a,
        "b": b,
        "n_listeners": len(differences),
        "n_ratings": len(by_rating),
        "mean_difference": differences.mean() if len(differences) else np.nan,
    }
    if len(differences) < 2 or np.ptp(np.round(differences, DECIMALS)) == 0:
        found = "fewer than two listeners" if len(differences) < 2 else "equal differences"
        caveats.append(f"{a} against {b}: no test, found {found}")
        return row
    t = paired_t(differences)
    ranks = wilcoxon_signed_rank(differences)
    low, high = rank_biserial_interval(differences)
    published = wilcoxon_signed_rank(by_rating.to_numpy(), method="normal")
    return row | {
        "ci_low": t.ci_low,
        "ci_high": t.ci_high,
        "t": t.t,
        "df": t.df,
        "p_t": t.p,
        "dz": t.dz,
        "dz_low": t.dz_low,
        "dz_high": t.dz_high,
        "w_plus": ranks.w_plus,
        "w_minus": ranks.w_minus,
        "p_wilcoxon": ranks.p,
        "rank_biserial": ranks.rank_biserial,
        "rank_biserial_low": low,
        "rank_biserial_high": high,
        "p_wilcoxon_ratings": published.p,
    }


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
    drawn = d[np.random.default_rng(seed).integers(len(d), size=(resamples, len(d)))]
    # a zero gets the lowest ranks; taking away how many there are leaves the ranks of the others
    ranks = stats.rankdata(np.abs(drawn), axis=1) - (drawn == 0).sum(axis=1, keepdims=True)
    weights = np.where(drawn == 0, 0.0, ranks)
    total = weights.sum(axis=1)
    signed = (weights * np.sign(drawn)).sum(axis=1)
    r = np.divide(signed, total, out=np.zeros(resamples), where=total > 0)
    low, high = np.quantile(r, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def friedman(blocks: ArrayLike, *, conditions: Sequence[str]) -> Friedman:
    """Friedman's test of `blocks` (listeners, conditions), without gaps."""
    table = np.round(np.asarray(blocks, dtype=float), DECIMALS)
    n, k = table.shape
    if (np.ptp(table, axis=1) == 0).all():
        return Friedman(n, tuple(conditions), 0.0, k - 1, 1.0, 0.0)
    chi2, p = stats.friedmanchisquare(*table.T)
    return Friedman(n, tuple(conditions), float(chi2), k - 1, float(p), float(chi2) / (n * (k - 1)))


def holm(p: ArrayLike) -> Values:
    """Holm's step-down adjustment of a family of p-values; missing ones stay out of the family."""
    given = np.asarray(p, dtype=float)
    adjusted = np.full(given.shape, np.nan)
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
