"""How far the excitation of hearing by a signal lies from that by its reference, in dB, whatever the sound's phase.

Two scales: the Bark of masking (Terhardt's 47 channels, as in `excitation`) and the ERB of auditory filters
(ISO 532-2, as in `moore_glasberg`). What is below the threshold in quiet counts as if it were at the threshold.
Conventions as in `loudness`; each channel is one ear, and the result their mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft, rfftfreq
from scipy.signal import get_window

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status
from metrics.psychoacoustics import iso532_2_tables as table
from metrics.psychoacoustics import moore_glasberg
from metrics.psychoacoustics.excitation import (
    CENTRES,
    THRESHOLD_BARK,
    THRESHOLD_DB,
    powers,
    spreading,
)
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
)

# Frames of 100 ms, overlapping by half.
FRAME, HOP = RATE // 10, RATE // 20
WINDOW = get_window("hann", FRAME)
# Frames computed at once: few enough to stay in the processor's cache.
BLOCK = 16
BARK_THRESHOLD = np.interp(CENTRES, THRESHOLD_BARK, THRESHOLD_DB)
# Every half Cam: half the width of a filter.
CAM = np.arange(1.8, 38.9, 0.5)
ERB_THRESHOLD = np.interp(
    moore_glasberg.frequency_of_cam(CAM), table.COCHLEA_HZ, table.THRESHOLD_LEVEL
)


def bark_excitation_levels(signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return the excitation levels (ears, 47, steps) in dB SPL every 50 ms at 0.5, 1, … 23.5 Bark."""
    by = spreading(FRAME, RATE)
    return _over_time(signal, lambda spectra: powers(spectra, by), full_scale_db)


def erb_excitation_levels(signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return the excitation levels (ears, 75, steps) in dB SPL every 50 ms at 1.8, 2.3, … 38.8 Cam."""
    frequency = rfftfreq(FRAME, 1 / RATE)
    audible = (frequency >= moore_glasberg.LOWEST) & (frequency <= moore_glasberg.HIGHEST)
    transfer = moore_glasberg.cochlear_power(frequency[audible], np.zeros(audible.sum()))

    def power(spectra: NDArray[Any]) -> Array:
        at_cochlea = transfer * np.abs(spectra[:, audible]) ** 2
        return moore_glasberg.excitation(frequency[audible], at_cochlea.T, cam=CAM)

    return _over_time(signal, power, full_scale_db)


def _over_time(
    signal: Signal, power: Callable[[NDArray[Any]], Array], full_scale_db: float
) -> Array:
    # So that the bins' powers add up to the mean square; a full-scale sine has the power 1/2.
    scale = 10 ** (full_scale_db / 20) * 2 / np.sqrt(FRAME * (WINDOW**2).sum())
    frames = sliding_window_view(signal, FRAME, axis=1)[:, ::HOP]
    levels = [
        np.concatenate(
            [
                power(rfft(scale * WINDOW * ear[start : start + BLOCK]))
                for start in range(0, len(ear), BLOCK)
            ],
            axis=1,
        )
        for ear in frames
    ]
    return 10 * np.log10(np.maximum(levels, moore_glasberg.TINY))


def distance(reference: Array, degraded: Array, threshold: Array) -> float:
    """Return the mean absolute difference (dB) of excitation levels (ears, channels, steps).

    It counts where either exceeds the threshold (channels,), and a level below the threshold counts as that.
    """
    least = threshold[:, None]
    heard = np.maximum(reference, degraded) > least
    if not heard.any():
        raise MetricError(
            "expected sound above the threshold of hearing, found none", Status.SILENT
        )
    difference = np.maximum(degraded, least) - np.maximum(reference, least)
    return float(np.abs(difference)[heard].mean())


compared = partial(
    metric,
    unit="dB",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=True,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.2,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    version="1",
    licence="own code",
)


@compared(
    name="bark-excitation-distance",
    title="Excitation-pattern distance to the reference on the Bark scale",
    standard="none",
    citation=(
        "Terhardt: Calculating virtual pitch, Hearing Research 1, 1979,"
        " doi:10.1016/0378-5955(79)90025-X"
    ),
)
def bark_excitation_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """Mean difference of the levels that signal and reference excite in 47 critical bands, where either is heard."""
    levels = bark_excitation_levels(reference), bark_excitation_levels(degraded)
    return distance(*levels, BARK_THRESHOLD)


@compared(
    name="erb-excitation-distance",
    title="Excitation-pattern distance to the reference on the ERB scale",
    standard="none; excitation by ISO 532-2:2017, 7.4",
    citation=(
        "Glasberg, Moore: Derivation of auditory filter shapes from notched-noise data, Hearing Research 47, 1990,"
        " doi:10.1016/0378-5955(90)90170-T"
    ),
)
def erb_excitation_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """Mean difference of the levels that signal and reference excite in 75 auditory filters, where either is heard."""
    levels = erb_excitation_levels(reference), erb_excitation_levels(degraded)
    return distance(*levels, ERB_THRESHOLD)
