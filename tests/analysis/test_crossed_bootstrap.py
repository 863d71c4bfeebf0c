"""The crossed bootstrap has the standard errors that theory (Owen 2007) gives it in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.crossed_bootstrap import crossed_bootstrap
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign


@pytest.mark.parametrize(
    ("draws", "name"),
    [
        ({"items": False}, "se_listener_bootstrap"),
        ({"listeners": False}, "se_item_bootstrap"),
        ({}, "se_crossed_bootstrap"),
    ],
)
def test_standard_errors_are_rs_closed_forms(reference, draws, name):
    ratings = reference.mushra()
    found = crossed_bootstrap(screen(ratings).keep(ratings), resamples=20_000, **draws)
    expected = reference.expected("mushra")["bootstrap_se_targets"]
    assert len(found) == len(expected) == 6
    for _, row in found.iterrows():
        target = expected[row["condition"]]
        assert row["mean"] == pytest.approx(target["mean"], rel=1e-9)
        # the tolerance of the reference set at 20,000 resamples
        assert row["se"] == pytest.approx(target[name], rel=0.03)
        assert row["ci_low"] < row["mean"] < row["ci_high"]


def test_gaps_are_left_out_and_one_listener_of_one_item_has_no_interval():
    ratings = campaign(
        {"x": {"a": [1, 3], "b": [5]}, "y": {"a": [5]}}, dict.fromkeys("ab", "system")
    )
    found = crossed_bootstrap(ratings).set_index("condition")
    assert found["mean"].to_dict() == {"a": 3.0, "b": 5.0}
    assert (found.loc["b", "ci_low"], found.loc["b", "ci_high"]) == (5, 5)
    alone = crossed_bootstrap(ratings[ratings["listener"] == "y"])
    assert np.isnan(alone["ci_low"]).all()
