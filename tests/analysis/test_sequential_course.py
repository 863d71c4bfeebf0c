"""How Wald's sequential test ends: held to his equation, bounds and approximations, and to every possible course."""

from __future__ import annotations

import re
from itertools import product
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import listening
from listening.analysis.abx_planning import course
from listening.analysis.frames import AnalysisError
from listening.analysis.sequential_abx import Sprt

# long enough for the chance of no decision to be below 1e-9
ENDLESS = 2000
TESTS = [Sprt(), Sprt(alternative=0.9), Sprt(1 / 3), Sprt(0.5, 0.7, 0.01, 0.2)]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("proportion", [0.3, 0.5, 0.62, 0.9])
def test_it_is_the_sum_over_every_course_that_a_session_may_take(test, proportion):
    """Each of the 2¹² sequences of answers, decided one by one by the rule that stops sessions."""
    chances = {"heard": 0.0, "not heard": 0.0, "continue": 0.0}
    trials = 0.0
    for answers in product((0, 1), repeat=12):
        chance = proportion ** sum(answers) * (1 - proportion) ** (12 - sum(answers))
        decision, stop = test.decision(answers)
        chances[decision] += chance
        trials += chance * (stop if decision != "continue" else 12)
    found = course(proportion, test=test, maximum=12)
    assert found.heard == pytest.approx(chances["heard"], abs=1e-12)
    assert found.not_heard == pytest.approx(chances["not heard"], abs=1e-12)
    assert found.undecided == pytest.approx(chances["continue"], abs=1e-12)
    assert found.mean_trials == pytest.approx(trials, abs=1e-10)


@pytest.mark.parametrize("test", TESTS)
def test_its_errors_keep_walds_bounds(test):
    """True errors are at most α/(1 − β) and β/(1 − α), and their sum at most α + β (A. Wald, 1947)."""
    false_alarm = course(test.chance, test=test, maximum=ENDLESS).heard
    miss = course(test.alternative, test=test, maximum=ENDLESS).not_heard
    assert 0 < false_alarm <= test.alpha / (1 - test.beta)
    assert 0 < miss <= test.beta / (1 - test.alpha)
    assert false_alarm + miss <= test.alpha + test.beta


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("proportion", [0.35, 0.55, 0.65, 0.8])
def test_it_is_near_walds_operating_characteristic_and_sample_number(test, proportion):
    """Wald (Sequential Analysis, 1947) has the ratio stop on its bounds; it oversteps them by less than a step."""
    wrong, right = test.steps
    low, high = test.bounds
    mean = proportion * right + (1 - proportion) * wrong

    def moment(h: float) -> float:
        return proportion * exp(h * right) + (1 - proportion) * exp(h * wrong) - 1

    h = optimize.brentq(moment, 1e-3, 60) if mean < 0 else optimize.brentq(moment, -60, -1e-3)
    found = course(proportion, test=test, maximum=ENDLESS)
    accepted = []
    for over_low, over_high in product((0, wrong), (0, right)):
        a, b = exp(h * (high + over_high)), exp(h * (low + over_low))
        accepted.append((a - 1) / (a - b))
    assert min(accepted) - 1e-9 <= found.not_heard <= max(accepted) + 1e-9
    # Wald's equation: E(log ratio at the end) = E(trials) E(step), its end within one step of a bound
    ends = [
        (found.not_heard * (low + over_low) + found.heard * (high + over_high)) / mean
        for over_low, over_high in product((0, wrong), (0, right))
    ]
    assert min(ends) <= found.mean_trials <= max(ends)


def test_guessers_in_forty_trials_are_found_as_often_as_in_a_simulation():
    # 3.8 % false alarms (of 4,000) after 15.6 trials on average
    found = course(0.5, test=Sprt(), maximum=40)
    assert found.heard == pytest.approx(0.038, abs=3 * np.sqrt(0.038 * 0.962 / 4000))
    assert found.mean_trials == pytest.approx(15.6, abs=0.2)
    assert found.heard + found.not_heard + found.undecided == pytest.approx(1)


def test_answers_as_they_come_are_decided_like_the_course_says():
    # the decisions of 4,000 simulated listeners, by the rule itself
    test, rng = Sprt(1 / 3), np.random.default_rng(3)
    decisions = [test.decision(row)[0] for row in rng.random((4000, 30)) < 0.55]
    found = course(0.55, test=test, maximum=30)
    for decision, chance in (("heard", found.heard), ("not heard", found.not_heard)):
        error = np.sqrt(chance * (1 - chance) / 4000)
        assert decisions.count(decision) / 4000 == pytest.approx(chance, abs=4 * error)


def test_bounds_and_steps_are_logarithms_of_walds_ratios():
    test = Sprt(0.5, 0.8, 0.05, 0.2)
    assert test.bounds == pytest.approx((log(0.2 / 0.95), log(0.8 / 0.05)))
    assert test.steps == pytest.approx((log(0.2 / 0.5), log(0.8 / 0.5)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"alternative": 0.5}, r"expected p1 between chance \(0.5\) and 1, found 0.5"),
        ({"alternative": 1.0}, r"expected p1 between chance \(0.5\) and 1, found 1"),
        ({"alpha": 0.0}, "expected alpha and beta between 0 and 0.5, found 0 and 0.1"),
        ({"beta": 0.6}, "expected alpha and beta between 0 and 0.5, found 0.05 and 0.6"),
    ],
)
def test_a_test_that_tells_nothing_apart_is_refused(given, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        Sprt(**given)


def test_a_course_needs_a_proportion_and_a_trial():
    for proportion, maximum in ((1.2, 10), (0.5, 0)):
        with pytest.raises(AnalysisError, match="expected a proportion from 0 to 1 and at least"):
            course(proportion, test=Sprt(), maximum=maximum)


def test_the_guides_table_is_the_course_of_the_usual_test():
    text = (Path(listening.__file__).parent / "guide" / "5-statistics.md").read_text("utf-8")
    rows = re.findall(
        r"^\| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) \|$", text, re.M
    )
    assert len(rows) == 4
    for right, *said in rows:
        found = course(float(right) / 100, test=Sprt(), maximum=40)
        shares = [100 * share for share in (found.heard, found.not_heard, found.undecided)]
        assert [f"{value:.1f}" for value in (*shares, found.mean_trials)] == said
