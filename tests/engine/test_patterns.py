"""The ear's patterns and an adapter's features meet at the same moments."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, EngineError, ear
from models_registry.engine.adapters import Adapter
from models_registry.engine.congruence import patterns
from tests.engine.cast import awake, followed, noise

RATE = 44_100


def tone(depth, pace, seconds=2.0):
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    swing = 1 + depth * torch.sin(2 * torch.pi * pace * time)
    return (0.1 * swing * torch.sin(2 * torch.pi * 1_000 * time))[None]


def test_a_tone_excites_its_own_place_most_and_at_its_level():
    levels = patterns.excitation(tone(0, 1), rate=RATE)
    by = ear.scale(RATE, patterns.STEP)
    peak = int(levels.mean(0).argmax())
    assert float(by.centres[peak]) == pytest.approx(1_000, rel=0.05)
    # 20 dB below full scale, which has 92 dB SPL; the middle ear takes 2 dB, and two bands share the tone
    assert 64 < levels.mean(0).max() < 72
    softer = patterns.excitation(0.1 * tone(0, 1), rate=RATE)
    assert levels.mean(0)[peak] - softer.mean(0)[peak] == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("pace", [2.1, 4.2, 8.3, 15])
def test_a_fluctuation_is_found_in_its_octave(pace):
    found = patterns.modulation(tone(0.5, pace), rate=RATE)
    bands = found.shape[1] // len(patterns.RATES)
    by_octave = found.mean(0).reshape(len(patterns.RATES), bands).max(1)
    assert patterns.RATES[int(by_octave.argmax())] == pytest.approx(pace, rel=0.1)
    assert by_octave.max() > 3 * patterns.modulation(tone(0, 1), rate=RATE).mean(0).max()


def test_features_follow_the_sound_at_the_moments_of_the_ear():
    chain = awake(Chain.from_spec(followed()))
    signal = torch.from_numpy(noise(1, RATE))
    # 30 dB softer from the middle on
    signal[:, RATE // 2 :] *= 0.03
    units = patterns.features(cast(Adapter, chain.adapters[0]), signal, rate=RATE)
    assert units is not None
    levels = patterns.excitation(signal, rate=RATE)
    assert len(units) == len(levels)
    at = patterns.moments(len(levels), rate=RATE)
    change = np.abs(np.diff(units, axis=0)).sum(1)
    assert at[1:][change.argmax()] == pytest.approx(0.5, abs=0.05)


def test_averages_keep_a_constant_and_a_slope():
    at, of = np.linspace(0.1, 0.9, 9), np.linspace(0, 1, 101)
    table = patterns.averaging(at, of, 0.05)
    np.testing.assert_allclose(table.sum(1), 1)
    np.testing.assert_allclose(table @ of, at, atol=1e-9)


def test_an_adapter_that_does_not_listen_has_no_features_and_a_moment_has_no_fluctuations():
    spec = followed()
    spec["adapters"] = [
        {"kind": "embedding", "targets": {"drive.drive": 0.1}, "names": ["a"], "size": 2}
    ]
    chain = Chain.from_spec(spec)
    signal = torch.from_numpy(noise(1, RATE // 2))
    assert patterns.features(cast(Adapter, chain.adapters[0]), signal, rate=RATE) is None
    with pytest.raises(EngineError, match="expected 1 s or more"):
        patterns.modulation(signal, rate=RATE)
