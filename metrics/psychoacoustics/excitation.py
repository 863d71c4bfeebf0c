"""Excitation of 47 overlapping channels, one Bark wide and half a Bark apart, after Terhardt (1979).

What roughness and fluctuation strength have in common: a spectrum is spread over the channels by the slopes of masking,
and each channel keeps the phases, so that its signal in time beats as the ear's does.

Conventions: spectra are of one frame, in units of 20 µPa, scaled so that a sine has its root mean square; channels
i = 0 … 46 lie at (i + 1)/2 Bark; levels are in dB SPL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft

from metrics.psychoacoustics.loudness import Array

Samples = NDArray[np.float32]

CHANNELS = 47
CENTRES = np.arange(1, CHANNELS + 1) / 2
# What the ear hears, in Hz.
LOWEST, HIGHEST = 20.0, 20_000.0
# Terhardt's slopes (dB/Bark): fixed towards lower channels, and towards higher ones less steep with level.
LOWER_SLOPE = 27.0
# A channel that fluctuates by less, relative to its mean, fluctuates by the rounding of the transform alone.
ROUNDING = 1e-6
# Rectified samples stand for the rectified wave where there are so many of them in a period: a tone whose period they
# divide then seems to beat by 2/(16² − 1), less than 1 %.
OVERSAMPLING = 16
DIVISORS = (1, 2, 3, 4, 6)
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
    """Which audible bins of a frame reach each channel, and how; arrays are (bins,) or (47,).

    first: number of the first bin. z: Bark. transmission: of outer and middle ear, a factor of amplitude.
    threshold: in quiet (dB SPL). steepness: of the upper slope at 0 dB SPL (dB/Bark).
    own, above: each channel hears the bins own[i]:above[i] in full, those before by the upper slope of masking, those
    after by the lower one. from_below, from_above: thresholds (dB SPL) that must be exceeded in its neighbours.
    """

    first: int
    z: Samples
    transmission: Samples
    threshold: Samples
    steepness: Samples
    own: NDArray[np.intp]
    above: NDArray[np.intp]
    from_below: Array
    from_above: Array


@lru_cache(maxsize=4)
def spreading(frames: int, rate: int, *, ear_canal: bool = True) -> Spreading:
    """Return the spreading of frames of that length at `rate` (Hz); without `ear_canal` a0 has no resonance."""
    first = int(np.ceil(LOWEST * frames / rate))
    frequency = np.arange(first, int(HIGHEST * frames / rate) + 1) * (rate / frames)
    z = bark(frequency)
    a0 = np.interp(z, FREE_FIELD_BARK, FREE_FIELD_DB)
    # A component counts in full in the two channels around it. Those farther off hear it as strongly as it excites
    # their neighbour on its side.
    lower, upper = CENTRES - 0.5, CENTRES + 0.5
    return Spreading(
        first=first,
        z=z.astype(np.float32),
        transmission=(10 ** ((a0 if ear_canal else np.minimum(a0, 0)) / 20)).astype(np.float32),
        threshold=np.interp(z, THRESHOLD_BARK, THRESHOLD_DB).astype(np.float32),
        # Terhardt (1979): S2 = −24 − 230 Hz/f + 0.2 L dB/Bark.
        steepness=(-24 - 230 / frequency).astype(np.float32),
        own=np.searchsorted(z, lower, side="right"),
        above=np.searchsorted(z, upper, side="left"),
        from_below=np.interp(lower, THRESHOLD_BARK, THRESHOLD_DB),
        from_above=np.interp(upper, THRESHOLD_BARK, THRESHOLD_DB),
    )


def heard(spectra: NDArray[Any], by: Spreading) -> tuple[NDArray[np.complex64], Samples]:
    """Return what outer and middle ear let through of `spectra` (n, bins; from `rfft`), and its levels (dB SPL).

    Both are (n, heard bins), from bin `by.first`, in single precision, which is finer than any ear.
    """
    through = spectra[:, by.first : by.first + len(by.z)].astype(np.complex64)
    through *= by.transmission
    with np.errstate(divide="ignore"):
        level = np.maximum(20 * np.log10(np.abs(through)), np.float32(NOTHING))
    through[level <= by.threshold] = 0
    return through, level


def gains(level: Samples, by: Spreading) -> Iterator[Samples]:
    """Yield, channel after channel, by which factor it hears the bins of frames with `level` (n, heard bins).

    Each is (n, bins that reach the channel), from the first heard bin on.
    """
    slope = np.minimum(by.steepness + np.float32(0.2) * level, 0)  # never rising
    loudest = float(level.max())
    per_db = np.float32(np.log(10) / 20)
    for channel in range(CHANNELS):
        own, above = by.own[channel], by.above[channel]
        # Lower channels hear a component no farther than its level lasts.
        reach = CENTRES[channel] + 0.5 + (loudest - by.from_above[channel]) / LOWER_SLOPE
        end = max(int(np.searchsorted(by.z, np.float32(reach), side="right")), above)
        gain = np.ones((len(level), end), dtype=np.float32)
        change = slope[:, :own] * (np.float32(CENTRES[channel] - 0.5) - by.z[:own])
        audible = change + level[:, :own] > by.from_below[channel]
        change *= per_db
        np.exp(change, out=gain[:, :own])
        gain[:, :own] *= audible
        lost = np.float32(LOWER_SLOPE) * (np.float32(CENTRES[channel] + 0.5) - by.z[above:end])
        gain[:, above:] = np.exp(per_db * lost) * (
            lost + level[:, above:end] > by.from_above[channel]
        )
        yield gain


def rectified(spectra: NDArray[Any], by: Spreading, frames: int) -> Iterator[Samples]:
    """Yield, channel after channel, the signals (n, …), full-wave rectified, of frames with `spectra` (n, bins).

    They have `frames` values or, in low channels, a whole part of them: as many as its highest component needs.
    """
    through, level = heard(spectra, by)
    for gain in gains(level, by):
        bins = by.first + gain.shape[1]
        fewer = max(d for d in DIVISORS if d == 1 or frames // d >= OVERSAMPLING * bins)
        excited = np.zeros((len(gain), bins), dtype=np.complex64)
        np.multiply(gain, through[:, : gain.shape[1]], out=excited[:, by.first :])
        excited *= np.float32(1 / fewer)
        signals = irfft(excited, frames // fewer)
        yield np.abs(signals, out=signals)


def powers(spectra: NDArray[Any], by: Spreading) -> Array:
    """Return the power (47, n) that each channel hears of frames with `spectra` (n, bins)."""
    through, level = heard(spectra, by)
    power = through.real**2 + through.imag**2
    return np.stack(
        [
            np.einsum("nb,nb,nb->n", gain, gain, power[:, : gain.shape[1]], dtype=np.float64)
            for gain in gains(level, by)
        ]
    )


def correlations(product: Array, energy: Array, mean: Array) -> tuple[Array, Array]:
    """Return the correlation (47, n) of each channel with that one Bark below, and above; 1 at the ends, where none is.

    product: covariance (45, n) of channels one Bark apart; energy: variance (47, n); mean: of their envelopes (47, n).
    """
    fluctuates = energy > (ROUNDING * mean) ** 2
    together = fluctuates[:-2] & fluctuates[2:]
    norm = np.sqrt(np.where(together, energy[:-2] * energy[2:], 1.0))
    correlation = np.where(together, product / norm, 0.0)
    ends = np.ones((2, correlation.shape[1]))
    return np.concatenate([ends, correlation]), np.concatenate([correlation, ends])
