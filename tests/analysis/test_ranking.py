"""Ranks of systems over items: limits held to Dunnett's table, places to closed cases and to promised coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.ranking import Rank, critical, pareto_front, ranks


# Dunnett, New tables for multiple comparisons with a control, Biometrics 20, 1964, Table II: two-sided 5 %, ∞ degrees
@pytest.mark.parametrize(("comparisons", "limit"), [(1, 1.96), (2, 2.21), (4, 2.44), (9, 2.69)])
def test_the_limit_of_many_differences_from_one_is_dunnetts(comparisons, limit):
    n = 500
    draw = np.random.default_rng(1)
    values = draw.standard_normal((n, comparisons + 1))
    drawn = draw.multinomial(n, np.full(n, 1 / n), size=8000).astype(float)
    assert critical(values[:, 1:] - values[:, [0]], drawn) == pytest.approx(limit, abs=0.09)


def test_the_limit_of_one_difference_of_few_items_is_no_smaller_than_students():
    n = 6
    draw = np.random.default_rng(2)
    found = []
    for _ in range(60):
        drawn = draw.multinomial(n, np.full(n, 1 / n), size=2000).astype(float)
        found.append(critical(draw.standard_normal((n, 1)), drawn))
    assert np.median(found) > 0.9 * stats.t.ppf(0.975, n - 1)


def test_systems_far_apart_have_their_places_and_no_other():
    items = np.linspace(0, 1, 8)[:, None]
    noise = np.random.default_rng(3).normal(0, 0.01, (8, 3))
    values = items + np.array([0.0, 5.0, 2.0]) + noise
    assert [(r.rank, r.low, r.high) for r in ranks(values, higher=True)] == [
        (3, 3, 3),
        (1, 1, 1),
        (2, 2, 2),
    ]
    assert [r.rank for r in ranks(values, higher=False)] == [1, 3, 2]


def test_systems_that_are_the_same_share_the_first_place_and_may_have_any():
    values = np.tile(np.random.default_rng(4).normal(size=(8, 1)), (1, 3))
    found = ranks(values, higher=True)
    assert [(r.rank, r.low, r.high) for r in found] == [(1, 1, 3)] * 3


def test_a_constant_difference_is_shown_without_a_draw():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 3.0]])
    assert [(r.rank, r.low, r.high) for r in ranks(values, higher=True)] == [(2, 2, 2), (1, 1, 1)]


def test_one_item_rules_nothing_out():
    assert ranks(np.array([[1.0, 2.0]]), higher=True) == [Rank(2, 1, 2, 1.0), Rank(1, 1, 2, 2.0)]


def test_places_hold_the_truth_as_often_as_they_promise_where_the_bootstrap_of_ranks_does_not():
    """Hall & Miller's case: all are equally good, so that every place is each one's; a set that leaves any out errs."""
    draw = np.random.default_rng(5)
    systems, n, trials = 5, 30, 150
    errs = naive = 0
    for trial in range(trials):
        values = draw.standard_normal((n, systems))
        one = ranks(values, higher=True, resamples=400, seed=trial)[0]
        errs += (one.low, one.high) != (1, systems)
        drawn = draw.multinomial(n, np.full(n, 1 / n), size=400) @ values
        places = 1 + (drawn > drawn[:, [0]]).sum(axis=1)
        low, high = np.quantile(places, [0.025, 0.975], method="inverted_cdf")
        naive += (low, high) != (1, systems)
    # of 150 trials at 5 %, 13 or more happen in 4 of 100 such runs
    assert errs <= 14
    assert naive > trials / 4


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((0, 2)), "items × systems"),
        (np.zeros(3), "items × systems"),
        (np.array([[1.0, np.nan]]), "finite values"),
    ],
)
def test_what_cannot_be_ranked_is_refused(values, said):
    with pytest.raises(AnalysisError, match=said):
        ranks(values, higher=True)


def test_the_front_is_of_those_whom_nobody_beats():
    rows = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (1.0, 5.0), (None, 0.0)]
    # the first objective rises with quality, the second is a cost
    assert pareto_front(rows, higher=[True, False]) == [True, True, True, False, False]
    assert pareto_front([(1.0, 1.0), (1.0, 1.0)], higher=[True, False]) == [True, True]
    assert pareto_front([(None, 1.0)], higher=[True, False]) == [False]
