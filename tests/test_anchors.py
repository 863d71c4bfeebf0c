"""The anchors against the mask that ITU-R BS.1534-3 prescribes (p. 7)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from listening.anchors import LOW_ANCHOR_HZ, MID_ANCHOR_HZ, made_anchor
from models_registry.audio import Audio, AudioError
from models_registry.degradations import low_pass, low_passed

RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)


def attenuation(cut_off: int, rate: int, frequencies: list[float]) -> np.ndarray:
    """dB, measured on what the filter does to an impulse."""
    impulse = np.zeros((1, rate), np.float32)
    impulse[0, rate // 2] = 1
    response = low_passed(Audio(impulse, rate), cut_off).samples[0]
    _, spectrum = signal.freqz(response, worN=frequencies, fs=rate)
    return -20 * np.log10(np.abs(spectrum))


@pytest.mark.parametrize("rate", RATES)
def test_the_low_anchor_meets_the_mask_at_every_rate(rate):
    passed = attenuation(LOW_ANCHOR_HZ, rate, list(np.linspace(20, 3_500, 500)))
    assert np.abs(passed).max() <= 0.1
    at_4k, at_4k5 = attenuation(LOW_ANCHOR_HZ, rate, [4_000, 4_500])
    assert at_4k >= 25
    assert at_4k5 >= 50


@pytest.mark.parametrize("rate", [r for r in RATES if r > 16_000])
def test_the_mid_anchor_meets_the_mask_in_proportion(rate):
    passed = attenuation(MID_ANCHOR_HZ, rate, list(np.linspace(20, 7_000, 500)))
    assert np.abs(passed).max() <= 0.1
    at_8k, at_9k = attenuation(MID_ANCHOR_HZ, rate, [8_000, 9_000])
    assert at_8k >= 25
    assert at_9k >= 50


def test_an_anchor_is_aligned_with_its_reference_to_the_sample():
    rng = np.random.default_rng(0)
    noise = Audio(rng.normal(0, 0.1, (2, 9_600)).astype(np.float32), 48_000)
    filtered = low_passed(noise, LOW_ANCHOR_HZ)
    assert filtered.samples.shape == noise.samples.shape
    for channel in range(2):
        lags = signal.correlation_lags(noise.frames, noise.frames)
        correlation = signal.correlate(filtered.samples[channel], noise.samples[channel])
        assert lags[np.argmax(correlation)] == 0


def test_a_rate_that_cannot_hold_the_anchor_is_refused():
    with pytest.raises(
        AudioError, match="7000 Hz low-pass needs a sample rate above 16000 Hz, found 16000"
    ):
        low_pass(MID_ANCHOR_HZ, 16_000)


def test_further_anchors_are_the_same_for_the_same_item_and_differ_between_items():
    rng = np.random.default_rng(1)
    items = [Audio(rng.normal(0, 0.1, (1, 48_000)).astype(np.float32), 48_000) for _ in range(2)]
    made = {"kind": "packet-loss", "at": 20}
    first, second = (made_anchor(item, "anchor", made).samples == 0 for item in items)
    np.testing.assert_array_equal(first, made_anchor(items[0], "anchor", made).samples == 0)
    assert not np.array_equal(first, second)
