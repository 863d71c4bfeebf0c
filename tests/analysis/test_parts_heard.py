"""What listeners said of each part, held to scipy's paired t-test and its exact binomial interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.parts_heard import grades, preferences, told_apart

WITHOUT = {"pre": "without pre", "drive": "without drive"}


@pytest.fixture
def graded():
    draw = np.random.default_rng(8)
    rows = [
        (f"l{listener}", f"i{item}", name, 80 - loss + draw.normal(0, 5))
        for listener in range(9)
        for item in range(3)
        for name, loss in (("whole", 0), ("without pre", 4), ("without drive", 30))
    ]
    return pd.DataFrame(rows, columns=["listener", "item", "condition", "rating"])


def test_grades_are_held_against_the_whole_by_one_difference_per_listener(graded):
    found = {one.part: one for one in grades(graded, "whole", WITHOUT)}
    means = graded.pivot_table(index="listener", columns="condition", values="rating")
    for part, name in WITHOUT.items():
        theirs = stats.ttest_rel(means["whole"], means[name])
        interval = theirs.confidence_interval()
        one = found[part]
        assert one.value == pytest.approx((means["whole"] - means[name]).mean())
        assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
        assert (one.n, one.of, one.problem) == (9, "listeners", "")


def test_only_items_on_which_both_were_graded_count(graded):
    """A listener who graded the whole on one item only is held to that item."""
    lacking = (graded["listener"] == "l0") & (graded["condition"] == "without pre")
    graded = graded[~(lacking & (graded["item"] != "i0"))]
    one = grades(graded, "whole", WITHOUT)[0]
    both = graded.pivot_table(index=["listener", "item"], columns="condition", values="rating")
    differences = (both["whole"] - both["without pre"]).dropna().groupby("listener").mean()
    assert one.value == pytest.approx(differences.mean())


def test_one_listener_has_a_mean_and_no_interval(graded):
    one = grades(graded[graded["listener"] == "l1"], "whole", WITHOUT)[0]
    assert one.value is not None
    assert one.low is None
    assert one.n == 1
    assert "two listeners" in one.problem


def test_what_nobody_graded_says_so(graded):
    found = grades(graded[graded["condition"] != "without pre"], "whole", WITHOUT)
    assert (found[0].value, found[0].problem) == (None, "not graded yet")


@pytest.mark.parametrize("whole", ["whole", "all of it"])
def test_preferences_are_the_share_that_went_to_the_whole(whole):
    """Whichever of both comes first in the alphabet."""
    rows = [(f"l{n}", "i", "without pre", whole, whole, float(n < 3)) for n in range(12)]
    rows += [("l12", "i", "without pre", whole, "without pre", 0.5)]
    columns = ["listener", "item", "condition", "reference_condition", "presented_first", "rating"]
    (one, other) = preferences(pd.DataFrame(rows, columns=columns), whole, WITHOUT)
    theirs = stats.binomtest(9, 12).proportion_ci(method="exact")
    assert (one.value, one.n, one.of) == (0.75, 12, "choices")
    assert (one.low, one.high) == pytest.approx((theirs.low, theirs.high))
    assert (other.value, other.problem) == (None, "no decided choice yet")


def test_answers_are_the_share_that_was_right():
    rows = [
        (f"l{n % 4}", "i", "without pre", "whole", float(n < 13), "A" if n % 2 else "B", "A", 2)
        for n in range(16)
    ]
    columns = ["listener", "item", "condition", "reference_condition", "rating", "x_was", "answer"]
    frame = pd.DataFrame(rows, columns=[*columns, "alternatives"])
    one, other = told_apart(frame, "whole", WITHOUT)
    theirs = stats.binomtest(13, 16).proportion_ci(method="exact")
    assert (one.value, one.n, one.of) == (13 / 16, 16, "answers")
    assert (one.low, one.high) == pytest.approx((theirs.low, theirs.high))
    assert other.problem == "no answer yet"
