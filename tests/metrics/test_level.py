"""Peaks, offset, clipping and silence: closed forms."""

import numpy as np
import pytest

from metrics.level import clipping, crest_factor, dc_offset, silence

RATE = 48_000
TIME = np.arange(RATE) / RATE
SINE = 0.5 * np.sin(2 * np.pi * 1_000 * TIME)[None]
NOISE = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))


def test_crest_factors_of_the_textbook():
    """Sine √2, square 1, triangle √3; a unit pulse each n samples √n."""
    assert crest_factor(SINE, RATE) == pytest.approx(20 * np.log10(np.sqrt(2)), abs=1e-9)
    assert crest_factor(np.sign(SINE + 1e-9), RATE) == pytest.approx(0, abs=1e-9)
    triangle = 2 * np.abs(2 * (TIME * 100 % 1) - 1)[None] - 1
    assert crest_factor(triangle, RATE) == pytest.approx(20 * np.log10(np.sqrt(3)), abs=1e-3)
    pulses = (np.arange(RATE) % 100 == 0).astype(float)[None]
    assert crest_factor(pulses, RATE) == pytest.approx(20, abs=1e-9)


def test_crest_factor_ignores_level_and_polarity():
    assert crest_factor(-0.1 * NOISE, RATE) == pytest.approx(crest_factor(NOISE, RATE), abs=1e-9)


def test_dc_offset_is_the_mean_of_the_worst_channel():
    two = np.concatenate([SINE + 0.02, SINE - 0.05])
    assert dc_offset(two, RATE) == pytest.approx(5, abs=1e-9)
    assert dc_offset(SINE, RATE) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("gain", [1.2, 2.0, 50.0])
def test_clipping_of_a_clipped_sine_is_the_time_that_it_would_be_beyond(gain):
    """|g·sin φ| ≥ 1 for a share of 1 − (2/π)·arcsin(1/g); here to within the samples at the edges of each peak."""
    hz = 97  # no whole number of samples in a period
    clipped = np.clip(gain * np.sin(2 * np.pi * hz * TIME), -1, 1)[None]
    expected = 100 * (1 - 2 / np.pi * np.arcsin(1 / gain))
    assert clipping(clipped, RATE) == pytest.approx(expected, abs=100 * 2 * hz / RATE)


def test_clipping_is_counted_in_16_bits_as_in_floating_point():
    clipped = np.clip(2 * np.sin(2 * np.pi * 97 * TIME), -1, 1)[None]
    as_int16 = np.clip(np.round(clipped * 32768), -32768, 32767) / 32768
    assert clipping(as_int16, RATE) == pytest.approx(clipping(clipped, RATE), abs=0.5)


def test_a_peak_that_just_fits_is_not_clipped():
    """Nor are two neighbours, nor three that alternate."""
    signal = NOISE.copy()
    signal[0, 10] = signal[0, 20] = signal[0, 21] = 1.0
    signal[0, 30:33] = 1.0, -1.0, 1.0
    assert clipping(signal, RATE) == 0
    signal[0, 40:43] = -1.0
    assert clipping(signal, RATE) == pytest.approx(100 * 3 / RATE)


@pytest.mark.parametrize("share", [0.0, 0.24, 0.5])
def test_silence_is_the_share_of_time_without_sound(share):
    signal = np.concatenate([NOISE, NOISE])
    signal[0, RATE // 2 :] = 0
    assert silence(signal, RATE) == 0  # the other channel sounds
    signal[:, RATE - round(share * RATE) :] = 1e-4
    assert silence(signal, RATE) == pytest.approx(100 * share, abs=1e-9)
