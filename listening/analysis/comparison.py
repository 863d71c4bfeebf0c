"""Comparison of conditions by the same listeners: which differ, by how much, and for what the claim holds.

Two kinds of claim stand side by side. The crossed mixed model (`mixed`) takes listeners and items for samples of
others like them. The paired tests take one difference per listener, over the items that the listener rated for
both conditions, so that what they claim holds *for these items* and listeners like these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from listening.analysis.adjustment import hochberg, holm
from listening.analysis.anova import RepeatedMeasures, repeated_measures
from listening.analysis.cells import Cells, cells, mean_by
from listening.analysis.frames import AnalysisError
from listening.analysis.mixed import MixedModel, mixed_model
from listening.analysis.paired import (
    DECIMALS,
    d_av,
    equivalence,
    hedges_correction,
    paired_t,
    rank_biserial_interval,
    sign_test,
    wilcoxon_signed_rank,
)
from listening.analysis.permutation import sign_flip
from listening.analysis.power import detectable_difference

Values = NDArray[np.float64]

SCOPE = "for these items, and listeners like these"

PAIR_COLUMNS = ["a", "b", "n_listeners", "mean_difference", "ci_low", "ci_high"]
PAIR_COLUMNS += ["t", "df", "p_t", "p_t_holm", "p_t_hochberg", "detectable"]
PAIR_COLUMNS += ["dz", "dz_low", "dz_high", "hedges_gz", "d_av"]
PAIR_COLUMNS += ["w_plus", "w_minus", "p_wilcoxon", "p_wilcoxon_holm"]
PAIR_COLUMNS += ["rank_biserial", "rank_biserial_low", "rank_biserial_high"]
PAIR_COLUMNS += ["p_sign", "p_sign_holm", "p_flip", "p_flip_max"]
PAIR_COLUMNS += ["n_ratings", "p_wilcoxon_ratings"]
EQUIVALENCE_COLUMNS = ["a", "b", "n_listeners", "mean_difference", "margin", "ci_low", "ci_high"]
EQUIVALENCE_COLUMNS += ["t_lower", "p_lower", "t_upper", "p_upper", "p", "equivalent"]


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

    `mixed` is the default: the crossed mixed model with its own scope; None when it cannot be fitted, and then a
    caveat says why. `pairs` has one row per pair and the columns `PAIR_COLUMNS`: the difference is a − b; p_wilcoxon
    is exact; p_flip_max is adjusted for all pairs; detectable is the difference that a paired t-test of as many
    listeners would find four times of five; n_ratings and p_wilcoxon_ratings are the test as many papers make it,
    over listener × item ratings with the normal approximation, which takes a listener's ratings for independent.
    `anova` is the analysis of variance over the listeners who rated everything, None when there are not two.
    `friedman` is None with fewer than three conditions or two complete listeners. `caveats` says what was left out
    and why.
    """

    pairs: pd.DataFrame
    friedman: Friedman | None
    incomplete_listeners: tuple[str, ...]
    caveats: tuple[str, ...]
    mixed: MixedModel | None = None
    anova: RepeatedMeasures | None = None
    scope: str = SCOPE


def compare(ratings: pd.DataFrame, *, roles: Sequence[str] = ("system",)) -> Comparison:
    """Compare the conditions with one of `roles` pairwise and all at once.

    The hidden reference and the anchors are left out by default: they are ceiling and floor, not candidates.
    Pairs form one family for Holm's correction. A pair that no two listeners rated, or whose differences are
    all equal, has missing values and a caveat.
    """
    rated = ratings[ratings["role"].isin(roles)]
    cell = cells(rated)
    caveats: list[str] = []
    rows = [_pair(cell, a, b, caveats) for a, b in _places(cell)]
    pairs = _adjusted(pd.DataFrame(rows, columns=PAIR_COLUMNS), cell)
    if not rows:
        caveats.append(
            f"no comparison: found {len(cell.conditions)} condition(s) to compare, need two"
        )

    means = cell.listener_means()
    complete = ~np.isnan(means).any(axis=1)
    incomplete = tuple(sorted(np.array(cell.listeners, dtype=object)[~complete]))
    overall = None
    if len(cell.conditions) > 2 and complete.sum() > 1:
        overall = friedman(means[complete], conditions=cell.conditions)
        if incomplete:
            caveats.append(
                f"Friedman's test leaves out {len(incomplete)} listener(s) who did not rate every condition: "
                + ", ".join(incomplete)
            )
    mixed, anova = None, None
    if rows:
        try:
            mixed = mixed_model(rated, roles=roles)
        except AnalysisError as refused:
            caveats.append(str(refused))
        try:
            anova = repeated_measures(rated, roles=roles)
        except AnalysisError as refused:
            caveats.append(str(refused))
    return Comparison(pairs, overall, incomplete, tuple(caveats), mixed, anova)


