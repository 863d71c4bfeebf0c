"""Comparisons agree with R (`wilcox.exact`, `t.test`, `friedman.test`, `p.adjust`), MBESS and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from listening.analysis.adjustment import hochberg, holm, tukey
from listening.analysis.comparison import compare, equivalent_pairs, friedman
from listening.analysis.frames import ROLES, AnalysisError
from listening.analysis.paired import (
    equivalence,
    paired_t,
    rank_biserial_interval,
    sign_test,
    wilcoxon_signed_rank,
)
from listening.analysis.permutation import attachment3, sign_flip
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign
from tests.analysis.trees import check

# our columns and R's names; `p_wilcoxon_exact` is R's where there are no ties, which ours covers
PAIR = {
    "mean_difference": "mean_diff",
    "t": "t",
    "df": "df",
    "p_t": "p_t",
    "p_t_holm": "p_t_holm",
    "p_t_hochberg": "p_t_hochberg",
    "dz": "cohen_dz",
    "hedges_gz": "hedges_gz",
    "d_av": "cohen_dav",
    "w_plus": "V",
    "p_wilcoxon": "p_wilcoxon_exact_conditional",
    "p_wilcoxon_holm": "p_wilcoxon_exact_conditional_holm",
    "rank_biserial": "rank_biserial",
    "p_sign": "sign_test_p",
    "p_sign_holm": "p_sign_holm",
}


@pytest.fixture
def kept(reference):
    ratings = reference.mushra()
    return screen(ratings).keep(ratings)


def test_all_pairs_are_those_of_r(reference, kept):
    found = compare(kept, roles=ROLES).pairs.set_index(["a", "b"])
    expected = reference.expected("mushra")["pairs"]
    figures = 0
    for row in expected:
        pair = found.loc[(row["a"], row["b"])]
        mine = {theirs: pair[ours] for ours, theirs in PAIR.items()}
        mine |= {
            "ci95": [pair["ci_low"], pair["ci_high"]],
            "W_min": min(pair["w_plus"], pair["w_minus"]),
            "p_wilcoxon_exact": None if row["has_ties_or_zeros"] else pair["p_wilcoxon"],
        }
        figures += check(mine, {name: row[name] for name in mine})
        assert pair["n_listeners"] == row["df"] + 1
    assert len(found) == len(expected) == 15
    assert len(kept["listener"].unique()) == reference.expected("mushra")["n_listeners_kept"]
    assert figures == 15 * 19


def test_equivalence_within_a_margin_is_that_of_r(reference, kept):
    # R: two t.test, one-sided, mu = ± margin; the 90 % interval
    expected = reference.expected("mushra")["tost"]
    figures = 0
    for margin in (3, 5, 10):
        found = equivalent_pairs(kept, margin=margin).set_index(["a", "b"])
        for row in (row for row in expected if row["margin"] == margin):
            pair = found.loc[(row["a"], row["b"])]
            mine = pair.to_dict() | {
                "a": row["a"],
                "b": row["b"],
                "mean_diff": pair["mean_difference"],
                "p_tost": pair["p"],
                "ci90": [pair["ci_low"], pair["ci_high"]],
                "equivalent": bool(pair["equivalent"]),
            }
            figures += check(mine, row)
    assert figures == 9 * 12


def test_the_exact_sign_flip_test_is_rs_count_of_all_signs(reference, kept):
    pairs = compare(kept).pairs.set_index(["a", "b"])
    for row in reference.expected("mushra")["permutation"]:
        pair = pairs.loc[(row["a"], row["b"])]
        assert pair["p_flip"] == pytest.approx(row["p_signflip_exact_two_sided"], rel=1e-9)
        # R counts with sums over the ten items, which every listener rated
        total = 10 * pair["n_listeners"] * pair["mean_difference"]
        assert total == pytest.approx(row["sum_diff_times_items"], rel=1e-9)


def test_a_random_sign_flip_test_comes_close_to_the_exact_one():
    d = np.random.default_rng(5).normal([0.0, 0.5, 0.9], 1, size=(16, 3))
    exact, random = sign_flip(d), sign_flip(np.vstack([d, np.zeros((3, 3))]), permutations=40_000)
    assert (exact.exact, exact.permutations, random.exact) == (True, 2**15, False)
    # listeners without a difference change nothing; the standard error is below 0.0025
    assert random.p == pytest.approx(exact.p, abs=0.01)
    assert random.p_max == pytest.approx(exact.p_max, abs=0.01)


def test_max_t_counts_the_largest_of_all_comparisons():
    # the definition, by enumeration
    d = np.array([[1.0, -2, 0], [2, 1, 3], [0.5, 3, -1], [4, 1, 2]])
    standard = d / np.sqrt((d**2).sum(axis=0))
    signs = np.array(list(itertools.product([1, -1], repeat=4)))
    sums = np.abs(signs @ standard)
    observed = np.abs(standard.sum(axis=0))
    found = sign_flip(d)
    assert found.p == pytest.approx((sums >= observed - 1e-9).mean(axis=0))
    assert found.p_max == pytest.approx((sums.max(axis=1)[:, None] >= observed - 1e-9).mean(axis=0))


def test_scipys_permutation_test_agrees_on_paired_samples():
    d = np.random.default_rng(2).normal(0.4, 1, 11)
    # 2,048 sets of signs: fewer than asked for, so SciPy counts all of them
    scipy = stats.permutation_test(
        (d,), lambda x: float(np.mean(x)), permutation_type="samples", n_resamples=9999
    )
    assert sign_flip(d[:, None]).p[0] == pytest.approx(scipy.pvalue, rel=1e-9)


def test_attachment_3_is_rs_literal_version(reference, kept):
    # 200,000 permutations in R; ours has 10,000: the tolerance of the reference set is 0.02
    for row in reference.expected("mushra")["permutation"]:
        a, b = (kept.loc[kept["condition"] == row[c], "rating"].to_numpy() for c in ("a", "b"))
        found = attachment3(a, b)
        assert found.observed == row["att3_observed_median_diff"]
        assert found.p == pytest.approx(row["att3_p_strictly_exceeds"], abs=0.02)
        assert found.p_reaching == pytest.approx(row["att3_p_ge"], abs=0.02)


def test_attachment_3_is_the_literal_loop_when_halves_are_uneven():
    rng = np.random.default_rng(9)
    x, y = rng.integers(40, 60, 15).astype(float), rng.integers(45, 60, 8).astype(float)
    pool = np.concatenate([x, y])
    split = np.array([rng.permutation(pool) for _ in range(20_000)])
    medians = np.median(split[:, :15], axis=1) - np.median(split[:, 15:], axis=1)
    observed = np.median(x) - np.median(y)
    found = attachment3(x, y, permutations=20_000)
    assert found.p == pytest.approx((medians > observed).mean(), abs=0.02)
    assert found.p_reaching == pytest.approx((medians >= observed).mean(), abs=0.02)


def test_the_normal_approximation_is_that_of_r(reference, kept):
    means = kept.groupby(["listener", "condition"])["rating"].mean().unstack()
    expected = reference.expected("mushra")["pairs"]
    p = []
    for row in expected:
        difference = means[row["a"]] - means[row["b"]]
        found = wilcoxon_signed_rank(difference, method="normal")
        assert found.p == pytest.approx(row["p_wilcoxon_normal_uncorrected"], rel=1e-9)
        p.append(found.p)
        assert paired_t(difference).sd == pytest.approx(row["sd_diff"], rel=1e-9)
    adjusted = [row["p_wilcoxon_normal_uncorrected_holm"] for row in expected]
    assert holm(p) == pytest.approx(adjusted, rel=1e-9)


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


@pytest.mark.parametrize("seed", range(6))
def test_hochberg_is_that_of_statsmodels(seed):
    p = np.round(np.random.default_rng(seed).beta(0.3, 2, size=2 + 3 * seed), 2)
    assert hochberg(p) == pytest.approx(multipletests(p, method="simes-hochberg")[1])


@pytest.mark.parametrize("means", [2, 3, 12])
@pytest.mark.parametrize("df", [2, 5.5, 90, 1166])
def test_tukeys_adjustment_is_scipys_studentized_range(means, df):
    t = np.array([0.1, 1, 2.5, 4, 6])
    scipy = stats.studentized_range.sf(np.sqrt(2) * t, means, df)
    assert tukey(t, np.full(5, df), means=means) == pytest.approx(scipy, rel=1e-6, abs=1e-10)


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


def test_the_sign_test_drops_zeros():
    assert sign_test([0, 1, 2, 3, -1]) == pytest.approx(stats.binomtest(3, 4).pvalue)
    assert sign_test([0, 0]) == 1


def test_a_margin_must_be_above_zero():
    with pytest.raises(AnalysisError, match="margin above 0, found -1"):
        equivalence([1.0, 2.0], margin=-1)


def test_a_comparison_that_no_model_can_make_says_why():
    everybody = {"a": [100, 100], "b": [100, 100]}
    found = compare(campaign({"x": everybody, "y": everybody}, dict.fromkeys("ab", "system")))
    assert found.mixed is None
    assert any("vary, found all of them equal" in caveat for caveat in found.caveats)


def test_the_mixed_model_stands_beside_the_paired_tests(kept):
    found = compare(kept)
    assert found.mixed.scope == "for items like these, and listeners like these"
    assert found.scope == "for these items, and listeners like these"
    # the same differences, with more uncertainty: items are drawn too
    assert found.mixed.pairs["difference"].to_numpy() == pytest.approx(
        found.pairs["mean_difference"].to_numpy()
    )
    assert (found.mixed.pairs["se"] > found.pairs["mean_difference"] / found.pairs["t"]).all()
