"""Orders drawn from a seed: complete, reproducible, and favouring no place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from listening.design import DesignError, balanced_orders, presentation_order, shuffled

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


def test_of_the_pages_of_a_pair_half_have_either_first_and_which_is_drawn():
    pairs = {f"{n}": ("a", "b") for n in range(7)} | {f"b{n}": ("c", "b") for n in range(4)}
    firsts: Counter[str] = Counter()
    for seed in range(2000):
        orders = balanced_orders(pairs, seed=seed)
        assert {page: tuple(sorted(order)) for page, order in orders.items()} == {
            page: tuple(sorted(two)) for page, two in pairs.items()
        }
        of_each = Counter(order for order in orders.values())
        assert sorted([of_each["a", "b"], of_each["b", "a"]]) == [3, 4]
        assert of_each["b", "c"] == of_each["c", "b"] == 2
        firsts[orders["3"][0]] += 1
    assert stats.binomtest(firsts["a"], 2000).pvalue > 1e-3


def test_an_order_is_drawn_of_two_different_things():
    for two in (("a",), ("a", "a"), ("a", "b", "c")):
        with pytest.raises(DesignError, match="page 'p': expected two things to order"):
            balanced_orders({"p": two}, seed=1)
