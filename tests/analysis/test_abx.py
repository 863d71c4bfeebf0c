"""ABX results are those of R (`binom.test`, `uniroot`), of the signal-detection tables and of published data."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from listening.analysis.abx import (
    d_prime,
    expected_proportion,
    heterogeneity,
    per_listener,
    pooled,
    proportion_correct,
)
from listening.analysis.frames import AnalysisError, ratings_frame


def test_every_listener_has_rs_figures(reference):
    found = per_listener(reference.abx()).set_index("listener")
    expected = reference.expected("abx")["per_listener"]
    assert len(found) == len(expected) == 12
    for row in expected:
        mine = found.loc[row["listener"]]
        assert (mine["correct"], mine["trials"]) == (row["correct"], row["n"])
        assert mine["p"] == pytest.approx(row["p_greater"], rel=1e-9)
        assert mine["mid_p"] == pytest.approx(row["midp_greater"], rel=1e-9)
        assert mine["p_holm"] == pytest.approx(row["p_greater_holm"], rel=1e-9)
        assert [mine["ci_low"], mine["ci_high"]] == pytest.approx(row["clopper_pearson95"])
        assert mine["dprime_independent"] == pytest.approx(row["dprime_independent_observation"])
        assert mine["dprime_differencing"] == pytest.approx(row["dprime_differencing"])


def test_all_listeners_together_have_rs_figures(reference):
    found = pooled(reference.abx()).iloc[0]
    expected = reference.expected("abx")["pooled"]
    assert (found["correct"], found["trials"]) == (expected["correct"], expected["n"])
    assert found["p"] == pytest.approx(expected["p_greater"], rel=1e-9)
    assert [found["ci_low"], found["ci_high"]] == pytest.approx(expected["clopper_pearson95"])
    assert found["heterogeneity_chi2"] == pytest.approx(expected["heterogeneity_chi2"])
    assert found["heterogeneity_df"] == expected["heterogeneity_df"]
    assert found["heterogeneity_p"] == pytest.approx(expected["heterogeneity_p"])


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
    square = found.loc["square_a"]
    # psyphy's dprime.ABX stops its search within 3e-5
    differencing = published["dprime_ABX_differencing_square_a_pc0.87"]
    assert square["dprime_differencing"] == pytest.approx(differencing, abs=1e-4)
    assert square["dprime_independent"] == pytest.approx(published["dprime_ABX_IO"], abs=1e-4)


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
