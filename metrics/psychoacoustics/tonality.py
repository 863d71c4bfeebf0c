"""Tonality: how much of a sound is tones rather than noise, by Aures (1985).

Conventions as in `loudness`: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, the result their
mean. Tonality is in tonality units (t.u.): 1 for a tone of 1 kHz and 60 dB, 0 for broad noise. Tones are sinusoids
from 20 Hz to 5 kHz as Terhardt extracts them; noise narrower than a critical band does not count as a tone here.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft, rfftfreq
from scipy.signal import get_window, sosfreqz

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept
from metrics.psychoacoustics import iso532_tables
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
    loudness_of_levels,
)

# Frames of 250 ms, overlapping by half: lines 4 Hz apart, under a window without side lobes to be taken for sound.
FRAME, HOP = RATE // 4, RATE // 8
WINDOW = get_window("blackmanharris", FRAME)
LINE_HZ = RATE / FRAME
# Noise that the window lets into a line, in lines.
NOISE_LINES = FRAME * (WINDOW**2).sum() / WINDOW.sum() ** 2
# How far the window spreads a sinusoid to each side, in lines.
LOBE = 4
LOWEST, HIGHEST = 20.0, 5_000.0
# Terhardt et al. (1982), eq. (2): a tone exceeds what is 25 and 37.5 Hz away by this (dB).
EXCESS_DB, AWAY_HZ = 7.0, (25.0, 37.5)
# Aures, eq. (12): the factor that makes a tone of 1 kHz and 60 dB have 1 t.u. (he found 1.09), and the exponents.
FACTOR, TONES_EXPONENT, LOUDNESS_EXPONENT = 1.1055, 0.29, 0.79
TINY = 1e-12


def bark(frequency: NDArray[Any]) -> Array:
    """Return the critical-band rate (Bark), Terhardt et al. (1982)."""
    return 13 * np.arctan(0.76e-3 * frequency) + 3.5 * np.arctan((frequency / 7500) ** 2)


def threshold(frequency: NDArray[Any]) -> Array:
    """Return the threshold in quiet (dB SPL), Terhardt et al. (1982), eq. (3)."""
    khz = frequency / 1000
    return 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4


def tonality_over_time(signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return K(t) (t.u.) every 125 ms of `signal` (channels, frames) at 48 kHz, over 250 ms each."""
    return np.mean([_of_ear(ear, full_scale_db) for ear in signal], axis=0)


@kept
def _of_ear(ear: Array, full_scale_db: float) -> Array:
    # A full-scale sine has the power 10^(full_scale_db/10) re 0 dB SPL; a line holds half its amplitude.
    scale = 10 ** (full_scale_db / 20) * 2 / WINDOW.sum()
    power = np.abs(rfft(scale * WINDOW * sliding_window_view(ear, FRAME)[::HOP])) ** 2
    tones = [_tones(frame) for frame in power]
    noise = np.stack([_without(frame, found) for frame, found in zip(power, tones, strict=True)])
    heard = [
        _weight_of_tones(before, after, found)
        for before, after, found in zip(power, noise, tones, strict=True)
    ]
    loudness, of_noise = (loudness_of_levels(_third_octaves(p)) for p in (power, noise))
    # Eq. (11): how much of the loudness the tones make up.
    share = np.maximum(1 - of_noise / np.maximum(loudness, TINY), 0) * (loudness > 0)
    return FACTOR * np.array(heard) ** TONES_EXPONENT * share**LOUDNESS_EXPONENT


@lru_cache(maxsize=1)
def _filters() -> Array:
    """Return the power gains (28, lines) of the third-octave filters of ISO 532-1."""
    gains = []
    for deviation, gain in zip(
        iso532_tables.FILTER_DEVIATION, iso532_tables.FILTER_GAIN, strict=True
    ):
        sections = iso532_tables.FILTER_REFERENCE.copy()
        sections[:, 4:] -= deviation
        _, response = sosfreqz(sections, rfftfreq(FRAME, 1 / RATE), fs=RATE)
        gains.append(np.abs(gain * response) ** 2)
    return np.stack(gains)


def _third_octaves(power: Array) -> Array:
    """Return third-octave levels (28, steps) in dB SPL of line powers (steps, lines)."""
    return 10 * np.log10(_filters() @ power.T / NOISE_LINES + TINY)


