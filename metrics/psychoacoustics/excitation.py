"""Excitation of 47 overlapping channels, one Bark wide and half a Bark apart, after Terhardt (1979).

What roughness and fluctuation strength have in common: a spectrum is spread over the channels by the slopes of masking,
and each channel keeps the phases, so that its signal in time beats as the ear's does.

Conventions: spectra are of one frame, in units of 20 µPa, scaled so that a sine has its root mean square; channels
i = 0 … 46 lie at (i + 1)/2 Bark; levels are in dB SPL.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft

from metrics.psychoacoustics.loudness import Array

CHANNELS = 47
CENTRES = np.arange(1, CHANNELS + 1) / 2
# What the ear hears, in Hz.
LOWEST, HIGHEST = 20.0, 20_000.0
# Terhardt's slopes (dB/Bark): fixed towards lower channels, and towards higher ones less steep with level.
LOWER_SLOPE = 27.0
# A channel that fluctuates by less, relative to its mean, fluctuates by the rounding of the transform alone.
ROUNDING = 1e-9
# Far below any threshold (dB SPL); keeps the logarithm of nothing defined.
NOTHING = -200.0

# fmt: off
# Zwicker, Fastl: Psychoacoustics, Table 6.1: frequency (Hz) of each half Bark from 0.
HALF_BARK_HZ = np.array([
    0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 510, 570, 630, 700, 770, 840, 920, 1000, 1080,
    1170, 1270, 1370, 1480, 1600, 1720, 1850, 2000, 2150, 2320, 2500, 2700, 2900, 3150, 3400, 3700,
    4000, 4400, 4800, 5300, 5800, 6400, 7000, 7700, 8500, 9500, 10500, 12000, 13500, 15500, 20000,
], dtype=float)
# Fig. 2.1, as the model of roughness has it: threshold in quiet (dB SPL) over Bark.
THRESHOLD_BARK = np.array([
    0, 0.01, 0.17, 0.8, 1, 1.5, 2, 3.3, 4, 5, 6, 8, 10, 12, 13.3,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 24.5, 25,
])
THRESHOLD_DB = np.array([
    130, 70, 60, 30, 25, 20, 15, 10, 8.1, 6.3, 5, 3.5, 2.5, 1.7, 0,
    -2.5, -4, -3.7, -1.5, 1.4, 3.8, 5, 7.5, 15, 48, 60, 130,
])
# Fig. 8.18: a0, what outer and middle ear transmit from a free field (dB) over Bark.
FREE_FIELD_BARK = np.array([
    0, 10, 12, 13, 14, 15, 16, 16.5, 17, 18, 18.5, 19, 20, 21, 21.5, 22, 22.5, 23, 23.5, 24, 25, 26,
])
FREE_FIELD_DB = np.array([
    0, 0, 1.15, 2.31, 3.85, 5.62, 6.92, 7.38, 6.92, 4.23, 2.31, 0,
    -1.43, -2.59, -3.57, -5.19, -7.41, -11.3, -20, -40, -130, -999,
])
# fmt: on


def bark(frequency: NDArray[Any]) -> Array:
    """Return the critical-band rate (Bark) of `frequency` (Hz)."""
    return np.interp(frequency, HALF_BARK_HZ, np.arange(len(HALF_BARK_HZ)) / 2)


@dataclass(frozen=True)
class Spreading:
    """How each audible bin of a frame reaches each channel; arrays are (bins,) or (47, bins).

    first: number of the first bin. up: distance (Bark) to the neighbour of a higher channel, over which the level
    falls by the upper slope; 0 elsewhere. down: what is lost towards lower channels (dB, negative); 0 elsewhere.
    least: threshold (dB SPL) that must be exceeded there.
    """

    first: int
    frequency: NDArray[Any]
    transmission: Array
    threshold: Array
    up: Array
    down: Array
    least: Array


@lru_cache(maxsize=4)
def spreading(frames: int, rate: int, *, ear_canal: bool = True) -> Spreading:
    """Return the spreading of frames of that length at `rate` (Hz); without `ear_canal` a0 has no resonance."""
    first = int(np.ceil(LOWEST * frames / rate))
    frequency = np.arange(first, int(HIGHEST * frames / rate) + 1) * (rate / frames)
    z = bark(frequency)
    a0 = np.interp(z, FREE_FIELD_BARK, FREE_FIELD_DB)
    number = np.arange(1, CHANNELS + 1)[:, None]
    own_low, own_high = np.floor(2 * z), np.ceil(2 * z)
    # A component counts in full in the two channels around it. Those farther off hear it as strongly as it excites
    # their neighbour on its side.
    above, below = number > own_high, number < own_low
    neighbour = number - above.astype(int) + below.astype(int)
    distance = neighbour / 2 - z
    threshold_of_channel = np.interp(neighbour / 2, THRESHOLD_BARK, THRESHOLD_DB)
    return Spreading(
        first=first,
        frequency=frequency,
        transmission=10 ** ((a0 if ear_canal else np.minimum(a0, 0)) / 20),
        threshold=np.interp(z, THRESHOLD_BARK, THRESHOLD_DB),
        up=np.where(above, np.maximum(distance, 0), 0.0),
        down=np.where(below, LOWER_SLOPE * np.minimum(distance, 0), 0.0),
        least=np.where(above | below, threshold_of_channel, -np.inf),
    )


def excited(spectrum: NDArray[Any], by: Spreading) -> NDArray[Any]:
    """Return the spectra (47, bins) that the channels hear of a frame's `spectrum` (from `rfft`), from bin 0."""
    heard = spectrum[by.first : by.first + len(by.frequency)] * by.transmission
    with np.errstate(divide="ignore"):
        level = np.maximum(20 * np.log10(np.abs(heard)), NOTHING)
    heard[level <= by.threshold] = 0
    # Terhardt (1979): S2 = −24 − 230 Hz/f + 0.2 L dB/Bark, never rising.
    upper_slope = np.minimum(-24 - 230 / by.frequency + 0.2 * level, 0)
    change = upper_slope * by.up
    change += by.down
    audible = change + level > by.least
    change *= np.log(10) / 20
    np.exp(change, out=change)
    change *= audible
    out = np.zeros((CHANNELS, by.first + len(by.frequency)), dtype=complex)
    np.multiply(change, heard, out=out[:, by.first :])
    return out


def rectified(spectrum: NDArray[Any], by: Spreading, frames: int) -> Array:
    """Return the signals (47, frames) of the channels, full-wave rectified."""
    signals = irfft(excited(spectrum, by), frames)
    return np.abs(signals, out=signals)


def correlations(product: Array, energy: Array, mean: Array) -> tuple[Array, Array]:
    """Return the correlation (47,) of each channel with that one Bark below, and above; 1 at the ends, where none is.

    product: covariance (45,) of channels one Bark apart; energy: variance (47,); mean: of their envelopes (47,).
    """
    fluctuates = energy > (ROUNDING * mean) ** 2
    together = fluctuates[:-2] & fluctuates[2:]
    norm = np.sqrt(np.where(together, energy[:-2] * energy[2:], 1.0))
    correlation = np.where(together, product / norm, 0.0)
    ends = np.ones(2)
    return np.concatenate([ends, correlation]), np.concatenate([correlation, ends])
