"""Power and numbers of listeners are those of R (`power.t.test`, exact TOST by `integrate`)."""

from __future__ import annotations

import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.power import (
    detectable_difference,
    equivalence_power,
    paired_t_listeners,
    paired_t_power,
)
from tests.analysis.trees import check


def test_all_figures_are_those_of_r(reference):
    expected = reference.expected("power")
    found = {
        "paired_t_n": [
            row
            | {
                "n_power80": paired_t_listeners(difference=row["delta"], sd=row["sd_diff"]),
                "n_power90": paired_t_listeners(
                    difference=row["delta"], sd=row["sd_diff"], power=0.9
                ),
                "n_power80_alpha_bonf10": paired_t_listeners(
                    difference=row["delta"], sd=row["sd_diff"], alpha=0.005
                ),
            }
            for row in expected["paired_t_n"]
        ],
        "paired_t_power": [
            row | {"power": paired_t_power(row["n"], difference=row["delta"], sd=row["sd_diff"])}
            for row in expected["paired_t_power"]
        ],
        "tost_paired_power": [
            row
            | {
                "power_exact": equivalence_power(
                    row["n"], margin=row["margin"], sd=row["sd_diff"], difference=row["true_diff"]
                )
            }
            for row in expected["tost_paired_power"]
        ],
    }
    # R's `uniroot` stops within 1.2e-4 of a number of listeners
    near = {"abs": 1e-3}
    assert check(found, expected, tolerance=lambda path: near if "/n_power" in path else None) == 61


def test_the_detectable_difference_has_its_power():
    found = detectable_difference(20, sd=8)
    assert paired_t_power(20, difference=found, sd=8) == pytest.approx(0.8)


def test_a_huge_difference_takes_two_listeners():
    assert paired_t_listeners(difference=1000, sd=1) == 2


def test_impossible_plans_are_refused():
    with pytest.raises(AnalysisError, match="other than 0"):
        paired_t_listeners(difference=0, sd=1)
    with pytest.raises(AnalysisError, match="standard deviation above 0"):
        detectable_difference(10, sd=0)
