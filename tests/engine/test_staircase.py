"""Staircases lead to the share of right answers that Levitt's table says, whatever the listener's slope."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from models_registry.engine import EngineError
from models_registry.engine.congruence.staircase import PER_OCTAVE, climb, convergence


def listener(slope, middle=80.6, seed=0):
    """Right in 2IFC as a known function says: Φ of (rung over middle) to the power `slope`; and that function."""

    def share(rung):
        ratio = 2.0 ** ((np.asarray(rung, dtype=float) - middle) / PER_OCTAVE)
        return norm.cdf(ratio**slope / np.sqrt(2))

    draw = np.random.default_rng(seed)
    return (lambda rungs: draw.random(rungs.shape) < share(rungs)), share


@pytest.mark.parametrize(("down", "known"), [(1, 0.5), (2, 0.707), (3, 0.794), (4, 0.841)])
def test_the_shares_are_those_of_levitts_table(down, known):
    """Levitt 1971, table I."""
    assert convergence(down) == pytest.approx(known, abs=5e-4)


@pytest.mark.parametrize("down", [2, 3])
@pytest.mark.parametrize("slope", [0.7, 1.0, 2.0])
def test_a_staircase_comes_to_the_share_that_its_rule_says(down, slope):
    answer, share = listener(slope, seed=down)
    found = climb(answer, top=160, start=112, tracks=400, down=down)
    assert np.isfinite(found.rungs).all()
    # the known function at the mean threshold
    assert float(share(found.rungs.mean())) == pytest.approx(convergence(down), abs=0.02)


def test_who_is_always_right_is_led_to_the_bottom_and_who_only_guesses_finds_nothing():
    found = climb(
        lambda rungs: np.ones(rungs.shape, dtype=bool), top=30, start=20, tracks=3, down=2
    )
    assert np.isnan(found.rungs).all()
    assert (found.tried[-1] == 0).all()
    draw = np.random.default_rng(0)
    guessing = climb(lambda rungs: draw.random(rungs.shape) < 0.5, top=12, start=6, tracks=50)
    assert np.nanmean(guessing.rungs) > 9 or np.isnan(guessing.rungs).mean() > 0.5


def test_a_start_beside_the_ladder_is_refused():
    with pytest.raises(EngineError, match="expected a start from 0 to 5"):
        climb(lambda rungs: rungs > 0, top=5, start=6, tracks=1)
