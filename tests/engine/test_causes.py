"""Known causes are found again; in a hundred chains of each kind: tests/benchmarks/bench_causes.py."""

from __future__ import annotations

import pytest

from tests.engine.causes import moved, spoiler, worker


@pytest.mark.parametrize("seed", range(3))
def test_the_part_that_does_the_work_has_the_largest_share_and_is_missed_most(seed):
    by_share, by_effect = worker(seed)
    assert by_share.found == by_share.cause
    assert by_effect.found == by_effect.cause


@pytest.mark.parametrize("seed", range(3))
def test_the_part_that_spoils_is_the_one_whose_removal_mends_most(seed):
    found = spoiler(seed)
    assert found.found == found.cause


@pytest.mark.parametrize("seed", range(3))
def test_the_parameter_that_was_moved_is_what_the_counterfactual_changes(seed):
    found, _ = moved(seed)
    assert found.found == found.cause
