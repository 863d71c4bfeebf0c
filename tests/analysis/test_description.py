"""Descriptions agree with R (`fivenum`, `t.test`, moments) to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.description import describe, hinges
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign

OF_RATINGS = {
    "n_ratings": "n",
    "mean": "mean",
    "sd": "sd",
    "median": "median",
    "q1": "q1_hinge",
    "q3": "q3_hinge",
    "iqr": "iqr_hinge",
}


def close(expected):
    return pytest.approx(expected, rel=1e-9)


@pytest.fixture
def kept(reference):
    ratings = reference.mushra()
    return screen(ratings).keep(ratings)


def test_conditions_are_described_as_in_r(reference, kept):
    expected = reference.expected("mushra")
    table = describe(kept).set_index("condition")
    assert len(table) == 6
    for condition, by in expected["descriptives"].items():
        found, ratings, means = table.loc[condition], by["all_ratings"], by["listener_means"]
        for ours, theirs in OF_RATINGS.items():
            assert found[ours] == close(ratings[theirs])
        assert found["n_outliers"] == len(ratings["outliers"])
        assert found["n_listeners"] == means["n"]
        assert found["mean_of_listeners"] == close(means["mean"])
        assert found["sd_of_listeners"] == close(means["sd"])
        assert [found["ci_low"], found["ci_high"]] == close(means["ci95"])
        b = expected["multimodality"][condition]["b"]
        assert found["modality"] == close(b)
        assert found["multimodal"] == (b > 5 / 9)


def test_conditions_of_every_item_are_described_as_in_r(reference, kept):
    table = describe(kept, by=["item", "condition"]).set_index(["item", "condition"])
    expected = reference.expected("mushra")["descriptives_by_item"]
    assert len(table) == 60
    for item, conditions in expected.items():
        for condition, by in conditions.items():
            found = table.loc[(item, condition)]
            for ours, theirs in OF_RATINGS.items():
                assert found[ours] == close(by[theirs])
            assert found["n_outliers"] == len(by["outliers"])
            # one rating per listener: the interval over ratings is the one over listeners
            assert [found["ci_low"], found["ci_high"]] == close(by["ci95"])


@pytest.mark.parametrize(
    ("values", "fivenum"),
    [
        # R's fivenum(), from its help page's definition: the median belongs to both halves when n is odd
        ([1.0], (1, 1, 1)),
        ([1.0, 3], (1, 2, 3)),
        ([1.0, 2, 3], (1.5, 2, 2.5)),
        ([4.0, 1, 3, 2], (1.5, 2.5, 3.5)),
        ([1.0, 2, 3, 4, 5], (2, 3, 4)),
        ([0.0, 1, 2, 3, 4, 10], (1, 2.5, 4)),
    ],
)
def test_hinges_are_the_medians_of_the_halves(values, fivenum):
    assert hinges(np.array(values)) == fivenum


def test_the_interval_is_over_listeners_and_missing_for_one():
    grades = {"a": {"s": [10, 20, 90]}}
    row = describe(campaign(grades, {"s": "system"})).iloc[0]
    assert row["n_ratings"] == 3
    assert row["mean"] == 40
    assert np.isnan(row["ci_low"])
    assert np.isnan(row["ci_high"])


def test_equal_ratings_have_a_median_and_no_shape():
    grades = {name: {"s": [33.3, 33.3]} for name in "abc"}
    row = describe(campaign(grades, {"s": "system"})).iloc[0]
    assert (row["median"], row["iqr"], row["n_outliers"]) == (33.3, 0, 0)
    assert np.isnan(row["modality"])
    assert not row["multimodal"]


def test_a_listener_with_more_items_weighs_no_more_in_the_mean_of_listeners():
    grades = {"a": {"s": [100, 100, 100]}, "b": {"s": [0]}}
    row = describe(campaign(grades, {"s": "system"})).iloc[0]
    assert row["mean"] == 75
    assert row["mean_of_listeners"] == 50
