"""The smallest change that crosses a target, held to closed forms, linear programming and a published example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from models_registry.engine import EngineError, Parameter
from models_registry.engine.approach import nearest_across
from models_registry.engine.crossing import Handle, Target, cross


def handle(name, start=0.5, low=-1.0, high=1.0, scale="linear"):
    return Handle(name, Parameter(name, "dB", low, high, scale, low, "a number"), start)


def handles(count, start=0.5):
    return [handle(f"n{n}", start) for n in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_place_of_a_linear_score_is_that_of_quadratic_programming(seed):
    draw = np.random.default_rng(seed)
    slope = draw.normal(size=6)
    low, high = -draw.uniform(0.05, 0.5, 6), draw.uniform(0.05, 0.5, 6)
    needed = 0.6 * float(np.maximum(slope * low, slope * high).sum())
    found = nearest_across(slope, needed, low, high, sparsity=0.0)
    program = optimize.minimize(  # type: ignore[call-overload]
        lambda x: x @ x / 2, np.zeros(6), jac=lambda x: x, bounds=optimize.Bounds(low, high),
        constraints=optimize.LinearConstraint(slope[None], needed, np.inf), method="SLSQP",
        options={"ftol": 1e-14},
    )  # fmt: skip
    np.testing.assert_allclose(found, program.x, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_sparsest_place_of_a_linear_score_is_that_of_linear_programming(seed):
    """Where the sum of the shares is all that counts: min Σ|x|, as min Σ(p + q) with x = p − q."""
    draw = np.random.default_rng(seed)
    slope = draw.normal(size=6)
    low, high = -draw.uniform(0.05, 0.5, 6), draw.uniform(0.05, 0.5, 6)
    needed = 0.6 * float(np.maximum(slope * low, slope * high).sum())
    found = nearest_across(slope, needed, low, high, sparsity=1e6)
    program = optimize.linprog(
        np.ones(12), A_ub=-np.concatenate([slope, -slope])[None], b_ub=[-needed],
        bounds=[*((0, one) for one in high), *((0, -one) for one in low)],
    )  # fmt: skip
    assert program.x is not None
    assert np.abs(found).sum() == pytest.approx(program.fun, rel=1e-6)
    np.testing.assert_allclose(found, program.x[:6] - program.x[6:], atol=1e-5)


def test_the_design_point_of_a_published_limit_state_is_found():
    """x³ + y³ = 18 for x and y of mean 10 and deviation 5: β = 2.2401 (Wang & Grandhi, Computers & Structures 59(6),
    1996), here with ranges of eight deviations."""

    def limit(place):
        x = 10 + 5 * 8 * (place - 0.5)
        return float((x**3).sum() - 18)

    found = cross(limit, handles(2), Target(0, above=False), answers=1)
    assert found.answers[0].size * 8 == pytest.approx(2.2401, rel=2e-3)


def test_the_smallest_change_of_a_linear_score_is_its_projection():
    weights = np.array([3.0, -4.0, 0.0])
    found = cross(
        lambda x: float(weights @ (x - 0.5)), handles(3), Target(1, above=True), answers=1
    )
    (answer,) = found.answers
    assert answer.size == pytest.approx(1 / 5, rel=1e-3)
    assert {one.name: one.share for one in answer.changes} == pytest.approx(
        {"n0": 3 / 25, "n1": -4 / 25}, abs=2e-3
    )
    assert answer.score >= 1 - 1e-12


def test_derivatives_lead_where_differences_do():
    weights = np.array([3.0, -4.0, 1.0])

    def slope(place):
        return float(weights @ (place - 0.5)), weights

    def score(place):
        return slope(place)[0]

    target = Target(1, above=True)
    derived = cross(score, handles(3), target, slope=slope, answers=1)
    differenced = cross(score, handles(3), target, answers=1)
    assert derived.answers[0].size == pytest.approx(differenced.answers[0].size, rel=1e-3)
    assert derived.trials < differenced.trials


def test_a_sparse_answer_changes_one_number_where_one_is_enough():
    weights = np.array([3.0, -4.0, 1.0])

    def score(x):
        return float(weights @ (x - 0.5))

    found = cross(score, handles(3), Target(1, above=True), answers=3, sparse=True)
    names = [[one.name for one in answer.changes] for answer in found.answers]
    assert names[:2] == [["n1"], ["n0"]]
    assert found.answers[0].changes[0].share == pytest.approx(-1 / 4, abs=2e-4)
    assert found.answers[0].changes[0].after == pytest.approx(-0.5, abs=1e-3)


def test_a_sparse_answer_changes_two_numbers_where_one_is_not_enough():
    weights = np.array([1.0, 1.0, 0.2, 0.1])

    def score(x):
        return float(weights @ (x - 0.5))

    found = cross(score, handles(4), Target(0.8, above=True), answers=1, sparse=True)
    assert sorted(one.name for one in found.answers[0].changes) == ["n0", "n1"]
    assert found.answers[0].size == pytest.approx(0.4 * math.sqrt(2), rel=2e-3)


def test_answers_differ_in_what_moves_most():
    found = cross(
        lambda x: float(np.abs(x - 0.5) @ [1, 1.1]), handles(2), Target(0.2, above=True), answers=4
    )
    ways = [(one.changes[0].name, one.changes[0].share > 0) for one in found.answers]
    assert len(set(ways)) == len(ways) == 4


def test_a_number_never_leaves_its_range():
    places = []

    def score(place):
        places.append(place)
        return float(place.sum())

    found = cross(score, handles(3, start=0.9), Target(2.95, above=True), answers=2)
    assert found.answers
    assert np.min(places) >= 0
    assert np.max(places) <= 1


def test_a_target_beyond_every_range_is_answered_with_none_and_how_near_it_comes():
    found = cross(lambda x: float(x.sum()), handles(2), Target(3, above=True))
    assert found.answers == ()
    assert "within the allowed ranges" in found.reason
    assert found.nearest == pytest.approx(2, abs=1e-9)


def test_an_island_that_no_tangent_points_to_is_found():
    island = np.array([0.83, 0.21])

    def score(x):
        return float(np.linalg.norm(x - island) < 0.1)

    found = cross(score, handles(2), Target(1, above=True), answers=1)
    assert found.answers[0].size == pytest.approx(np.linalg.norm(island - 0.5) - 0.1, abs=0.1)


def test_a_score_that_nothing_moves_is_said_so():
    found = cross(lambda x: 4.0, handles(3), Target(5, above=True))
    assert not found.answers
    assert found.reason == "nothing that may be changed moves it"


def test_a_valley_between_the_places_that_are_tried_is_gone_into():
    found = cross(lambda x: (x[0] - 0.93) ** 2, handles(1), Target(1e-6, above=False), answers=1)
    assert found.answers[0].changes[0].share == pytest.approx(0.43 - 1e-3, abs=2e-4)


def test_places_without_a_score_are_gone_around():
    def score(place):
        return math.nan if 0.55 < place[0] < 0.7 else float(place[0])

    found = cross(score, handles(1), Target(0.8, above=True), answers=1)
    assert found.answers[0].changes[0].share == pytest.approx(0.3, abs=2e-4)


def test_a_search_that_is_too_long_is_stopped_and_says_so():
    found = cross(lambda x: float(x.sum()), handles(2), Target(3, above=True), most=20)
    assert found.trials == 20
    assert found.reason == "the search was stopped after 20 trials"


def test_a_target_that_is_met_is_refused():
    with pytest.raises(EngineError, match=r"not reached yet, found 1, which is ≥ 0.5"):
        cross(lambda x: float(x.sum()), handles(2), Target(0.5, above=True))


def test_a_start_without_a_score_is_refused():
    with pytest.raises(EngineError, match="a score of things as they are"):
        cross(lambda x: math.nan, handles(2), Target(0.5, above=True))
