"""Confidence sequences are R's and confseq's; looking at them every day does not make them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.monitoring import (
    FIRST_LOOK,
    asymptotic_half_width,
    asymptotic_rho2,
    confidence_sequence,
    normal_mixture_half_width,
    progress,
    track,
)
from tests.analysis.conftest import campaign
from tests.analysis.trees import check


def test_all_sequences_are_those_of_r(reference):
    expected = reference.expected("sequential")
    x = reference.data("stream")["x"].to_numpy()
    at = []
    for row in expected["at"]:
        seen = x[: row["t"]]
        low, high = confidence_sequence(seen, sequence="asymptotic", tuned_for=100)
        se = stats.sem(seen)
        at.append(
            {
                "t": len(seen),
                "mean": seen.mean(),
                "fixed_n_t_ci95": list(stats.t.interval(0.95, len(seen) - 1, seen.mean(), se)),
                "normal_mixture_subgaussian_quarter_rho25_halfwidth": normal_mixture_half_width(
                    len(seen), rho=25
                ),
                "hoeffding_predmix_cs": list(confidence_sequence(seen, sequence="hoeffding")),
                "empirical_bernstein_predmix_cs": list(
                    confidence_sequence(seen, sequence="empirical-bernstein")
                ),
                "hedged_capital_betting_cs": list(confidence_sequence(seen)),
                "asymptotic_cs_rho_tuned_t100_halfwidth": (high - low) / 2,
                "asymptotic_rho2": asymptotic_rho2(100),
            }
        )
    found = {"alpha": 0.05, "n": len(x), "at": at}
    assert check(found, expected) == 80


def _false_alarms(sequence, streams, length, seed):
    """Of streams with mean 1/2, how many an interval leaves it out at any look."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(streams):
        x = np.clip(rng.normal(0.5, 0.05, length), 0, 1)
        for n in range(FIRST_LOOK, length + 1, 4):
            low, high = confidence_sequence(x[:n], sequence=sequence)
            if low > 0.5 or high < 0.5:
                alarms += 1
                break
    return alarms / streams


@pytest.mark.parametrize("sequence", ["betting", "empirical-bernstein", "asymptotic"])
def test_looking_often_is_safe(sequence):
    # a t-test looked at as often is wrong in 29 % of campaigns, by the project's notes
    streams = 300 if sequence == "asymptotic" else 40
    assert _false_alarms(sequence, streams, 60, seed=3) <= 0.06


def _streams(difference, listeners, spread=4.0, seed=0):
    rng = np.random.default_rng(seed)
    grades = {
        f"L{n}": {"a": [60 + difference + rng.normal(0, spread)], "b": [60.0]}
        for n in range(listeners)
    }
    return campaign(grades, dict.fromkeys("ab", "system"))


def test_a_clear_difference_is_decided_and_said():
    found = progress(_streams(10, 20), "a", "b")
    assert (found.state, found.more, found.n) == ("decided", 0, 20)
    assert found.low > 0
    assert "a − b is decided" in found.sentence
    assert progress(_streams(10, 20), "b", "a").high < 0


def test_equal_systems_are_equivalent_within_the_declared_margin():
    ratings = _streams(0, 60)
    assert progress(ratings, "a", "b", margin=5).state == "equivalent"
    assert progress(ratings, "a", "b").state == "open"


def test_an_open_comparison_foretells_about_how_many_listeners_it_takes():
    ratings = _streams(2, 14, seed=5)
    found = progress(ratings, "a", "b")
    assert found.state == "open"
    assert found.more is not None
    assert f"about {found.more} more listeners" in found.sentence
    # the half width after that many is what the mean needs
    differences = ratings.pivot_table(index="listener", columns="condition", values="rating").eval(
        "a - b"
    )
    half = asymptotic_half_width(14 + found.more, sd=float(differences.std(ddof=0)))
    assert half == pytest.approx(abs(found.mean), rel=0.02)
    assert half <= abs(found.mean)


def test_the_first_few_listeners_decide_nothing():
    found = progress(_streams(30, 5), "a", "b")
    assert (found.state, found.low, found.high, found.more) == ("open", -100, 100, 7)
    alone = progress(_streams(30, 1), "a", "b")
    assert (alone.state, alone.more) == ("open", None)
    assert "cannot be said yet" in alone.sentence


def test_the_betting_sequence_needs_more_listeners_and_says_so():
    found = progress(_streams(10, 20), "a", "b", sequence="betting")
    assert found.state == "open"
    assert found.more is not None
    assert found.more > 20


def test_a_track_is_the_progress_as_it_stood_after_each_listener():
    ratings = _streams(6.0, 16, seed=3)
    found = track(ratings, "a", "b", alpha=0.01)
    assert found["n"].tolist() == list(range(1, 17))
    names = ratings["listener"].unique()
    for row in found.to_dict("records"):
        so_far = ratings[ratings["listener"].isin(names[: row["n"]])]
        then = progress(so_far, "a", "b", alpha=0.01)
        assert (row["mean"], row["low"], row["high"]) == pytest.approx(
            (then.mean, then.low, then.high)
        )
    early = found[found["n"] < FIRST_LOOK]
    assert set(early["low"]) == {-100}
    assert set(early["high"]) == {100}


def test_what_is_no_stream_is_refused():
    with pytest.raises(AnalysisError, match="values from 0 to 1, found 0"):
        confidence_sequence([])
    with pytest.raises(AnalysisError, match="from 0 to 1, found 2 from -1 to 2"):
        confidence_sequence([-1, 2])
    with pytest.raises(AnalysisError, match="one of betting, .* found 'wald'"):
        confidence_sequence([0.5], sequence="wald")
    with pytest.raises(AnalysisError, match="found none of one of them"):
        progress(_streams(1, 3), "a", "c")
