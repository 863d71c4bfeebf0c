"""Post-screening excludes whom BS.1534-3 excludes, says why, and deletes nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign

ROLES = {"ref": "reference", "mid": "anchor70", "low": "anchor35", "sys": "system"}


def test_decisions_and_counts_are_those_of_r_on_the_reference_campaign(reference):
    expected = reference.expected("mushra")["postscreen_bs1534_3"]
    screening = screen(reference.mushra())
    _same_decisions(screening, expected)


@pytest.mark.parametrize("name", ["plain", "exempt"])
def test_edges_of_the_rule_are_decided_as_in_r(reference, name):
    # exactly 15 %, one more; exactly 90, 89.99; exactly 25 % of the panel; exempt items
    ratings = reference.mushra("postscreen_edges")
    screening = screen(ratings[ratings["campaign"] == name])
    _same_decisions(screening, reference.expected("postscreen_edges")[name])


def _same_decisions(screening, expected):
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