def _tones(power: Array) -> NDArray[np.int64]:
    """Return the numbers of the lines at which audible tones lie (Terhardt et al. 1982, eq. 1 to 3)."""
    away = [round(distance / LINE_HZ) for distance in AWAY_HZ]
    first, last = max(round(LOWEST / LINE_HZ), max(away)), round(HIGHEST / LINE_HZ)
    line = np.arange(first, last + 1)
    found = power[line] > 10 ** (threshold(LINE_HZ * line) / 10)
    found &= (power[line] > power[line - 1]) & (power[line] >= power[line + 1])
    for distance in (*away, *(-d for d in away)):
        found &= power[line] >= 10 ** (EXCESS_DB / 10) * power[line + distance]
    return line[found]


def _without(power: Array, tones: NDArray[np.int64]) -> Array:
    """Return `power` with each tone replaced by the mean of what is beside it."""
    noise = power.copy()
    for tone in tones:
        first, last = max(tone - LOBE - 1, 0), tone + LOBE + 1
        noise[first + 1 : last] = (power[first] + power[last]) / 2
    return noise


def _weight_of_tones(power: Array, noise: Array, tones: NDArray[np.int64]) -> float:
    """Return w_T, from the frequency and the excess of each tone (Aures, eq. 9, 10 and 6)."""
    if not tones.size:
        return 0.0
    frequency = LINE_HZ * tones
    lobe = tones[:, None] + np.arange(-LOBE, LOBE + 1)
    level = 10 * np.log10(power[lobe].sum(axis=1) / NOISE_LINES + TINY)
    excess = np.maximum(_excess(frequency, level, noise), 0)
    by_frequency = 1 / np.sqrt(1 + 0.2 * (frequency / 700 + 700 / frequency) ** 2)
    by_excess = 1 - np.exp(-excess / 15)
    return float(np.sqrt(((by_frequency * by_excess) ** 2).sum()))


def _excess(frequency: NDArray[Any], level: Array, noise: Array) -> Array:
    """Return by how much (dB) each tone exceeds what others, noise and quiet mask (Terhardt et al. 1982, eq. 4)."""
    z = bark(frequency)
    distance = z[:, None] - z  # of each tone from each other one
    upper = -24 - 230 / frequency + 0.2 * level  # eq. (7b), dB/Bark, of the masker
    masked = level + np.where(distance > 0, np.minimum(upper, 0) * distance, 27 * distance)
    amplitude = 10 ** (masked / 20)
    np.fill_diagonal(amplitude, 0)
    line = np.arange(len(noise))
    rate = bark(LINE_HZ * line)
    total = np.concatenate([[0.0], np.cumsum(noise)]) / NOISE_LINES
    first, last = np.searchsorted(rate, z - 0.5), np.searchsorted(rate, z + 0.5)
    in_band = total[last] - total[first]
    return level - 10 * np.log10(
        amplitude.sum(axis=1) ** 2 + in_band + 10 ** (threshold(frequency) / 10)
    )


sensation = partial(
    metric,
    unit="t.u.",
    direction=Direction.NONE,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.25,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    standard="none; the author's model, for sinusoids",
    citation=(
        "Aures: Berechnungsverfahren für den sensorischen Wohlklang beliebiger Schallsignale, Acustica 59, 1985;"
        " Terhardt, Stoll, Seewann: Algorithm for extraction of pitch, J. Acoust. Soc. Am. 71, 1982,"
        " doi:10.1121/1.387544"
    ),
    version="1",
    licence="own code",
)


@sensation(
    name="tonality",
    title="Mean tonality K over time by Aures",
    range=(0.0, None),
    needs_reference=False,
)
def tonality(signal: Signal, rate: int) -> float:
    """How tonal the signal is on average, by the frequency, prominence and share in the loudness of its sinusoids."""
    return float(tonality_over_time(signal).mean())


@sensation(
    name="tonality-difference",
    title="Mean tonality K over time, difference to the reference",
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
)
def tonality_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much more tonal the signal is than its reference: whistles add to it, noise takes away."""
    return tonality(degraded, rate) - tonality(reference, rate)
