"""Roughness: the harshness of modulations between 15 and 300 Hz, by the model of Daniel and Weber (1997).

Conventions as in `loudness`: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, the result their
mean. Roughness is in asper: 1 for a tone of 1 kHz and 60 dB whose amplitude is modulated fully at 70 Hz.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal import get_window

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept
from metrics.psychoacoustics.excitation import (
    CENTRES,
    CHANNELS,
    Spreading,
    correlations,
    rectified,
    spreading,
)
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
)

# Sec. 2.1: frames of 200 ms under a Blackman window, here overlapping by half.
FRAME, HOP = RATE // 5, RATE // 10
WINDOW = get_window("blackman", FRAME)
# Frames computed at once: few enough to stay in the processor's cache.
BLOCK = 8
# Eq. (9): makes the reference sound 1 asper; the authors found 0.25.
CALIBRATION_FACTOR = 0.2484

# fmt: off
# Fig. 2: weights H of modulation frequencies: first and last channel, counted from 1, frequencies (Hz), weights.
MODULATION_WEIGHTS = (
    (1, 4, [0, 17, 23, 25, 32, 37, 48, 67, 90, 114, 171, 206, 247, 294, 358],
     [0, 0.8, 0.95, 0.975, 1, 0.975, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0]),
    (5, 15, [0, 32, 43, 56, 69, 92, 120, 142, 165, 231, 277, 331, 397, 502],
     [0, 0.8, 0.95, 1, 0.975, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0]),
    (16, 20, [0, 23.5, 34, 47, 56, 63, 79, 100, 115, 135, 159, 172, 194, 215, 244, 290, 348, 415, 500, 645],
     [0, 0.4, 0.6, 0.8, 0.9, 0.95, 1, 0.975, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0]),
    (21, 41, [0, 19, 44, 52.5, 58, 75, 101.5, 114.5, 132.5, 143.5, 165.5, 197.5, 241, 290, 348, 415, 500, 645],
     [0, 0.4, 0.8, 0.9, 0.95, 1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0]),
    (42, 47, [0, 15, 41, 49, 53, 64, 71, 88, 94, 106, 115, 137, 180, 238, 290, 348, 415, 500, 645],
     [0, 0.4, 0.8, 0.9, 0.965, 0.99, 1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0]),
)
# Aures (1985): weight of each whole Bark from 0.
BARK_WEIGHTS = [
    0.15, 0.26, 0.38, 0.47, 0.54, 0.65, 0.76, 0.83, 0.90, 0.98, 0.98, 0.90, 0.80,
    0.70, 0.62, 0.54, 0.49, 0.43, 0.39, 0.35, 0.30, 0.30, 0.30, 0.30, 0.30,
]
# fmt: on
# The window itself beats below this bin (10 Hz).
FIRST_MODULATION_BIN = 2
MODULATION_BINS = 645 * FRAME // RATE + 1
G = np.interp(CENTRES, np.arange(25), BARK_WEIGHTS)


@lru_cache(maxsize=1)
def modulation_weights() -> Array:
    """Return H (47, bins) of the modulation bins 0, 5, … 645 Hz."""
    frequency = np.arange(MODULATION_BINS) * (RATE / FRAME)
    weights = np.empty((CHANNELS, MODULATION_BINS))
    for first, last, at, value in MODULATION_WEIGHTS:
        weights[first - 1 : last] = np.interp(frequency, at, value)
    weights[:, :FIRST_MODULATION_BIN] = 0
    return weights


def specific_roughness_over_time(
    signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return the roughness (asper) of each channel, shaped (47, steps), every 100 ms of `signal` at 48 kHz.

    Their sum over the channels is the roughness; one channel lies half a Bark above the other.
    """
    return np.mean([_of_ear(ear, full_scale_db) for ear in signal], axis=0)


def roughness_over_time(signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return R(t) (asper) every 100 ms of `signal` (channels, frames) at 48 kHz, over 200 ms each."""
    return specific_roughness_over_time(signal, full_scale_db=full_scale_db).sum(axis=0)


@kept
def _of_ear(ear: Array, full_scale_db: float) -> Array:
    # A full-scale sine has a root mean square of 10^(full_scale_db/20) times 20 µPa; a bin holds half its amplitude.
    scale = 10 ** (full_scale_db / 20) * 2 / WINDOW.sum()
    by = spreading(FRAME, RATE)
    frames = sliding_window_view(ear, FRAME)[::HOP]
    return np.concatenate(
        [
            _of_frames(rfft(scale * WINDOW * frames[start : start + BLOCK]), by)
            for start in range(0, len(frames), BLOCK)
        ],
        axis=1,
    )


def _of_frames(spectra: NDArray[np.complex128], by: Spreading) -> Array:
    """Return the roughness (47, n) that the channels hear in frames with `spectra` (n, bins)."""
    mean = np.empty((CHANNELS, len(spectra)))
    fluctuation = np.empty((CHANNELS, len(spectra), MODULATION_BINS), dtype=np.complex64)
    for channel, envelopes in enumerate(rectified(spectra, by, FRAME)):
        modulation = rfft(envelopes)[:, :MODULATION_BINS] / envelopes.shape[1]
        mean[channel] = modulation[:, 0].real
        fluctuation[channel] = modulation * modulation_weights()[channel]
    # Variances by Parseval's theorem: the weighted envelopes need not be returned to time.
    energy = 2 * (np.abs(fluctuation) ** 2).sum(axis=2)
    product = 2 * (fluctuation[:-2] * fluctuation[2:].conj()).real.sum(axis=2)
    # Eq. (5): generalised depth of modulation.
    depth = np.minimum(np.sqrt(energy) / np.where(mean > 0, mean, 1.0), 1)
    # Eq. (7) and (8): correlation of channels one Bark apart; both neighbours count.
    with_lower, with_higher = correlations(product, energy, mean)
    return CALIBRATION_FACTOR * G[:, None] * (depth * with_lower * with_higher) ** 2


sensation = partial(
    metric,
    unit="asper",
    direction=Direction.NONE,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.2,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    standard="none; the authors' optimised model",
    citation="Daniel, Weber: Psychoacoustical roughness: implementation of an optimized model, Acustica 83, 1997",
    version="2",
    licence="own code",
)
of_one_signal = partial(sensation, range=(0.0, None), needs_reference=False)


@of_one_signal(name="roughness", title="Mean roughness over time")
def roughness(signal: Signal, rate: int) -> float:
    """How rough the signal is on average: fast beats, growling voices, distortion; 0 for a steady tone."""
    return float(roughness_over_time(signal).mean())


@of_one_signal(name="roughness-r5", title="Percentile roughness R5")
def roughness_r5(signal: Signal, rate: int) -> float:
    """Roughness exceeded 5 % of the time."""
    return float(np.percentile(roughness_over_time(signal), 95))


@sensation(
    name="roughness-difference",
    title="Mean roughness over time, difference to the reference",
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
)
def roughness_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much rougher the signal is than its reference on average."""
    return roughness(degraded, rate) - roughness(reference, rate)
