"""Tidy rows of pairs give the figures of the comparisons as they were presented, whichever of the two is rated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from listening.analysis.abx import proportion_correct
from listening.analysis.choices import CategoryAnalysis, PreferenceAnalysis
from listening.analysis.frames import AnalysisError, ratings_frame
from listening.analysis.report import AbxAnalysis, analyse

VALUES = {"first": 1.0, "second": 0.0, "tie": 0.5}


def tidy(comparisons: pd.DataFrame, *, method: str, turned: np.ndarray) -> pd.DataFrame:
    """Rows that rate the second of each comparison, or, where `turned`, the first."""
    rated = comparisons["first"].where(turned, comparisons["second"])
    other = comparisons["second"].where(turned, comparisons["first"])
    if method == "preference":
        for_first = comparisons["choice"].map(VALUES)
        rating = for_first.where(turned, 1 - for_first)
    else:
        rating = comparisons["rating"].where(~turned, -comparisons["rating"])
    return pd.DataFrame(
        {
            "campaign": "pairs",
            "method": method,
            "listener": comparisons["listener"].astype(str),
            "trial": np.arange(1, len(comparisons) + 1),
            "item": "item",
            "condition": rated,
            "reference_condition": other,
            "presented_first": comparisons["first"],
            "role": "system",
            "rating": rating.astype(float),
        }
    )


@pytest.fixture
def turned(reference):
    return np.random.default_rng(4).random(len(reference.data("abpref"))) < 0.5


def test_preferences_are_rs_whichever_of_the_two_is_rated(reference, turned):
    found = analyse(
        tidy(reference.data("abpref"), method="preference", turned=turned), screening="none"
    )
    assert isinstance(found, PreferenceAnalysis)
    for mine, theirs in zip(
        found.summary.to_dict("records"), reference.expected("abpref")["pairs"], strict=True
    ):
        assert (mine["a"], mine["b"], mine["wins_a"], mine["wins_b"], mine["ties"]) == (
            *(theirs["a"], theirs["b"], theirs["wins_a"], theirs["wins_b"], theirs["ties"]),
        )
        assert mine["p_holm"] == pytest.approx(theirs["p_holm"], rel=1e-9)
    results = found.as_dict()
    assert {"bradley_terry", "davidson"} <= set(results["models"])
    assert "share of a" in found.to_text()


def test_categories_keep_their_sign_whichever_of_the_two_is_rated():
    rows = [("l1", "a", "b", 2), ("l1", "b", "a", -1), ("l2", "a", "b", 0), ("l2", "b", "a", -3)]
    comparisons = pd.DataFrame(rows, columns=["listener", "first", "second", "rating"])
    for turned in (np.zeros(4, bool), np.ones(4, bool), np.array([True, False, True, False])):
        found = analyse(tidy(comparisons, method="ccr", turned=turned), screening="none")
        assert isinstance(found, CategoryAnalysis)
        # b against a: listeners' means 1.5 and 1.5; second against first: 1.0 in one order, −2.0 in the other
        (row,) = found.summary.to_dict("records")
        assert row["cmos"] == pytest.approx(1.5)
        assert row["order_effect"] == pytest.approx((1.0 - 2.0) / 2)


def test_a_triangle_is_held_against_a_third_and_abx_against_a_half():
    rows = [
        {"listener": "l1", "trial": t, "item": "i", "condition": "b", "reference_condition": "a"}
        | {"role": "system", "rating": float(t <= 12), "method": "triangle", "campaign": "c"}
        for t in range(1, 21)
    ]
    for sounds, chance in ((0, 1 / 3), (3, 1 / 3), (4, 1 / 4)):
        frame = ratings_frame(pd.DataFrame(rows).assign(alternatives=sounds))
        found = analyse(frame, screening="none")
        assert isinstance(found, AbxAnalysis)
        assert found.chance == pytest.approx(chance)
        (row,) = found.pairs.to_dict("records")
        assert row["p"] == pytest.approx(proportion_correct(12, 20, chance=chance)["p"])
        assert ("dprime_triangle" in row) == (chance == 1 / 3)
        assert f"right in {chance:.3g} of the trials" in found.to_text()
    mixed = pd.DataFrame(rows).assign(alternatives=[3, 4] * 10)
    with pytest.raises(AnalysisError, match="one number of sounds in all trials, found 3, 4"):
        analyse(mixed, screening="none")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"presented_first": "c"}, "expected 'b' or 'a' to be presented first, found 'c'"),
        ({"presented_first": ""}, "expected 'b' or 'a' to be presented first, found ''"),
        ({"rating": 0.3}, r"expected 1 \(the condition\), 0 \(the other\) or 0.5"),
    ],
)
def test_a_row_that_does_not_say_what_was_presented_or_preferred_is_refused(change, sentence):
    comparisons = pd.DataFrame(
        {"listener": ["l"], "first": ["a"], "second": ["b"], "choice": ["tie"]}
    )
    frame = tidy(comparisons, method="preference", turned=np.array([False])).assign(**change)
    with pytest.raises(AnalysisError, match=sentence):
        analyse(frame, screening="none")
