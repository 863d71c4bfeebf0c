"""The share of an error that is masked: of a tone beside a louder one by how near and how soft it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import EngineError, ear
from models_registry.engine.congruence.masking import masking

RATE = 48_000


def tone(frequency, level, seconds=0.5):
    """A sine with `level` dB SPL where full scale has 92."""
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    return (10 ** ((level - ear.FULL_SCALE) / 20) * torch.sin(2 * torch.pi * frequency * time))[
        None
    ]


def share(frequency, level):
    target = tone(1_000, 80)
    return masking([(target + tone(frequency, level), target)], rate=RATE).energy


def test_a_soft_tone_is_masked_beside_a_loud_one_and_a_louder_or_farther_one_is_not():
    """The known facts of masking patterns: the threshold lies well below the masker's level, upwards it falls slowly,
    downwards by 27 dB per Bark."""
    assert share(1_050, 55) > 0.95
    assert share(1_050, 79) < 0.05
    # 2.5 Bark above and below
    assert share(1_480, 40) > 0.9
    assert share(690, 40) < 0.1


def test_it_is_the_share_of_what_lies_below_and_above():
    """Of two errors far apart, one masked and one not, the energies say the share."""
    target = tone(1_000, 80)
    both = masking([(target + tone(1_050, 55) + tone(200, 55), target)], rate=RATE)
    alone = [10 ** (5.5) * float(ear.weighting(torch.tensor(f))) for f in (1_050.0, 200.0)]
    assert both.energy == pytest.approx(alone[0] / sum(alone), abs=0.05)
    assert np.argmax(both.error_level) in [
        int(np.argmin(np.abs(np.array(both.centres) - f))) for f in (1_050, 200)
    ]


def test_an_error_a_hundred_decibels_down_is_masked_altogether_and_the_interval_holds_the_share():
    draw = torch.Generator().manual_seed(0)
    pairs = []
    for gain in (1e-5, 1e-5, 1e-5, 1e-5):
        target = 0.1 * torch.randn(1, RATE // 2, generator=draw, dtype=torch.float64)
        pairs.append((target * (1 + gain), target))
    found = masking(pairs, rate=RATE)
    assert found.energy == 1
    assert found.noise_to_mask < -60
    assert (found.energy_low, found.energy_high, found.clips) == (1, 1, 4)
    mixed = masking([*pairs[:3], (pairs[0][1] * 2, pairs[0][1])], rate=RATE)
    assert mixed.cells_low is not None
    assert mixed.cells_high is not None
    assert mixed.cells_low < mixed.cells < mixed.cells_high
    assert masking(pairs[:2], rate=RATE).energy_low is None


def test_no_error_and_unlike_lengths_are_refused():
    target = tone(1_000, 80)
    with pytest.raises(EngineError, match="differ from their targets"):
        masking([(target, target)], rate=RATE)
    with pytest.raises(EngineError, match="of one shape"):
        masking([(target[:, :-5], target)], rate=RATE)
    with pytest.raises(EngineError, match="at least one output"):
        masking([], rate=RATE)
