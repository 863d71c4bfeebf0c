"""The figures of a comparison show the analysis's numbers, and gaps as gaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from listening.analysis.comparison import compare
from listening.analysis.frames import AnalysisError
from listening.comparison_figures import (
    difference_forest,
    difference_table,
    distributions,
    listener_map,
    listener_table,
    residual_table,
)
from tests.analysis.conftest import campaign
from tests.analysis.test_evidence_figures import words


@pytest.fixture
def rated():
    rng = np.random.default_rng(3)
    grades = {
        f"L{n}": {
            "ref": [100.0, 99, 100],
            "a": list(np.round(rng.normal(60 + n, 5, 3))),
            "b": list(np.round(rng.normal(50 + n, 5, 3))),
        }
        for n in range(9)
    }
    return campaign(grades, {"ref": "reference", "a": "system", "b": "system"})


def test_the_map_holds_listener_means_the_strictest_first(rated):
    table = listener_table(rated)
    assert list(table.columns) == ["ref", "a", "b"]
    assert table.mean(axis=1).is_monotonic_increasing
    theirs = rated[(rated["listener"] == "L4") & (rated["condition"] == "a")]
    assert table.loc["L4", "a"] == theirs["rating"].mean()
    shown = np.asarray(listener_map(rated).axes[0].images[0].get_array())
    assert shown == pytest.approx(table.to_numpy())


def test_a_condition_that_a_listener_did_not_rate_is_blank(rated):
    gap = rated[~((rated["listener"] == "L4") & (rated["condition"] == "a"))]
    shown = listener_map(gap).axes[0].images[0].get_array()
    assert np.ma.count_masked(shown) == 1


def test_the_forest_draws_both_claims_of_every_pair(rated):
    compared = compare(rated)
    table = difference_table(compared).set_index("kind")
    mixed, paired = compared.mixed.pairs.iloc[0], compared.pairs.iloc[0]
    for kind, row, difference in (
        ("such items", mixed, mixed["difference"]),
        ("these items", paired, paired["mean_difference"]),
    ):
        found = [table.loc[kind, name] for name in ("difference", "ci_low", "ci_high")]
        assert found == [difference, row["ci_low"], row["ci_high"]]
    axes = difference_forest(compared, rated).axes[0]
    middles = [np.asarray(line.get_xdata(), dtype=float) for line in axes.lines]
    drawn = [float(x[0]) for x in middles if len(x) == 1]
    for difference in table["difference"]:
        assert difference in drawn


def test_one_condition_has_no_forest(rated):
    one = rated[rated["condition"] != "b"]
    with pytest.raises(AnalysisError, match="expected two conditions"):
        difference_forest(compare(one), one)


def test_residuals_leave_condition_item_and_listener_out_and_stand_beside_scipy_s_quantiles(rated):
    of = residual_table(rated).query("condition == 'a'")
    assert of["residual"].groupby(rated["item"]).mean().abs().max() < 1e-9
    assert of["residual"].groupby(rated["listener"]).mean().abs().max() < 1e-9
    # SciPy's own medians differ from Blom's by less than this, but for the ends
    theirs, _ = stats.probplot(of["residual"], fit=False)
    assert np.sort(of["normal"])[3:-3] == pytest.approx(theirs[3:-3], abs=0.02)


def test_constant_ratings_can_be_drawn(rated):
    constant = rated.assign(rating=100.0)
    for draw in (listener_map, distributions):
        figure = draw(constant)
        figure.draw_without_rendering()
        assert figure.axes


def test_simulated_listeners_are_stamped(rated):
    for draw in (listener_map, distributions):
        assert "SIMULATED LISTENERS" in words(draw(rated.assign(simulated=True)))
