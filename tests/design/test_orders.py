"""Orders drawn from a seed: complete, reproducible, and favouring no place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from listening.design import DesignError, abx_draws, presentation_order, shuffled

names = st.text(min_size=1, max_size=8)
plans = st.dictionaries(
    names, st.lists(names, min_size=1, max_size=12, unique=True), min_size=1, max_size=8
)


@given(plans, st.integers())
def test_every_trial_and_every_stimulus_appears_exactly_once(plan, seed):
    order = presentation_order(plan, seed=seed)
    assert sorted(page.trial for page in order) == sorted(plan)
    for page in order:
        assert sorted(page.stimuli) == sorted(plan[page.trial])


@given(plans, st.integers())
def test_the_same_seed_gives_the_same_order_however_the_plan_is_written(plan, seed):
    backwards = {trial: plan[trial][::-1] for trial in reversed(list(plan))}
    assert presentation_order(plan, seed=seed) == presentation_order(backwards, seed=seed)


def test_the_order_is_the_one_that_a_stored_seed_gave_in_earlier_versions():
    # sha256sum(1) of "7\0a" … "7\0d" begins with 04, f2, 73, a6
    assert shuffled("abcd", seed=7) == ["a", "c", "d", "b"]


def test_every_condition_comes_first_equally_often_over_seeds():
    plan = {"item": ["reference", "low", "mid", "a", "b", "c"]}
    for place in (0, 5):
        counts = Counter(presentation_order(plan, seed=s)[0].stimuli[place] for s in range(6000))
        # SciPy's χ² test of equal frequencies
        assert stats.chisquare(list(counts.values())).pvalue > 1e-3
        assert len(counts) == 6


def test_the_order_of_one_trial_says_nothing_about_the_next():
    plan = {"one": ["a", "b"], "two": ["a", "b"]}
    same = 0
    for seed in range(2000):
        first, second = presentation_order(plan, seed=seed)
        same += first.stimuli == second.stimuli
    assert stats.binomtest(same, 2000).pvalue > 1e-3


def test_a_trial_without_stimuli_or_with_one_twice_is_refused():
    with pytest.raises(DesignError, match="'i': expected at least one stimulus, found none"):
        presentation_order({"i": []}, seed=1)
    with pytest.raises(DesignError, match="'i': expected each stimulus once"):
        presentation_order({"i": ["a", "a"]}, seed=1)


def test_x_is_a_fair_coin_independent_of_which_condition_is_a():
    draws = abx_draws(8000, seed="s")
    cells = Counter((draw.tested_is_a, draw.x) for draw in draws)
    assert stats.chisquare(list(cells.values())).pvalue > 1e-3
    assert len(cells) == 4
    assert all(draw.x_is_tested == ((draw.x == "A") is draw.tested_is_a) for draw in draws)


def test_who_answers_a_and_b_equally_often_passes_no_more_often_than_the_binomial_says():
    answers = "AB" * 8
    passed = sum(
        sum(draw.x == answer for draw, answer in zip(abx_draws(16, seed=s), answers, strict=True))
        >= 12
        for s in range(4000)
    )
    expected = float(stats.binom.sf(11, 16, 0.5))
    assert stats.binomtest(passed, 4000, expected).pvalue > 1e-3


def test_abx_draws_are_reproducible_and_need_a_trial():
    assert abx_draws(20, seed=3) == abx_draws(20, seed=3)
    assert abx_draws(20, seed=3) != abx_draws(20, seed=4)
    with pytest.raises(DesignError, match="at least one ABX trial, found 0"):
        abx_draws(0, seed=1)
