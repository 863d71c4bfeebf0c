"""Critical counts, power and numbers of trials are R's, and those a published study was planned with."""

from __future__ import annotations

import json

import pytest

from listening.analysis.abx_planning import (
    critical_count,
    critical_table,
    level,
    power,
    trials_needed,
)
from listening.analysis.frames import AnalysisError


def test_the_table_of_critical_counts_is_rs(reference):
    expected = reference.expected("abx")["critical_table"]
    found = critical_table([row["n"] for row in expected]).to_dict("records")
    assert len(expected) == 40
    names = {"critical_05": "crit05", "level_05": "alpha05", "critical_01": "crit01"}
    names |= {"level_01": "alpha01", "power_0.7": "power_p70", "power_0.75": "power_p75"}
    names |= {"power_0.9": "power_p90"}
    for mine, theirs in zip(found, expected, strict=True):
        for name, their_name in names.items():
            assert mine[name] == pytest.approx(theirs[their_name], rel=1e-9)


def test_numbers_of_trials_first_and_safely_are_rs(reference):
    expected = reference.expected("abx")["sample_size"]
    assert len(expected) == 6
    for row in expected:
        found = trials_needed(row["p"])
        assert found.first == row["n_first_with_power80"]
        assert found.safely == row["n_power80_from_there_on"]


def test_the_published_designs_are_reproduced(shared):
    # Schultz, Hahn & Spors (ICSA 2019); g is the effect beyond one half
    published = json.loads(
        (shared / "data" / "ratings" / "abx_constant_phase" / "published.json").read_text()
    )
    assert critical_count(25, alpha=0.01) == published["critical_correct_of_25_alpha_0.01"]
    assert level(25, alpha=0.01) == pytest.approx(published["alpha_actual_25"], abs=5e-10)
    assert power(25, 0.9, alpha=0.01) == pytest.approx(published["power_25_g0.4"], abs=5e-8)
    for trials, effect in ((119, 0.15), (26, 0.31), (25, 0.3)):
        count, true_level, reached = published[f"crit_{trials}_g{effect:g}"]
        assert critical_count(trials) == count
        assert level(trials) == pytest.approx(true_level, abs=5e-8)
        assert power(trials, 0.5 + effect) == pytest.approx(reached, abs=5e-8)


@pytest.mark.parametrize(
    # ASTM E1885 / ISO 4120: fewest right answers in a triangle test at 5 %
    ("trials", "count"),
    [(6, 5), (12, 8), (18, 10), (24, 13), (30, 15), (36, 18), (60, 27)],
)
def test_critical_counts_of_the_triangle_are_the_standards(trials, count):
    assert critical_count(trials, chance=1 / 3) == count


@pytest.mark.parametrize("proportion", [0.5, 0.4, 1.0])
def test_a_proportion_that_cannot_be_planned_for_is_refused(proportion):
    with pytest.raises(AnalysisError, match=r"between 0.5 \(chance\) and 1, found"):
        trials_needed(proportion)
    with pytest.raises(AnalysisError, match="5000 trials can tell"):
        trials_needed(0.501)
