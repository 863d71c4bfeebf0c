"""Comparisons agree with R (`wilcox.exact`, `t.test`, `friedman.test`, `p.adjust`), MBESS and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from listening.analysis.comparison import (
    compare,
    friedman,
    holm,
    paired_t,
    rank_biserial_interval,
    wilcoxon_signed_rank,
)
from listening.analysis.frames import ROLES, AnalysisError
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign

PAIR = {
    "n_listeners": None,
    "mean_difference": "mean_diff",
    "t": "t",
    "df": "df",
    "p_t": "p_t",
    "p_t_holm": "p_t_holm",
    "dz": "cohen_dz",
    "w_plus": "V",
    "p_wilcoxon": "p_wilcoxon_exact_conditional",
    "p_wilcoxon_holm": "p_wilcoxon_exact_conditional_holm",
    "rank_biserial": "rank_biserial",
}


@pytest.fixture
def kept(reference):
    ratings = reference.mushra()
    return screen(ratings).keep(ratings)


def test_all_pairs_are_those_of_r(reference, kept):
    found = compare(kept, roles=ROLES).pairs.set_index(["a", "b"])
    expected = reference.expected("mushra")["pairs"]
    assert len(found) == len(expected) == 15
    for row in expected:
        pair = found.loc[(row["a"], row["b"])]
        assert pair["n_listeners"] == row["df"] + 1
        for ours, theirs in PAIR.items():
            if theirs:
                assert pair[ours] == pytest.approx(row[theirs], rel=1e-9), ours
        assert [pair["ci_low"], pair["ci_high"]] == pytest.approx(row["ci95"], rel=1e-9)


def test_the_normal_approximation_is_that_of_r(reference, kept):
    means = kept.groupby(["listener", "condition"])["rating"].mean().unstack()
    for row in reference.expected("mushra")["pairs"]:
        found = wilcoxon_signed_rank(means[row["a"]] - means[row["b"]], method="normal")
        assert found.p == pytest.approx(row["p_wilcoxon_normal_uncorrected"], rel=1e-9)


@pytest.mark.parametrize(
    ("family", "roles"), [("all_conditions", ROLES), ("systems_only", ("system",))]
)
def test_friedmans_test_is_that_of_r(reference, kept, family, roles):
    expected = reference.expected("mushra")["inference"][family]["friedman"]["listener_blocks"]
    found = compare(kept, roles=roles).friedman
    assert found is not None
    assert (found.n, found.df) == (expected["n"], expected["df"])
    assert found.chi2 == pytest.approx(expected["chi2"], rel=1e-9)
    assert found.p == pytest.approx(expected["p"], rel=1e-9)
    assert found.kendall_w == pytest.approx(expected["kendall_W"], rel=1e-9)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9).filter(any))
def test_the_exact_signed_rank_test_counts_all_signs(differences):
    # the definition, by enumeration: every assignment of signs to the mid-ranks of the non-zero differences
    kept = np.array([d for d in differences if d])
    ranks = stats.rankdata(np.abs(kept))
    w = ranks[kept > 0].sum()
    extreme = abs(w - ranks.sum() / 2)
    signs = itertools.product([0, 1], repeat=len(ranks))
    as_extreme = [abs(np.dot(s, ranks) - ranks.sum() / 2) >= extreme - 1e-9 for s in signs]
    assert wilcoxon_signed_rank(differences).p == pytest.approx(np.mean(as_extreme))


def test_without_ties_the_exact_test_is_scipys():
    differences = np.random.default_rng(3).normal(0.4, 1, 40)
    assert wilcoxon_signed_rank(differences).p == pytest.approx(
        stats.wilcoxon(differences, method="exact").pvalue, rel=1e-9
    )


def test_ties_that_averaging_makes_survive_floating_point():
    # 0.1 + 0.2 and 0.3 are one size
    assert wilcoxon_signed_rank([0.1 + 0.2, -0.3]).w_plus == 1.5


def test_signed_ranks_of_nothing_but_zeros_are_refused():
    with pytest.raises(AnalysisError, match="at least one non-zero difference, found none"):
        wilcoxon_signed_rank([0.0, 0.0])


def test_the_interval_of_dz_inverts_the_noncentral_t_as_mbess_does():
    # MBESS (R), conf.limits.nct(ncp = 2.83, df = 126): 0.8337502, 4.815359 (Kelley 2007)
    n = 127
    d = np.linspace(-1, 1, n)
    d = d / d.std(ddof=1) + 2.83 / np.sqrt(n)
    found = paired_t(d)
    assert found.t == pytest.approx(2.83)
    limits = [found.dz_low * np.sqrt(n), found.dz_high * np.sqrt(n)]
    assert limits == pytest.approx([0.8337502, 4.815359], rel=1e-6)


def test_the_rank_biserial_interval_is_scipys_percentile_bootstrap():
    d = np.round(np.random.default_rng(1).normal(2, 4, 24))

    def rank_biserial(sample):
        kept = sample[sample != 0]
        ranks = stats.rankdata(np.abs(kept))
        return (np.sign(kept) @ ranks) / ranks.sum()

    scipy = stats.bootstrap(
        (d,), rank_biserial, vectorized=False, n_resamples=4000, method="percentile", rng=5
    ).confidence_interval
    assert rank_biserial_interval(d, resamples=20_000) == pytest.approx(
        (scipy.low, scipy.high), abs=0.02
    )


@pytest.mark.parametrize("seed", range(6))
def test_holm_is_that_of_statsmodels(seed):
    p = np.round(np.random.default_rng(seed).beta(0.3, 2, size=2 + 3 * seed), 2)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_leaves_missing_tests_out_of_the_family():
    assert holm([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_friedman_of_equal_blocks_finds_nothing_rather_than_nan():
    found = friedman(np.full((3, 4), 50.0), conditions="abcd")
    assert (found.chi2, found.p, found.kendall_w) == (0, 1, 0)


def test_pairs_without_variation_or_listeners_have_a_caveat_and_no_numbers():
    grades = {
        "x": {"a": [50, 60], "b": [40, 50]},
        "y": {"a": [70, 80], "b": [60, 70], "c": [10, 20]},
    }
    found = compare(campaign(grades, dict.fromkeys("abc", "system")))
    pairs = found.pairs.set_index(["a", "b"])
    assert pairs.loc[("a", "b"), "mean_difference"] == 10
    assert pairs["p_t"].isna().all()
    assert "a against b: no test, found equal differences" in found.caveats
    assert "a against c: no test, found fewer than two listeners" in found.caveats
    assert found.friedman is None
    assert found.incomplete_listeners == ("x",)


def test_only_items_that_a_listener_rated_for_both_conditions_enter_a_difference():
    grades = {
        "x": {"a": [50, 90], "b": [40]},
        "y": {"a": [50, 60], "b": [30, 20]},
        "z": {"a": [10], "b": [10]},
    }
    pair = compare(campaign(grades, dict.fromkeys("ab", "system"))).pairs.iloc[0]
    assert pair["n_ratings"] == 4
    assert pair["mean_difference"] == pytest.approx((10 + 30 + 0) / 3)


def test_a_single_system_is_not_compared_and_it_is_said():
    found = compare(campaign({"x": {"a": [1]}}, {"a": "system"}))
    assert found.pairs.empty
    assert found.caveats == ("no comparison: found 1 condition(s) to compare, need two",)
