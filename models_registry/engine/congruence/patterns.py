"""What the ear makes of a sound and what an adapter makes of it, at the same moments.

Conventions: signals are tensors (channels, frames of samples); patterns are arrays (moments, units), a moment being a
frame of the ear (see `ear`, half a frame of 43 ms apart). Excitation is in dB SPL; modulation is the magnitude of the
fluctuations of specific loudness in octaves around `RATES` Hz, in sone per Bark.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine import ear
from models_registry.engine.adapters import Adapter
from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]

STEP = 0.5
# Hz; the ear's frames come 47 times a second
RATES = (2.0, 4.0, 8.0, 16.0)
# s: two periods of the slowest
SHORTEST = 1.0


def moments(count: int, *, rate: int) -> Array:
    """The middle (s) of each of the ear's first `count` frames."""
    size = ear.scale(rate, STEP).size
    return (np.arange(count) + 1) * size / 2 / rate


def excitation(signal: Tensor, *, rate: int) -> Array:
    """Excitation levels (moments, bands) of the mean of `signal`'s channels; raises `EngineError` where it is shorter
    than a frame."""
    return 10 * np.log10(_pattern(signal, rate).numpy())


def modulation(signal: Tensor, *, rate: int) -> Array:
    """Modulation (moments, bands · octaves) of `signal`, which has a second or more."""
    if signal.shape[-1] < SHORTEST * rate:
        raise EngineError(
            f"expected {SHORTEST:g} s or more to hear fluctuations of {RATES[0]:g} Hz, found "
            f"{signal.shape[-1] / rate:.2f} s"
        )
    by = ear.scale(rate, STEP)
    loud = ear.specific_loudness(_pattern(signal, rate), by).numpy()
    pace = 2 * rate / by.size
    spectrum = np.fft.fft(loud - loud.mean(axis=0), axis=0)
    at = np.fft.fftfreq(len(loud), 1 / pace)
    found = []
    for middle in RATES:
        # positive frequencies twice: the analytic signal, whose magnitude is the envelope
        octave = 2.0 * ((at >= middle / math.sqrt(2)) & (at < middle * math.sqrt(2)))
        found.append(np.abs(np.fft.ifft(spectrum * octave[:, None], axis=0)))
    return np.concatenate(found, axis=1)


def _pattern(signal: Tensor, rate: int) -> Tensor:
    by = ear.scale(rate, STEP)
    with torch.no_grad():
        power = ear.band_power(signal.detach().double().mean(0, keepdim=True), by)
        return ear.smeared(ear.excitation(power, by), by)[0]


def features(adapter: Adapter, signal: Tensor, *, rate: int) -> Array | None:
    """The hidden units of `adapter` (moments, channels · units) for `signal`, at the ear's moments; None where it does
    not listen."""
    with torch.no_grad():
        hidden = adapter.insight(signal[None])
    if hidden is None:
        return None
    units = hidden.double().permute(1, 0, 2).flatten(1).numpy()
    by = ear.scale(rate, STEP)
    count = (signal.shape[-1] - by.size) // (by.size // 2) + 1
    table = averaging(
        moments(count, rate=rate), times(adapter, len(units), rate=rate), by.size / 2 / rate
    )
    return table @ units


def times(adapter: Adapter, steps: int, *, rate: int) -> Array:
    """The middle (s) of what `adapter` hears for each of its first `steps`."""
    return ((np.arange(steps) + 1) * adapter.hop - adapter.span / 2) / rate


def averaging(at: Array, of: Array, width: float) -> Array:
    """Weights (moments, steps) by which steps in the middle of `of` make moments in the middle of `at` (both s, even):
    triangles `width` s to either side, or as wide as the steps are apart."""
    reach = max(width, float(of[1] - of[0]) if len(of) > 1 else width)
    weights = np.clip(1 - np.abs(at[:, None] - of[None]) / reach, 0, None)
    sums = weights.sum(axis=1, keepdims=True)
    # beyond the outer steps the outer ones hold
    nearest = np.abs(at[:, None] - of[None]).argmin(axis=1)
    weights[sums[:, 0] == 0, nearest[sums[:, 0] == 0]] = 1
    return weights / np.where(sums == 0, 1, sums)
