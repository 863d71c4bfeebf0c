"""Squares and shares are balanced: exactly after whole rounds, and nearly so after every row."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.design import (
    DesignError,
    crossed_order,
    dealing_round,
    dealt,
    dealt_before,
    in_williams_order,
    williams_row,
    williams_rows,
)

sizes = st.integers(2, 14)
seeds = st.integers(0, 2**31)


def test_williams_squares_of_four_and_three_are_the_published_ones():
    # E. J. Williams (1949), as in every textbook of cross-over trials: 0 1 3 2 developed cyclically
    assert [williams_row(4, row) for row in range(4)] == [
        [0, 1, 3, 2],
        [1, 2, 0, 3],
        [2, 3, 1, 0],
        [3, 0, 2, 1],
    ]
    # an odd number takes the square and its mirror image
    assert [williams_row(3, row) for row in range(6)] == [
        [0, 1, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
        [0, 2, 1],
        [1, 0, 2],
    ]


@settings(max_examples=30)
@given(sizes, seeds)
def test_everything_stands_everywhere_and_follows_everything_equally_often(n, seed):
    things = [f"condition {k}" for k in range(n)]
    places: Counter[tuple[str, int]] = Counter()
    follows: Counter[tuple[str, str]] = Counter()
    for row in range(williams_rows(n)):
        order = in_williams_order(things, row=row, seed=seed)
        places.update((thing, place) for place, thing in enumerate(order))
        follows.update(pairwise(order))
    times = williams_rows(n) // n
    assert set(places.values()) == {times}
    assert len(places) == n * n
    assert set(follows.values()) == {times}
    assert len(follows) == n * (n - 1)


@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(1, 8), seeds)
def test_one_by_one_conditions_follow_each_other_equally_often_in_every_block(n, m, seed):
    conditions, items = [f"c{k}" for k in range(n)], [f"i{k}" for k in range(m)]
    follows: list[Counter[tuple[str, str]]] = [Counter() for _ in items]
    for row in range(williams_rows(n)):
        order = crossed_order(conditions, items, row=row, seed=seed)
        assert sorted(order) == sorted((c, i) for c in conditions for i in items)
        heard = [condition for condition, _ in order]
        assert all(one != following for one, following in pairwise(heard))
        for block, counted in enumerate(follows):
            counted.update(pairwise(heard[block * n : (block + 1) * n]))
    for counted in follows:
        assert set(counted.values()) == {williams_rows(n) // n}
        assert len(counted) == n * (n - 1)


@pytest.mark.parametrize(("n", "m"), [(2, 8), (3, 3), (4, 6)])
def test_one_by_one_every_stimulus_has_every_place_equally_often(n, m):
    conditions, items = [f"c{k}" for k in range(n)], [f"i{k}" for k in range(m)]
    places: Counter[tuple[tuple[str, str], int]] = Counter()
    for row in range(williams_rows(n) * m):
        order = crossed_order(conditions, items, row=row, seed=3)
        places.update((stimulus, place) for place, stimulus in enumerate(order))
    assert set(places.values()) == {williams_rows(n) // n}
    assert len(places) == (n * m) ** 2


@settings(max_examples=30)
@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), seeds)
def test_after_every_row_all_were_dealt_equally_often_to_within_one(sizes, seed):
    n, size = sizes
    things = [f"t{k}" for k in range(n)]
    dealt_so_far = Counter(dict.fromkeys(things, 0))
    for row in range(2 * dealing_round(n, size)):
        for thing in things:
            before = dealt_before(thing, things, size=size, row=row, seed=seed)
            assert before == dealt_so_far[thing]
        hand = dealt(things, size=size, row=row, seed=seed)
        assert len(set(hand)) == size
        dealt_so_far.update(hand)
        spread = max(dealt_so_far.values()) - min(dealt_so_far.values())
        whole = (row + 1) % dealing_round(n, size) == 0
        assert spread == 0 if whole else spread <= 1


def test_what_was_dealt_before_is_known_beyond_a_season():
    things = [f"t{k}" for k in range(7)]
    counted = Counter(
        thing for row in range(300) for thing in dealt(things, size=3, row=row, seed=1)
    )
    for thing in things:
        assert dealt_before(thing, things, size=3, row=300, seed=1) == counted[thing]


@pytest.mark.parametrize(("n", "size", "each"), [(6, 3, 24), (4, 2, 20), (5, 4, 72)])
def test_over_a_season_pairs_meet_as_a_balanced_incomplete_block_design_has_them(n, size, each):
    # λ = b k (k - 1) / (v (v - 1)), F. Yates (1936)
    things = [f"t{k}" for k in range(n)]
    meet = Counter(
        pair
        for row in range(120)
        for pair in combinations(sorted(dealt(things, size=size, row=row, seed=7)), 2)
    )
    assert each == 120 * size * (size - 1) / (n * (n - 1))
    assert len(meet) == n * (n - 1) / 2
    assert max(meet.values()) - min(meet.values()) <= 1
    assert max(meet.values()) - each <= 1


def test_another_seed_deals_otherwise():
    things = [f"t{k}" for k in range(8)]
    hands = {tuple(dealt(things, size=4, row=0, seed=seed)) for seed in range(20)}
    assert len(hands) > 10


def test_impossible_shares_and_rows_are_refused():
    with pytest.raises(DesignError, match="1 to 2 of them to be dealt, found 3"):
        dealt(["a", "b"], size=3, row=0, seed=1)
    with pytest.raises(DesignError, match="found row -1 of 3"):
        williams_row(3, -1)
