"""ABX results are those of R (`binom.test`, `uniroot`), of the signal-detection tables and of published data."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.abx import (
    between_pairs,
    d_prime,
    expected_proportion,
    heterogeneity,
    listener_level,
    per_listener,
    pooled,
    proportion_correct,
)
from listening.analysis.frames import AnalysisError, ratings_frame

# R's name of each of our columns
LISTENER_FIGURES = {
    "correct": "correct",
    "trials": "n",
    "proportion": "proportion",
    "p": "p_greater",
    "p_two_sided": "p_two_sided",
    "mid_p": "midp_greater",
    "lower_one_sided": "clopper_pearson_lower95_one_sided",
    "upper_one_sided": "clopper_pearson_upper95_one_sided",
    "discriminators": "p_discriminators",
    "dprime_proportion": "dprime_pc_used",
    "dprime_independent": "dprime_independent_observation",
    "dprime_differencing": "dprime_differencing",
    "hit_rate": "hit_rate_loglinear",
    "false_alarm_rate": "false_alarm_rate_loglinear",
    "proportion_unbiased": "pc_unbiased",
    "criterion": "criterion_c",
    "dprime_independent_unbiased": "dprime_io_unbiased",
    "dprime_differencing_unbiased": "dprime_diff_unbiased",
    "posterior_mean": "beta11_posterior_mean",
    "posterior_above_chance": "beta11_prob_p_gt_half",
    "bf10": "bf10_uniform_half_to_one",
    "e_final": "e_final",
    "e_max": "e_max",
    "anytime_p": "anytime_p",
    "sprt_llr": "sprt_llr_final",
    "p_holm": "p_greater_holm",
    "p_bh": "p_greater_bh",
}
LISTENER_INTERVALS = {
    ("ci_low", "ci_high"): "clopper_pearson95",
    ("wilson_low", "wilson_high"): "wilson95",
    ("posterior_low", "posterior_high"): "beta11_cri95",
}


def test_every_listener_has_rs_figures(reference):
    found = per_listener(reference.abx()).set_index("listener")
    expected = reference.expected("abx")["per_listener"]
    assert len(found) == len(expected) == 12
    checked = 0
    for row in expected:
        mine = found.loc[row["listener"]]
        for name, theirs in LISTENER_FIGURES.items():
            assert mine[name] == pytest.approx(row[theirs], rel=1e-8, abs=1e-12), name
        for (low, high), theirs in LISTENER_INTERVALS.items():
            assert [mine[low], mine[high]] == pytest.approx(row[theirs], rel=1e-9)
        checked += len(LISTENER_FIGURES) + 2 * len(LISTENER_INTERVALS)
    # with first trial and decision of both sequential tests, all that R gives of a listener
    assert checked == 12 * 33


def test_all_listeners_together_have_rs_figures(reference):
    found = pooled(reference.abx()).iloc[0]
    expected = reference.expected("abx")["pooled"]
    t_test = expected["t_test_listener_proportions"]
    figures = {
        "correct": expected["correct"],
        "trials": expected["n"],
        "p": expected["p_greater"],
        "ci_low": expected["clopper_pearson95"][0],
        "ci_high": expected["clopper_pearson95"][1],
        "heterogeneity_chi2": expected["heterogeneity_chi2"],
        "heterogeneity_df": expected["heterogeneity_df"],
        "heterogeneity_p": expected["heterogeneity_p"],
        "dispersion": expected["pearson_dispersion"],
        "listener_t": t_test["t"],
        "listener_df": t_test["df"],
        "listener_p": t_test["p_greater"],
        "n_significant": expected["n_listeners_p_le_05"],
        "n_significant_p": expected["prob_at_least_that_many_if_all_guess"],
    }
    for name, value in figures.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_d_prime_is_rs_table_and_its_own_inverse(reference):
    table = reference.expected("abx")["dprime_table"]
    assert len(table) > 5
    for row in table:
        for model, name in (("independent observation", "io"), ("differencing", "diff")):
            d = d_prime(row["pc"], model=model)
            assert d == pytest.approx(row[f"dprime_{name}"], rel=1e-8)
            assert expected_proportion(d, model=model) == pytest.approx(row["pc"], rel=1e-9)


@pytest.mark.parametrize(
    ("proportion", "independent", "differencing"),
    # Macmillan & Creelman (2005), tables A5.3 and following, two decimals
    [(0.6, 1.00, 1.12), (0.75, 1.79, 2.02), (0.9, 2.81, 3.26), (0.95, 3.43, 4.07)],
)
def test_d_prime_is_that_of_the_published_tables(proportion, independent, differencing):
    assert d_prime(proportion, model="independent observation") == pytest.approx(
        independent, abs=0.005
    )
    assert d_prime(proportion, model="differencing") == pytest.approx(differencing, abs=0.005)


@pytest.mark.parametrize(
    ("trials", "critical", "p"),
    # critical numbers of right answers at 5 %, with their exact levels
    [(10, 9, 0.0107), (16, 12, 0.0384), (20, 15, 0.0207), (100, 59, 0.0443)],
)
def test_critical_counts_are_the_textbooks(trials, critical, p):
    assert proportion_correct(critical, trials)["p"] == pytest.approx(p, abs=5e-5)
    assert proportion_correct(critical - 1, trials)["p"] > 0.05


def test_the_published_phase_shift_study_is_reproduced(shared):
    # Schultz, Hahn & Spors (ICSA 2019): twelve listeners, 25 answers each to every signal
    folder = shared / "data" / "ratings" / "abx_constant_phase"
    published = json.loads((folder / "published.json").read_text())["reproduced_here"]
    answers = pd.read_csv(folder / "abx_constant_phase_shift.csv")
    ratings = ratings_frame(
        pd.DataFrame(
            {
                "method": "abx",
                "listener": answers["vp_id"],
                "trial": range(len(answers)),
                "item": answers["trial_id"].str.replace(r"_\d+_\d+$", "", regex=True),
                "condition": answers["trial_id"].str.replace(r"_\d+_\d+$", "", regex=True),
                "reference_condition": "original",
                "role": "system",
                "rating": (answers["choice_answer"] == "correct").astype(float),
            }
        )
    )
    found = pooled(ratings).set_index("condition")
    assert found["correct"].to_dict() == published["correct_of_300"]
    for signal, chi2 in published["chi2_vs_guess"].items():
        # the square of the normal approximation to the binomial test, as the paper gives it
        right, of = found.loc[signal, "correct"], found.loc[signal, "trials"]
        assert (right - of / 2) ** 2 / (of / 4) == pytest.approx(chi2, abs=0.005)
    of_pairs = between_pairs(ratings)
    squares = [of_pairs[side].str.startswith("square") for side in ("a", "b")]
    both = of_pairs[squares[0] & squares[1]].iloc[0]
    assert both["chi2"] == pytest.approx(published["pair_ab"]["chi2"], abs=5e-4)
    assert both["p"] == pytest.approx(published["pair_ab"]["p"], abs=5e-5)
    ratio = max(both["odds_ratio"], 1 / both["odds_ratio"])
    assert ratio == pytest.approx(published["pair_ab"]["OR"], abs=5e-3)
    mixed = of_pairs[squares[0] != squares[1]]["odds_ratio"]
    assert len(mixed) == 6
    ratios = np.fmax(mixed, 1 / mixed)
    assert [ratios.min(), ratios.max()] == pytest.approx(published["OR_range"], abs=5e-3)
    square = found.loc["square_a"]
    # psyphy's dprime.ABX stops its search within 3e-5
    differencing = published["dprime_ABX_differencing_square_a_pc0.87"]
    assert square["dprime_differencing"] == pytest.approx(differencing, abs=1e-4)
    assert square["dprime_independent"] == pytest.approx(published["dprime_ABX_IO"], abs=1e-4)


@pytest.mark.parametrize("dprime", [0.5, 1.0, 2.0, 3.5])
def test_the_triangles_d_prime_is_that_of_simulated_listeners(dprime):
    # the odd one is picked when the two alike are closer to each other than either is to it
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 400_000))
    odd = rng.standard_normal(400_000) + dprime
    right = (abs(a - b) < np.minimum(abs(a - odd), abs(b - odd))).mean()
    assert expected_proportion(dprime, model="triangle") == pytest.approx(right, abs=0.003)
    assert d_prime(expected_proportion(dprime, model="triangle"), model="triangle") == (
        pytest.approx(dprime)
    )


def test_a_triangle_is_tested_against_one_third():
    found = proportion_correct(12, 20, chance=1 / 3)
    test = stats.binomtest(12, 20, 1 / 3, alternative="greater")
    assert found["p"] == pytest.approx(test.pvalue, rel=1e-12)
    assert found["dprime_triangle"] > 1.9
    assert "dprime_differencing" not in found


def test_one_listener_or_equal_listeners_have_no_listener_level_test():
    for correct in ([9], [9, 9]):
        found = listener_level(np.array(correct), np.array([12] * len(correct)))
        assert np.isnan([found["listener_t"], found["listener_p"]]).all()
        assert found["n_significant"] == 0
        assert found["n_significant_p"] == 1


def test_answers_that_are_not_told_leave_the_bias_free_figures_missing():
    rows = [{"listener": "a", "trial": t, "rating": float(t % 3 > 0)} for t in range(12)]
    frame = pd.DataFrame(rows).assign(condition="c", reference_condition="r")
    found = per_listener(frame).iloc[0]
    assert np.isnan(found["hit_rate"])
    assert found["e_max"] > 0


def test_all_right_and_all_wrong_stay_finite():
    right, wrong = proportion_correct(8, 8), proportion_correct(0, 8)
    assert np.isfinite(list(right.values())).all()
    assert right["ci_high"] == 1
    assert (wrong["ci_low"], wrong["dprime_differencing"], wrong["p"]) == (0, 0, 1)


def test_listeners_who_are_all_right_cannot_be_heterogeneous():
    n, chi2, df, p = heterogeneity(np.array([8, 8]), np.array([8, 8]))
    assert n == 2
    assert np.isnan([chi2, df, p]).all()


def test_impossible_counts_are_refused():
    with pytest.raises(AnalysisError, match="found 9 of 8"):
        proportion_correct(9, 8)
    with pytest.raises(AnalysisError, match="found 0 of 0"):
        proportion_correct(0, 0)
    with pytest.raises(AnalysisError, match="below 1, found 1"):
        d_prime(1.0)


def test_an_odds_ratio_without_a_wrong_answer_is_missing():
    rows = [
        {"listener": "a", "trial": t, "condition": c, "rating": float(c == "easy" or t % 2)}
        for c in ("easy", "hard")
        for t in range(8)
    ]
    found = between_pairs(pd.DataFrame(rows).assign(reference_condition="ref")).iloc[0]
    assert np.isnan(found["odds_ratio"])
    assert found["p"] < 0.05
    right = pd.DataFrame(rows).assign(reference_condition="ref", rating=1.0)
    assert np.isnan(between_pairs(right).iloc[0][["chi2", "p"]].astype(float)).all()


def test_pairs_are_tested_apart():
    rows = [
        {"listener": who, "trial": t, "condition": c, "rating": float(c == "easy" or t % 2)}
        for who in "ab"
        for c in ("easy", "hard")
        for t in range(8)
    ]
    frame = pd.DataFrame(rows).assign(reference_condition="ref")
    found = pooled(frame).set_index("condition")
    assert found.loc["easy", "proportion"] == 1
    assert found.loc["hard", "proportion"] == 0.5
    assert len(per_listener(frame)) == 4
