"""Prominent discrete tones: tone-to-noise ratio and prominence ratio (ECMA-418-1:2024, as in ISO 7779, Annex D).

Conventions: signals are (channels, frames) in −1…1; the channels' power spectra, in lines 1 Hz apart, are averaged.
Frequencies are in Hz, powers re that of 0 dB SPL, ratios in dB. Of all tones from 89.1 Hz to 11.2 kHz the greatest
ratio is given. The standard wants tones that can be heard, so noise below the threshold in quiet counts as that.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import argrelmax, welch

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status
from metrics.intermediates import kept
from metrics.psychoacoustics.excitation import THRESHOLD_BARK, THRESHOLD_DB, bark
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
)

LOWEST, HIGHEST = 89.1, 11_200.0
LINE_HZ = 1.0
# 11.2: a tone's lines lie within this share of the critical bandwidth, half on each side.
TONE_SHARE = 0.15
# 11.6: a second peak in the band is a tone, not a ripple, where it exceeds the mean line by this (dB).
SECOND_TONE_DB = 10.0
# Table 2 and 3: up to a tone's frequency, the lower limit of the lower and the upper limit of the upper contiguous
# band are c0 + c1 f + c2 f².
LOWER_LIMIT = (
    (171.4, 20.0, 0.0, 0.0),
    (1600.0, -149.5, 1.001, -6.90e-5),
    (HIGHEST, 6.8, 0.806, -8.20e-6),
)
UPPER_LIMIT = ((1600.0, 149.5, 1.035, 7.70e-5), (HIGHEST, 3.3, 1.215, 2.16e-5))


def critical_bandwidth(frequency: NDArray[Any]) -> Array:
    """Return the width (Hz) of the critical band around `frequency`, eq. (2)."""
    return 25 + 75 * (1 + 1.4 * (frequency / 1000) ** 2) ** 0.69


def critical_band(frequency: NDArray[Any]) -> tuple[Array, Array]:
    """Return the limits (Hz) of the critical band around `frequency`, eq. (4) to (8)."""
    width = critical_bandwidth(frequency)
    lower = np.where(
        frequency <= 500,
        frequency - width / 2,
        (np.sqrt(width**2 + 4 * frequency**2) - width) / 2,
    )
    return lower, lower + width


def proximity(frequency: float) -> float:
    """Return how close (Hz) a second tone must be to count with that at `frequency`, eq. (14)."""
    return float(21 * 10 ** (1.2 * abs(np.log10(frequency / 212)) ** 1.8))


@kept
def power_spectrum(
    signal: Signal, rate: int, *, full_scale_db: float = FULL_SCALE_DB_SPL
) -> tuple[Array, Array]:
    """Return frequencies and powers of lines 1 Hz apart, of at least 1 s of `signal` (11.1, 12.1)."""
    frequency, density = welch(signal, rate, nperseg=round(rate / LINE_HZ), detrend=False)
    # A full-scale sine has the power 1/2.
    return frequency, 2 * 10 ** (full_scale_db / 10) * density.mean(axis=0) * frequency[1]


@kept
def prominence_ratios(frequency: Array, power: Array) -> tuple[Array, Array]:
    """Return every audible frequency and its prominence ratio (clause 12): its critical band over both neighbours."""
    centre = frequency[(frequency >= LOWEST) & (frequency < HIGHEST)]
    lower, upper = critical_band(centre)
    lowest, highest = _limit(centre, LOWER_LIMIT), _limit(centre, UPPER_LIMIT)
    total = np.concatenate([[0.0], np.cumsum(power)])
    edges = [
        np.searchsorted(frequency, edge, side="right") for edge in (lowest, lower, upper, highest)
    ]
    below, middle, above = (
        total[end] - total[start] for start, end in zip(edges, edges[1:], strict=False)
    )
    below = np.where(centre <= 171.4, below * 100 / (lower - lowest), below)  # eq. (24)
    threshold = _threshold(centre)
    neighbours = np.maximum((below + above) / 2, threshold)
    heard = middle > threshold
    return centre[heard], 10 * np.log10(middle[heard] / neighbours[heard])  # eq. (23)


@kept
def tone_to_noise_ratios(frequency: Array, power: Array) -> tuple[Array, Array]:
    """Return every audible tone's frequency and its tone-to-noise ratio (clause 11): its power against its band's rest.

    A tone is a line that no other within 7.5 % of its critical band exceeds.
    """
    peaks = argrelmax(power)[0]
    peaks = peaks[(frequency[peaks] >= LOWEST) & (frequency[peaks] < HIGHEST)]
    # Most do not even lead their nearest lines.
    peaks = peaks[power[peaks] >= maximum_filter1d(power, 2 * _reach(LOWEST) + 1)[peaks]]
    peaks = peaks[power[peaks] > _threshold(frequency[peaks])]
    found = [
        (frequency[peak], _ratio(frequency, power, peak))
        for peak in peaks
        if _leads(frequency, power, peak)
    ]
    centres, ratios = np.array(found).reshape(-1, 2).T
    return centres, ratios


def _limit(centre: Array, table: tuple[tuple[float, float, float, float], ...]) -> Array:
    rows = np.array(table)
    c0, c1, c2 = rows[np.searchsorted(rows[:, 0], centre), 1:].T
    return c0 + c1 * centre + c2 * centre**2  # eq. (21), (22)


def _threshold(frequency: Array) -> Array:
    return 10 ** (np.interp(bark(frequency), THRESHOLD_BARK, THRESHOLD_DB) / 10)


def _reach(centre: float) -> int:
    """Return how many lines a tone may spread to each side."""
    return max(1, round(TONE_SHARE / 2 * float(critical_bandwidth(np.array(centre))) / LINE_HZ))


def _leads(frequency: Array, power: Array, peak: int) -> bool:
    reach = _reach(frequency[peak])
    return bool(power[peak] >= power[max(peak - reach, 0) : peak + reach + 1].max())


def _tone(power: Array, peak: int, reach: int) -> tuple[int, int, float]:
    """Return the first and last line of the tone at `peak`, and its power above the line through both (11.2, 11.3)."""
    left = max(peak - reach, 0)
    first = left + int(power[left : peak + 1].argmin())
    last = peak + int(power[peak : peak + reach + 1].argmin())
    lines = power[first : last + 1]
    return first, last, max(float(lines.sum() - len(lines) * (lines[0] + lines[-1]) / 2), 0.0)


def _ratio(frequency: Array, power: Array, peak: int) -> float:
    centre = float(frequency[peak])
    reach = _reach(centre)
    lower, upper = (float(edge) for edge in critical_band(np.array(centre)))
    start, end = np.searchsorted(frequency, [lower, upper], side="right")
    first, last, tone = _tone(power, peak, reach)
    # 11.6: the strongest other tone of the band is not noise; close by, it is heard with the first.
    rest = power[start:end].copy()
    rest[max(first - start, 0) : last + 1 - start] = 0
    second = start + int(rest.argmax())
    other = 0.0
    if rest.max() > 10 ** (SECOND_TONE_DB / 10) * rest.mean():
        other = _tone(power, second, reach)[2]
        if centre >= 1000 or abs(frequency[second] - centre) < proximity(centre):
            tone, other = tone + other, 0.0
    noise = power[start:end].sum() - tone - other
    # Eq. (10), (16): the noise of the whole critical band, heard or at the threshold.
    whole = max(
        noise * (upper - lower) / ((end - start) * LINE_HZ), float(_threshold(np.array(centre)))
    )
    return 10 * float(np.log10(max(tone, 1e-12) / whole))  # eq. (11)


def _greatest(ratios: Array) -> float:
    if not ratios.size:
        raise MetricError(
            "expected sound above the threshold of hearing from 89.1 Hz to 11.2 kHz, found none",
            Status.SILENT,
        )
    return float(ratios.max())


of_tones = partial(
    metric,
    unit="dB",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=1.0,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    citation="ECMA-418-1: Psychoacoustic metrics for ITT equipment – Part 1 (prominent discrete tones), 2024",
    version="1",
    licence="own code",
)


@of_tones(
    name="tone-to-noise-ratio",
    title="Tone-to-noise ratio of the most prominent tone",
    standard="ECMA-418-1:2024, clause 11; ISO 7779, Annex D",
)
def tone_to_noise_ratio(signal: Signal, rate: int) -> float:
    """Power of a tone over that of the noise in its critical band; from 8 dB on (more below 1 kHz) it is prominent."""
    return _greatest(tone_to_noise_ratios(*power_spectrum(signal, rate))[1])


@of_tones(
    name="prominence-ratio",
    title="Prominence ratio of the most prominent critical band",
    standard="ECMA-418-1:2024, clause 12; ISO 7779, Annex D",
)
def prominence_ratio(signal: Signal, rate: int) -> float:
    """Power of a critical band over the mean of its neighbours; from 9 dB on (more below 1 kHz) a tone is prominent."""
    return _greatest(prominence_ratios(*power_spectrum(signal, rate))[1])
