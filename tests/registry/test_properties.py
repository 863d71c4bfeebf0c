"""A sound's properties changed one by one: nothing at the neutral end, known amounts elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.audio import Audio
from models_registry.properties import NAMES, changed, properties


def sound(rate=16_000, seconds=1.0):
    draw = np.random.default_rng(0)
    return Audio((0.1 * draw.standard_normal((1, int(rate * seconds)))).astype(np.float32), rate)


def energy_db(samples):
    return 10 * np.log10(float(np.square(samples.astype(float)).sum()))


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_at_their_neutral_values_all_leave_a_sound_as_it_is(rate):
    given = sound(rate)
    neutral = {name: one.neutral for name, one in properties(rate).items()}
    assert tuple(neutral) == NAMES
    np.testing.assert_array_equal(changed(given, neutral).samples, given.samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_both_ends_of_every_range_can_be_had(rate):
    for name, one in properties(rate).items():
        for value in (one.low, one.high):
            found = changed(sound(rate), {name: value})
            assert np.isfinite(found.samples).all()
            assert found.samples.shape == sound(rate).samples.shape


def test_level_and_noise_are_what_they_say():
    given = sound()
    louder = changed(given, {"level": -6.0})
    assert energy_db(louder.samples) == pytest.approx(energy_db(given.samples) - 6, abs=1e-3)
    noisy = changed(given, {"noise": 12.0})
    noise = noisy.samples.astype(float) - given.samples
    assert energy_db(given.samples) - energy_db(noise) == pytest.approx(12, abs=1e-2)


def test_a_narrower_band_holds_nothing_above_it():
    narrow = changed(sound(), {"band": 2_000.0})
    power = np.abs(np.fft.rfft(narrow.samples[0])) ** 2
    above = power[int(2_400 * len(power) / 8_000) :].sum()
    assert above < 1e-4 * power.sum()


def test_reverberation_is_as_much_as_is_said():
    click = Audio(np.zeros((1, 16_000), np.float32), 16_000)
    click.samples[0, 0] = 1
    late = changed(click, {"reverb": 5.0}).samples[0, 1:].astype(float)
    assert -10 * np.log10((late**2).sum()) == pytest.approx(5, abs=0.01)
