"""Which configurations are reliably better: intervals are others' numbers, and overlapping seeds show nothing."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.engine.reliability import comparisons, paired, repeated
from models_registry.engine.search import DONE, FAILED, Plan, Trial

# Student, The probable error of a mean, Biometrika 6 (1908); R's data set `sleep`
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

PLAN = Plan(seeds=5)


def confirmed(**by_configuration):
    """Confirming trials: `c3=[…]` are configuration 3's qualities seed by seed."""
    number, found = 50, []
    for name, values in by_configuration.items():
        for seed, value in enumerate(values, start=1):
            state = DONE if value is not None else FAILED
            values_of = {} if value is None else {"quality": value}
            found.append(Trial(number, int(name[1:]), seed, {}, state, values_of))
            number += 1
    return found


def test_a_pair_has_the_interval_that_r_gives():
    """R: t.test(extra ~ group, data = sleep, paired = TRUE): 1.58, 0.7001142 to 2.4598858."""
    found = paired(1, DRUG_1, 2, DRUG_2, level=0.95)
    assert (found.better, found.worse, found.n) == (1, 2, 10)
    assert found.difference == pytest.approx(1.58)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-6)
    assert found.shown
    turned = paired(2, DRUG_2, 1, DRUG_1, level=0.95)
    assert turned == found


def test_one_configuration_has_the_interval_that_r_gives():
    """R: t.test(extra[group == 1]): mean 0.75, −0.5297804 to 2.0297804."""
    (found,) = repeated(Plan(seeds=10), confirmed(c1=DRUG_1))
    assert (found.mean, found.low, found.high) == pytest.approx(
        (0.75, -0.5297804, 2.0297804), abs=1e-6
    )


def test_seeds_that_overlap_show_nothing():
    """The means differ by 0.1, which is what a seed makes by itself."""
    (found,) = comparisons(
        PLAN, confirmed(c0=[1.0, 1.3, 0.8, 1.1, 1.2], c4=[1.1, 0.9, 0.9, 1.2, 0.8])
    )
    assert found.difference > 0
    assert not found.shown


def test_a_difference_that_every_seed_has_is_shown_though_seeds_differ_more():
    seeds = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    (found,) = comparisons(PLAN, confirmed(c0=seeds, c4=seeds - [0.3, 0.31, 0.29, 0.3, 0.32]))
    assert (found.better, found.worse, found.shown) == (4, 0, True)


def test_intervals_widen_with_the_pairs_that_are_looked_at():
    draw = np.random.default_rng(3)
    four = {f"c{n}": draw.normal(size=5) for n in range(4)}
    found = comparisons(PLAN, confirmed(**four))
    two = comparisons(PLAN, confirmed(**dict(list(four.items())[:2])))
    assert len(found) == 6
    wide, narrow = found[0].high - found[0].low, two[0].high - two[0].low
    # Student's t at 4 degrees of freedom: 0.975 and 1 − 0.025/6 (R: qt)
    assert wide / narrow == pytest.approx(4.8510 / 2.7764, rel=1e-3)


def test_no_difference_at_all_is_not_shown_where_configurations_are_alike():
    """Of 200 searches in which nothing matters, at most one in 20 claims something (and 3 standard errors)."""
    claims = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        trials = confirmed(**{f"c{n}": draw.normal(size=5) for n in range(4)})
        claims += any(one.shown for one in comparisons(PLAN, trials))
    assert claims <= 200 * 0.05 + 3 * np.sqrt(200 * 0.05 * 0.95)


def test_seeds_that_failed_are_left_out_on_both_sides():
    (found,) = comparisons(PLAN, confirmed(c0=[1.0, None, 1.2, 1.1], c2=[0.5, 0.6, None, 0.7]))
    assert found.n == 2
    (alone,) = comparisons(PLAN, confirmed(c0=[1.0], c2=[0.5]))
    assert (alone.n, alone.shown) == (1, False)
    assert comparisons(PLAN, confirmed(c0=[1.0, None], c2=[None, 0.5])) == []
