"""Simulated listeners are labelled, reproducible, and behave as they are told to."""

from __future__ import annotations

import pandas as pd
import pytest

from listening.analysis.abx import expected_proportion
from listening.analysis.frames import AnalysisError
from listening.analysis.report import analyse
from listening.simulation import (
    POINTS_PER_DPRIME,
    Panel,
    hearers,
    quality_from_scores,
    simulate_mushra,
)

QUALITY = {"reference": 100, "anchor35": 20, "anchor70": 45, "good": 75, "bad": 40}
STIMULI = pd.DataFrame(
    [
        {
            "item": f"i{n}",
            "condition": condition,
            "role": "system" if condition in ("good", "bad") else condition,
            "quality": quality,
            "signal": f"{condition}{n}",
        }
        for n in range(8)
        for condition, quality in QUALITY.items()
    ]
)


def test_every_row_is_labelled_and_the_same_seed_gives_the_same_ratings():
    ratings = simulate_mushra(STIMULI, listeners=6, seed=4, campaign="demo")
    assert ratings["simulated"].all()
    assert len(ratings) == 6 * len(STIMULI)
    pd.testing.assert_frame_equal(
        ratings, simulate_mushra(STIMULI, listeners=6, seed=4, campaign="demo")
    )
    other = simulate_mushra(STIMULI, listeners=6, seed=5)
    assert ratings["rating"].tolist() != other["rating"].tolist()


def test_a_trial_shows_every_condition_once_and_has_a_grade_of_100():
    ratings = simulate_mushra(STIMULI, listeners=5, seed=1)
    for _, page in ratings.groupby(["listener", "trial"]):
        assert sorted(page["condition"]) == sorted(QUALITY)
        assert sorted(page["position"]) == [0, 1, 2, 3, 4]
        assert page["item"].nunique() == 1
        assert page["rating"].max() == 100
    assert (ratings["signal"] == ratings["condition"] + ratings["item"].str[1:]).all()


def test_the_mean_ratings_follow_the_latent_quality():
    panel = Panel(careless=0, lapses=0)
    ratings = simulate_mushra(STIMULI, listeners=200, seed=2, panel=panel)
    means = ratings.groupby("condition")["rating"].mean()
    for condition in ("anchor35", "anchor70", "good", "bad"):
        # the standard error is at most √(6² + (0.15·30)² + …)/√200 ≈ 0.6
        assert means[condition] == pytest.approx(QUALITY[condition], abs=2)


def test_careless_listeners_are_those_screening_excludes():
    careful = Panel(careless=0, lapses=0)
    assert (
        analyse(simulate_mushra(STIMULI, listeners=30, seed=3, panel=careful)).screening.excluded
        == ()
    )
    excluded = analyse(
        simulate_mushra(STIMULI, listeners=30, seed=3, panel=Panel(careless=0.2, lapses=0))
    ).screening.excluded
    assert 1 <= len(excluded) <= 6


def test_qualities_follow_a_metric_in_its_direction():
    assert quality_from_scores([1, 2, 3], direction="higher").tolist() == [25, 55, 85]
    assert quality_from_scores([1, 2, 3], direction="lower").tolist() == [85, 55, 25]
    assert quality_from_scores([2, 2], direction="higher").tolist() == [55, 55]


def test_impossible_simulations_are_refused():
    with pytest.raises(AnalysisError, match="qualities from 0 to 100"):
        simulate_mushra(STIMULI.assign(quality=120), listeners=3, seed=1)
    with pytest.raises(AnalysisError, match="found 40 and 0"):
        simulate_mushra(STIMULI, listeners=0, seed=1)
    with pytest.raises(AnalysisError, match=r"expected the column\(s\) quality"):
        simulate_mushra(STIMULI.drop(columns="quality"), listeners=3, seed=1)


@pytest.mark.parametrize("dprime", [1.0, 2.02, 3.0])
def test_who_hears_sounds_side_by_side_is_right_as_often_as_signal_detection_has_it(dprime):
    """ABX by differencing (Macmillan & Creelman) and the triangle (Ennis 1993), from observations of unit variance."""
    (hearer,) = hearers(1, seed=2, panel=Panel(sensitivity=0.0))
    difference = dprime * POINTS_PER_DPRIME
    n = 4000
    abx = triangle = 0
    for _ in range(n):
        a, b, x = hearer.observe([0, difference, difference])
        abx += abs(x - b) < abs(x - a)
        sounds = hearer.observe([0, difference, 0])
        triangle += abs(sounds - sounds.mean()).argmax() == 1
    for right, model in ((abx, "differencing"), (triangle, "triangle")):
        expected = expected_proportion(dprime, model=model)
        assert right / n == pytest.approx(expected, abs=4 * (expected * (1 - expected) / n) ** 0.5)
