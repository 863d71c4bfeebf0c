"""Panels planned before anybody listens: limiting cases, shares of the items, published variances."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from listening.analysis.crossed import TERMS, design
from listening.analysis.frames import AnalysisError
from listening.analysis.mixed import mixed_model
from listening.analysis.planning import (
    PUBLISHED,
    SIMULATIONS,
    Share,
    Variances,
    fewest_items,
    panels,
    power_for_such_items,
    power_for_these_items,
    power_table,
)
from listening.analysis.reml import fit
from listening.design import dealt
from listening.exchange.ratings import parse

# of R's fit to the reference campaign's systems
SHARED = Variances(7.43989, 8.45620, 50.90196)


def test_where_items_do_not_differ_power_is_rs_of_a_paired_t_test(reference):
    """`power.t.test`: the listener's difference then has all the variance."""
    for row in reference.expected("power")["paired_t_power"]:
        variances = Variances(row["sd_diff"] ** 2 / 2, 0.0, 1e-6)
        asked = {"listeners": row["n"], "items": 10, "difference": row["delta"]}
        assert power_for_such_items(variances, **asked) == pytest.approx(row["power"], abs=0.025)
        assert power_for_these_items(variances, **asked) == pytest.approx(row["power"], abs=1e-6)


@pytest.mark.parametrize(("items", "difference"), [(6, 6.0), (12, 5.0), (20, 3.0)])
def test_where_listeners_do_not_differ_items_are_what_a_t_test_counts(items, difference):
    """statsmodels' noncentral t, with the items for its observations."""
    variances = Variances(0.0, 18.0, 1e-6)
    found = power_for_such_items(variances, listeners=30, items=items, difference=difference)
    exact = TTestPower().power(difference / 6, items, 0.05)
    assert found == pytest.approx(exact, abs=0.025)


def test_of_a_share_of_the_items_power_is_that_of_fitted_campaigns():
    rng = np.random.default_rng(5)
    listeners, items, heard = 16, 8, 4
    names = [str(k) for k in range(items)]
    who, i = np.array(
        [(n, int(one)) for n in range(listeners) for one in dealt(names, size=heard, row=n, seed=1)]
    ).T
    who, i, c = np.tile(who, 2), np.tile(i, 2), np.repeat([0, 1], len(who))
    found = []
    for _ in range(150):
        y = (
            6.0 * c
            + rng.normal(0, 4, listeners)[who]
            + rng.normal(0, 3, items)[i]
            + rng.normal(0, SHARED.listener_condition**0.5, (listeners, 2))[who, c]
            + rng.normal(0, SHARED.item_condition**0.5, (items, 2))[i, c]
            + rng.normal(0, SHARED.residual**0.5, len(who))
        )
        found.append(fit(design(who, i, c, y), TERMS).equal_means()[3] < 0.05)
    planned = power_for_such_items(
        SHARED, listeners=listeners, items=items, difference=6, heard=heard
    )
    # three standard errors of 150 campaigns
    assert planned == pytest.approx(np.mean(found), abs=0.12)


def test_a_share_of_everything_is_everything():
    asked = {"listeners": 12, "items": 8, "difference": 5}
    assert power_for_such_items(SHARED, heard=8, **asked) == power_for_such_items(SHARED, **asked)
    assert power_for_these_items(SHARED, heard=8, **asked) == power_for_these_items(SHARED, **asked)
    # half of the systems each is half of the ratings
    assert Share(items=6, conditions=0.5).heard(8) == 3
    fewer = power_for_these_items(SHARED, heard=0.5, **asked)
    assert fewer == power_for_these_items(SHARED, **(asked | {"listeners": 6}), heard=1)


def test_intervals_are_those_of_the_number_of_simulations():
    row = power_table(SHARED, difference=5, listeners=[12], items=[8]).iloc[0]
    found = round(row["for_such_items"] * SIMULATIONS)
    low, high = proportion_confint(found, SIMULATIONS, method="beta")
    assert (row["such_low"], row["such_high"]) == pytest.approx((low, high))


def test_panels_are_the_smallest_that_reach_the_power():
    table = panels(SHARED, difference=5, items=[8, 20], powers=[0.8, 0.9])
    assert list(table["items"]) == [8, 8, 20, 20]
    for row in table.to_dict("records"):
        n, asked = int(row["for_these_items"]), {"items": row["items"], "difference": 5}
        assert power_for_these_items(SHARED, listeners=n, **asked) >= row["power"]
        assert power_for_these_items(SHARED, listeners=n - 1, **asked) < row["power"]
    of_twenty = table[table["items"] == 20]
    assert (of_twenty["such_low"] <= of_twenty["for_such_items"]).all()
    assert (of_twenty["for_such_items"] <= of_twenty["such_high"]).all()
    # three points on ten items are found by no panel (statistics of the reference campaign)
    none = panels(SHARED, difference=3, items=[10], powers=[0.8]).iloc[0]
    assert np.isnan(none["for_such_items"])
    fewest = fewest_items(SHARED, difference=3)
    assert fewest is not None
    assert 10 < fewest < 40
    assert fewest_items(SHARED, difference=0.3) is None


def test_the_published_variances_are_those_of_the_published_ratings(codec_folder):
    """Stahl et al. (2024), as their authors screened them; the model agrees with lme4 (test_mixed)."""
    ratings = parse(codec_folder / "ratings_formated_filtered.csv", campaign="codec").ratings
    found = Variances.of(mixed_model(ratings))
    for name in ("listener_condition", "item_condition", "residual"):
        assert getattr(PUBLISHED, name) == pytest.approx(getattr(found, name), rel=1e-3)
    assert PUBLISHED.conditions == found.conditions == 7


def test_variances_scale_with_the_square_of_the_scale():
    short = SHARED.scaled(0.04)
    asked = {"listeners": 15, "items": 10}
    on_five = power_for_these_items(short, difference=0.2, **asked)
    assert on_five == pytest.approx(power_for_these_items(SHARED, difference=5, **asked))


def test_impossible_panels_are_refused():
    with pytest.raises(AnalysisError, match="difference and a residual variance above 0"):
        panels(SHARED, difference=-1, items=[8], powers=[0.8])
    with pytest.raises(AnalysisError, match="difference and a residual variance above 0"):
        fewest_items(Variances(1, 1, 0), difference=1)
