"""Post-screening excludes whom BS.1534-3 excludes, says why, and deletes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.description import mean_interval
from listening.analysis.expertise import difference_grades, expertise
from listening.analysis.frames import AnalysisError
from listening.analysis.screening import control_questions, screen
from tests.analysis.conftest import campaign
from tests.analysis.trees import check

ROLES = {"ref": "reference", "mid": "anchor70", "low": "anchor35", "sys": "system"}


def test_decisions_and_counts_are_those_of_r_on_the_reference_campaign(reference):
    expected = reference.expected("mushra")["postscreen_bs1534_3"]
    screening = screen(reference.mushra())
    check_decisions(screening, expected)


@pytest.mark.parametrize("name", ["plain", "exempt"])
def test_edges_of_the_rule_are_decided_as_in_r(reference, name):
    # exactly 15 %, one more; exactly 90, 89.99; exactly 25 % of the panel; exempt items
    ratings = reference.mushra("postscreen_edges")
    screening = screen(ratings[ratings["campaign"] == name])
    check_decisions(screening, reference.expected("postscreen_edges")[name])


def check_decisions(screening, expected):
    assert list(screening.excluded) == expected["excluded"]
    assert list(screening.exempt_items) == list(expected["exempt_items"])
    by_listener = screening.decisions.set_index("listener")
    for row in expected["listeners"]:
        found = by_listener.loc[row["listener"]]
        assert found["reference_below_90"] == row["ref_below90"]
        assert found["reference_rated"] == row["ref_items"]
        assert found["anchor70_above_90"] == row["mid_above90_nonexempt"]
        assert found["anchor70_rated"] == row["mid_items_nonexempt"]
        assert found["anchor70_above_90_all"] == row["mid_above90_all_items"]
        assert found["excluded"] == row["excluded"]
        assert ("hidden reference" in found["reason"]) == row["fails_reference"]
        assert ("7 kHz anchor" in found["reason"]) == row["fails_mid"]


def test_mpegs_strict_rule_excludes_those_r_excludes(reference):
    screening = screen(reference.mushra(), rule="mpeg-strict")
    assert list(screening.excluded) == reference.expected("mushra")["strict_any_item_rule"]


def test_mpegs_strict_rule_goes_by_the_first_item_and_the_order_of_the_anchors():
    good = {"ref": [100, 100], "mid": [50, 50], "low": [20, 20]}
    grades = {
        "good": good,
        "equal": good | {"mid": [20, 50]},
        "once": good | {"ref": [89, 100]},
        "swapped": good | {"low": [20, 51]},
        "above": good | {"ref": [95, 100], "mid": [96, 50]},
    }
    screening = screen(campaign(grades, ROLES), rule="mpeg-strict")
    assert screening.excluded == ("once", "swapped", "above")


def test_nothing_is_deleted_and_the_kept_are_the_others(reference):
    ratings = reference.mushra()
    before = ratings.copy()
    screening = screen(ratings)
    kept = screening.keep(ratings)
    pd.testing.assert_frame_equal(ratings, before)
    assert set(ratings["listener"]) - set(kept["listener"]) == set(screening.excluded)
    assert (screening.ratings_before, screening.ratings_after) == (len(ratings), len(kept))


def test_without_a_7_khz_anchor_that_part_is_reported_as_not_applied():
    grades = {"a": {"ref": [80, 80], "sys": [95, 95]}, "b": {"ref": [100, 100], "sys": [95, 95]}}
    screening = screen(campaign(grades, ROLES))
    assert screening.excluded == ("a",)
    assert screening.not_applied == ("the part that needs a 7 kHz anchor: the campaign has none",)


def test_a_listener_who_never_rated_the_reference_is_not_excluded_by_it():
    grades = {"a": {"sys": [50]}, "b": {"ref": [100], "sys": [50]}}
    assert screen(campaign(grades, ROLES)).excluded == ()


def test_none_keeps_everybody(reference):
    screening = screen(reference.mushra(), rule="none")
    assert screening.excluded == ()
    assert screening.ratings_after == 1200


def test_a_mushra_rule_is_reported_as_not_applied_to_abx(reference):
    screening = screen(reference.abx())
    assert screening.excluded == ()
    assert screening.not_applied == ("ITU-R BS.1534-3 section 4.1.2 is for MUSHRA, this is abx",)


def test_an_unknown_rule_is_refused(reference):
    with pytest.raises(
        AnalysisError, match="expected a screening rule among bs1534-3, .* 'strict'"
    ):
        screen(reference.mushra(), rule="strict")


def test_expertise_is_decided_as_in_r(reference):
    # R: t.test(sdg, alternative = "less") per listener
    expected = reference.expected("bs1116")
    ratings = reference.bs1116()
    found = expertise(difference_grades(ratings))
    mine = [
        {
            "listener": row["listener"],
            "n": row["n"],
            "mean_sdg": row["mean"],
            "sd": row["sd"],
            "t": row["t"],
            "df": row["df"],
            "p_one_sided": row["p"],
            "t_crit": -(row["upper"] - row["mean"]) / (row["sd"] / row["n"] ** 0.5),
            "expert": bool(row["expert"]),
        }
        for _, row in found.iterrows()
    ]
    assert check(mine, expected["per_listener"]) == 12 * 9
    screening = screen(ratings, rule="bs1116-t")
    assert set(ratings["listener"]) - set(screening.excluded) == set(expected["experts"])
    assert "did not grade the systems below" in screening.decisions["reason"].max()


def test_the_experts_difference_grades_are_described_as_in_r(reference):
    expected = reference.expected("bs1116")
    ratings = reference.bs1116()
    grades = difference_grades(screen(ratings, rule="bs1116-t").keep(ratings))
    figures = 0
    for system, theirs in expected["systems"].items():
        mine = grades[grades["condition"] == system]
        means = mine.groupby("listener")["rating"].mean()
        t, p = stats.ttest_1samp(means, 0)
        found = {
            "all_ratings": _interval(mine["rating"]),
            "listener_means": _interval(means),
            "t_vs_zero": t,
            "p_two_sided": p,
            "per_item": {
                item: _interval(of_item) | {"ci_contains_zero": _contains_zero(_interval(of_item))}
                for item, of_item in mine.groupby("item")["rating"]
            },
        }
        figures += check(found, theirs)
    assert figures == 2 * (2 * 7 + 2 + 8 * 8)


def _interval(values):
    n, sd = len(values), values.std(ddof=1)
    low, high = mean_interval(np.array([values.mean()]), np.array([sd]), np.array([n]))
    return {
        "n": n,
        "mean": values.mean(),
        "sd": sd,
        "se": sd / n**0.5,
        "ci95_half": (high[0] - low[0]) / 2,
        "ci95": [low[0], high[0]],
    }


def _contains_zero(interval):
    return bool(interval["ci95"][0] <= 0 <= interval["ci95"][1])


def test_without_spread_the_sign_of_the_difference_grades_decides():
    grades = {
        "hears": {"ref": [100, 100], "sys": [90, 90]},
        "deaf": {"ref": [100, 100], "sys": [100, 100]},
        "mixes up": {"ref": [90, 80], "sys": [100, 95]},
    }
    screening = screen(campaign(grades, ROLES), rule="bs1116-t")
    assert screening.excluded == ("deaf", "mixes up")
    assert "no spread" in screening.decisions.set_index("listener")["reason"]["deaf"]


def test_difference_grades_need_a_hidden_reference():
    ratings = campaign({"a": {"sys": [50]}}, ROLES)
    with pytest.raises(AnalysisError, match="beside a hidden reference, found none"):
        screen(ratings, rule="bs1116-t")


def test_gold_within_one_and_traps_exactly_as_p808_pipelines_do():
    # microsoft/P.808: gold answers may be off by one, trapping questions may not
    ratings = campaign({who: {"sys": [50, 60]} for who in "abcd"}, ROLES)
    controls = pd.DataFrame(
        [
            ("a", "gold", 4, 5),
            ("a", "trap", 2, 2),
            ("b", "gold", 3, 5),
            ("c", "trap", 3, 2),
            ("c", "gold", 5, 1),
        ],
        columns=["listener", "kind", "answer", "expected"],
    )
    screening = control_questions(ratings, controls)
    assert screening.excluded == ("b", "c")
    reasons = screening.decisions.set_index("listener")["reason"]
    assert reasons["b"] == "missed the known answer of 1 of 1 gold clip(s)"
    assert reasons["c"].endswith("gave another answer than 1 of 1 trapping question(s) asked for")
    assert (screening.ratings_before, screening.ratings_after) == (8, 4)
    with pytest.raises(AnalysisError, match="gold or trap, found 'math'"):
        control_questions(ratings, controls.assign(kind="math"))
    with pytest.raises(AnalysisError, match="expected numbers"):
        control_questions(ratings, controls.assign(answer="loud"))
