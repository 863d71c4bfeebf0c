"""A measured room: scipy's convolution, decay times by ISO 3382, ratios of energies by definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine.blocks import MeasuredRoom
from models_registry.engine.blocks.partitioned import PARTITION

from .cast import noise
from .test_reverb import schroeder

RATE, SECONDS = 16_000, 1.0
DIRECT_MS = 5
# where the direct sound is largest, and where it is over
PEAK = 40
LATE = PEAK + DIRECT_MS * RATE // 1_000


def measured(rt60=0.5):
    """A room as it might have been measured: some way to the microphone, the direct sound, noise that dies away."""
    frames = round(SECONDS * RATE)
    decay = 10 ** (-3 * np.arange(frames) / RATE / rt60)
    room = 0.05 * noise(frames, seed=1).astype(np.float64) * decay
    room[:PEAK] *= 0.01
    room[PEAK] = 0.9
    return room


def block():
    return MeasuredRoom(RATE, {"length": round(1_000 * SECONDS), "direct": DIRECT_MS})


def values(late=0.0, damping=0.0):
    known = {"response": measured(), "late": late, "damping": damping}
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in known.items()}


@pytest.mark.parametrize("frames", [1, 100, PARTITION, 3 * PARTITION + 17])
def test_a_sound_is_convolved_as_scipy_does(frames):
    sound = noise(frames).astype(np.float64)
    wanted = sp.fftconvolve(sound, measured())[:frames]
    with torch.no_grad():
        played = block().process(torch.from_numpy(sound)[None, None], values(), None)[0]
    trained = block().process(torch.from_numpy(sound)[None, None], values(), None)[0]
    assert played.numpy().ravel() == pytest.approx(wanted, abs=1e-12)
    assert trained.numpy().ravel() == pytest.approx(wanted, abs=1e-12)


def test_late_is_the_change_of_the_direct_to_reverberant_ratio():
    def ratio(response):
        energy = response.numpy() ** 2
        return 10 * np.log10(energy[:LATE].sum() / energy[LATE:].sum())

    room = block()
    assert ratio(room.impulse(values(late=-7))) - ratio(room.impulse(values())) == pytest.approx(7)
    assert room.impulse(values(late=-7))[:LATE].numpy() == pytest.approx(measured()[:LATE])


@pytest.mark.parametrize("damping", [0.0, 40.0, 120.0])
def test_damping_shortens_the_decay_time_as_the_card_says(damping):
    response = block().impulse(values(damping=damping)).numpy().copy()
    response[:LATE] = 0
    assert schroeder(response) == pytest.approx(60 / (60 / 0.5 + damping), rel=0.05)


def test_the_response_is_the_transform_of_the_impulse_response():
    frequencies = np.array([0.0, 125.0, 1_000.0, 3_999.0])
    found = block().response(values(late=-3, damping=30), torch.from_numpy(frequencies))
    impulse = block().impulse(values(late=-3, damping=30)).numpy()
    _, wanted = sp.freqz(impulse, worN=frequencies, fs=RATE)
    assert found.numpy() == pytest.approx(wanted, abs=1e-9)
