"""Plans keep their promise: power is what fitting simulated campaigns finds."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.crossed import TERMS, design
from listening.analysis.frames import AnalysisError
from listening.analysis.mixed import mixed_model
from listening.analysis.planning import (
    Variances,
    plan,
    power_for_such_items,
    power_for_these_items,
    power_table,
)
from listening.analysis.reml import fit

# of R's fit to the reference campaign's systems, for a comparison of two
SHARED = Variances(7.43989, 8.45620, 50.90196)


@pytest.mark.parametrize(
    ("difference", "listeners", "these", "such"),
    # the project's notes, from 4,000 simulated campaigns of 10 items each
    [(3, 24, 0.79, None), (3, 60, None, 0.47), (5, 10, 0.8, None), (5, 24, None, 0.8)],
)
def test_powers_are_those_found_by_simulating_ratings(difference, listeners, these, such):
    asked = {"listeners": listeners, "items": 10, "difference": difference}
    if these:
        assert power_for_these_items(SHARED, **asked) == pytest.approx(these, abs=0.04)
    if such:
        assert power_for_such_items(SHARED, **asked) == pytest.approx(such, abs=0.04)


def test_the_simulated_power_is_that_of_fitted_campaigns():
    rng = np.random.default_rng(11)
    listeners, items = 12, 8
    who, i, c = (x.ravel() for x in np.indices((listeners, items, 2)))
    found = []
    for _ in range(300):
        y = (
            5.0 * c
            + rng.normal(0, 4, listeners)[who]
            + rng.normal(0, 3, items)[i]
            + rng.normal(0, SHARED.listener_condition**0.5, (listeners, 2))[who, c]
            + rng.normal(0, SHARED.item_condition**0.5, (items, 2))[i, c]
            + rng.normal(0, SHARED.residual**0.5, len(who))
        )
        found.append(fit(design(who, i, c, y), TERMS).equal_means()[3] < 0.05)
    simulated = power_for_such_items(SHARED, listeners=listeners, items=items, difference=5)
    # three standard errors of 300 campaigns
    assert simulated == pytest.approx(np.mean(found), abs=0.09)


@pytest.mark.parametrize(("listeners", "items"), [(20, 10), (8, 5), (40, 20)])
def test_without_a_difference_it_errs_as_often_as_it_says(listeners, items):
    rate = power_for_such_items(SHARED, listeners=listeners, items=items, difference=0)
    assert 0.03 <= rate <= 0.07


def test_items_limit_what_listeners_can_find():
    planned = plan(SHARED, difference=3, items=10)
    assert planned.for_such_items is None
    assert planned.for_these_items in range(22, 28)
    assert "no number of listeners for items like these: add items" in planned.sentence
    assert plan(SHARED, difference=3, items=40).for_such_items is not None
    wide = plan(SHARED, difference=5, items=10)
    assert wide.for_these_items is not None
    assert wide.for_such_items is not None
    assert 9 <= wide.for_these_items < wide.for_such_items <= 26


def test_the_table_grows_with_listeners_and_items(reference):
    variances = Variances.of(mixed_model(reference.mushra()))
    table = power_table(variances, difference=4, listeners=[8, 16, 32], items=[5, 20])
    for column in ("for_these_items", "for_such_items"):
        powers = table[column].to_numpy().reshape(2, 3)
        assert (np.diff(powers, axis=1) > -0.02).all()
        assert (np.diff(powers, axis=0) > 0).all()
    assert (table["for_these_items"] >= table["for_such_items"] - 0.02).all()


def test_impossible_plans_are_refused():
    with pytest.raises(AnalysisError, match="difference and a residual variance above 0"):
        plan(SHARED, difference=0, items=10)
    with pytest.raises(AnalysisError, match="two listeners and two items"):
        power_for_such_items(SHARED, listeners=1, items=10, difference=3)
    assert plan(SHARED, difference=5, items=1).for_such_items is None