def equivalent_pairs(
    ratings: pd.DataFrame, *, margin: float, roles: Sequence[str] = ("system",)
) -> pd.DataFrame:
    """Which pairs of conditions are the same within ± `margin` (rating points), which must be declared beforehand?

    Two one-sided paired t-tests over listener means per pair, columns `EQUIVALENCE_COLUMNS`; the interval is 90 %.
    With 'reference' among `roles`, a system that is equivalent to it is transparent within the margin, for these
    items. Pairs without variation or listeners are left out; raises `AnalysisError` for a margin not above 0.
    """
    cell = cells(ratings[ratings["role"].isin(roles)])
    rows = []
    for a, b in _places(cell):
        _, _, differences = _by_listener(cell, a, b)
        if not _varies(differences):
            continue
        found = equivalence(differences, margin=margin)
        rows.append(
            (cell.conditions[a], cell.conditions[b], found.n, found.mean, margin)
            + (found.ci_low, found.ci_high, found.t_lower, found.p_lower)
            + (found.t_upper, found.p_upper, found.p, found.equivalent)
        )
    return pd.DataFrame(rows, columns=EQUIVALENCE_COLUMNS)


def _places(cell: Cells) -> list[tuple[int, int]]:
    return list(combinations(range(len(cell.conditions)), 2))


def _by_listener(cell: Cells, a: int, b: int) -> tuple[Values, Values, Values]:
    """Each listener's means of a and of b over the items rated for both, and the differences of these means."""
    both = ~np.isnan(cell.means[:, a] - cell.means[:, b])
    listener, of = cell.of_listener[both], cell.means[both]
    means = [mean_by(listener, of[:, c], len(cell.listeners)) for c in (a, b)]
    present = ~np.isnan(means[0])
    # the mean of differences rather than the difference of means: ties stay ties
    difference = mean_by(listener, of[:, a] - of[:, b], len(cell.listeners))
    return means[0][present], means[1][present], difference[present]


def _varies(differences: Values) -> bool:
    return len(differences) > 1 and bool(np.ptp(np.round(differences, DECIMALS)) > 0)


def _pair(cell: Cells, a: int, b: int, caveats: list[str]) -> dict[str, object]:
    of_a, of_b, differences = _by_listener(cell, a, b)
    by_rating, _ = cell.differences(a, b)
    names = {"a": cell.conditions[a], "b": cell.conditions[b]}
    row: dict[str, object] = {
        **names,
        "n_listeners": len(differences),
        "n_ratings": len(by_rating),
        "mean_difference": differences.mean() if len(differences) else np.nan,
    }
    if not _varies(differences):
        found = "fewer than two listeners" if len(differences) < 2 else "equal differences"
        caveats.append("{a} against {b}: no test, found ".format(**names) + found)
        return row
    t = paired_t(differences)
    ranks = wilcoxon_signed_rank(differences)
    low, high = rank_biserial_interval(differences)
    published = wilcoxon_signed_rank(by_rating, method="normal")
    return row | {
        "ci_low": t.ci_low,
        "ci_high": t.ci_high,
        "t": t.t,
        "df": t.df,
        "p_t": t.p,
        "detectable": detectable_difference(t.n, sd=t.sd),
        "dz": t.dz,
        "dz_low": t.dz_low,
        "dz_high": t.dz_high,
        "hedges_gz": t.dz * hedges_correction(t.df),
        "d_av": d_av(of_a, of_b),
        "w_plus": ranks.w_plus,
        "w_minus": ranks.w_minus,
        "p_wilcoxon": ranks.p,
        "rank_biserial": ranks.rank_biserial,
        "rank_biserial_low": low,
        "rank_biserial_high": high,
        "p_sign": sign_test(differences),
        "p_wilcoxon_ratings": published.p,
    }


def _adjusted(pairs: pd.DataFrame, cell: Cells) -> pd.DataFrame:
    """`pairs` with what depends on all of them: adjusted p-values and the joint sign-flip test."""
    adjusted = {f"{p}_holm": holm(pairs[p]) for p in ("p_t", "p_wilcoxon", "p_sign")}
    adjusted["p_t_hochberg"] = hochberg(pairs["p_t"])
    tested = pairs["t"].notna().to_numpy()
    if tested.any():
        columns = [
            mean_by(listener, difference, len(cell.listeners))
            for difference, listener in (
                cell.differences(a, b)
                for (a, b), test in zip(_places(cell), tested, strict=True)
                if test
            )
        ]
        flips = sign_flip(np.column_stack(columns))
        for name, p in (("p_flip", flips.p), ("p_flip_max", flips.p_max)):
            adjusted[name] = np.full(len(pairs), np.nan)
            adjusted[name][tested] = p
    return pairs.assign(**adjusted)


def friedman(blocks: ArrayLike, *, conditions: Sequence[str]) -> Friedman:
    """Friedman's test of `blocks` (listeners, two conditions or more), without gaps, corrected for ties."""
    table = np.round(np.asarray(blocks, dtype=float), DECIMALS)
    n, k = table.shape
    if (np.ptp(table, axis=1) == 0).all():
        return Friedman(n, tuple(conditions), 0.0, k - 1, 1.0, 0.0)
    # SciPy's refuses two conditions
    ranks = stats.rankdata(table, axis=1) - (k + 1) / 2
    chi2 = float((k - 1) * (ranks.sum(axis=0) ** 2).sum() / (ranks**2).sum())
    p = float(stats.chi2.sf(chi2, k - 1))
    return Friedman(n, tuple(conditions), chi2, k - 1, p, chi2 / (n * (k - 1)))
