"""The pitch of sounds whose pitch is known: sums of sines, and glides; and the refusal of what has none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import EngineError
from models_registry.engine.pitch import THRESHOLD, Yin

from .cast import noise


def tone(frequency, rate, frames, partials, phase=0.0):
    """A sum of sines, by number of the partial its amplitude."""
    time = np.arange(frames) / rate
    return sum(
        level * np.sin(2 * np.pi * k * (frequency * time + phase)) for k, level in partials.items()
    )


SOUNDS = {
    "a sine": {1: 1.0},
    "eight partials that fall by 6 dB per octave": {k: 1 / k for k in range(1, 9)},
    "no fundamental": {k: 1 / k for k in range(2, 9)},
    "a pulse": dict.fromkeys(range(1, 8), 1.0),
}


@pytest.mark.parametrize("partials", SOUNDS.values(), ids=SOUNDS)
@pytest.mark.parametrize(("rate", "cents"), [(16_000, 10), (44_100, 3), (48_000, 3)])
def test_the_pitch_of_a_periodic_sound_is_its_own(rate, cents, partials):
    pitch = Yin(rate)
    wanted = np.geomspace(65, 950, 25)
    frames = np.stack(
        [tone(f, rate, pitch.size, partials, phase=0.1 * n) for n, f in enumerate(wanted)]
    )
    found = pitch(torch.from_numpy(frames))
    assert np.abs(1_200 * np.log2(found.frequency.numpy() / wanted)).max() < cents
    assert found.aperiodicity.max() < THRESHOLD


def test_a_glide_is_followed():
    """A logarithmic chirp of scipy's, an octave in a second, in frames of the past 40 ms."""
    rate, hop = 16_000, 160
    pitch = Yin(rate)
    time = np.arange(rate) / rate
    sound = torch.from_numpy(sp.chirp(time, 200, 1, 400, method="logarithmic"))
    found = pitch(sound.unfold(0, pitch.size, hop)).frequency.numpy()
    # what a frame tells is of the middle of the window and its shifted copy
    middle = pitch.size - (pitch.window + pitch.smoothed + rate / found) / 2
    at = (np.arange(found.size) * hop + middle) / rate
    assert np.abs(1_200 * np.log2(found / (200 * 2**at))).max() < 3


def test_the_difference_function_is_the_papers_sum():
    pitch = Yin(8_000)
    frame = noise(pitch.size).astype(np.float64)
    found = pitch.difference(torch.from_numpy(frame)).numpy()
    smooth = np.convolve(frame, np.ones(pitch.smoothed) / pitch.smoothed, "valid")[::-1]
    window = smooth[: pitch.window]
    expected = [
        np.sum((window - smooth[lag : lag + pitch.window]) ** 2) for lag in range(pitch.longest + 2)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_noise_and_silence_have_no_pitch():
    pitch = Yin(16_000)
    found = pitch(torch.from_numpy(noise(20, pitch.size)))
    assert found.aperiodicity.min() > 0.3
    assert pitch(torch.zeros(2, pitch.size)).aperiodicity.tolist() == [1, 1]
    ended = tone(220, 16_000, pitch.size, {1: 1.0})
    ended[-pitch.window :] *= 0.01
    assert pitch(torch.from_numpy(ended)).aperiodicity.item() == 1


def test_what_cannot_be_heard_is_refused():
    with pytest.raises(EngineError, match="expected 0 < lowest < highest of at most a quarter"):
        Yin(8_000, highest=3_000)
    with pytest.raises(EngineError, match="expected frames of .* samples, found 100"):
        Yin(16_000)(torch.zeros(100))
