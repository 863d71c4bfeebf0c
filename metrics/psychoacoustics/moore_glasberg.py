"""Loudness and excitation by the method of Moore and Glasberg: ISO 532-2:2017, for stationary sounds.

Conventions: signals are (channels, frames) in −1…1; one channel is heard by both ears, two are left and right, and
ears inhibit each other. Spectra are components of a frequency (Hz) and a level (dB SPL). Loudness is in sone, specific
loudness in sone/Cam over the ERB-number scale. Calibration and field as in `loudness`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal
from metrics.intermediates import kept
from metrics.psychoacoustics import iso532_2_tables as table
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
    Field,
)

# 7.4: filters from 1.8 to 38.9 Cam.
CAM_STEP = 0.1
CAM = CAM_STEP * np.arange(18, 390)
# 5.3: noise may be taken as components 10 Hz apart; these are 2.9 Hz.
FRAME = 16_384
LOWEST, HIGHEST = 20.0, 20_000.0
# A component below this (dB SPL) excites nothing that is heard.
FAINTEST = -40.0
# Eq. (7): C, in sone/Cam.
C = 0.0617
# Eq. (10) to (13): breadth and depth of the inhibition between the ears.
INHIBITION_BREADTH, INHIBITION_DEPTH = 0.08, 1.5978
INHIBITION_REACH_CAM = 18
TINY = 1e-13


def erb(frequency: NDArray[Any]) -> Array:
    """Return the equivalent rectangular bandwidth (Hz) of the auditory filter at `frequency` (Hz), eq. (1)."""
    return 24.673 * (0.004368 * frequency + 1)


def frequency_of_cam(cam: NDArray[Any]) -> Array:
    """Return the centre frequency (Hz) at an ERB number (Cam), eq. (6)."""
    return (10 ** (cam / 21.366) - 1) / 0.004368


def cochlear_power(frequency: Array, level: Array, *, field: Field | None = "free") -> Array:
    """Return the power at the cochlea of components (re 0 dB SPL), (7.2, 7.3); field None: levels at the eardrum."""
    to_eardrum = {
        "free": table.FREE_FIELD,
        "diffuse": table.DIFFUSE_FIELD,
        None: np.zeros_like(table.FREE_FIELD),
    }[field]
    transfer = np.interp(frequency, table.TRANSFER_HZ, to_eardrum + table.MIDDLE_EAR)
    return 10 ** ((level + transfer) / 10)


def excitation(frequency: Array, power: Array, *, cam: NDArray[Any] = CAM) -> Array:
    """Return the excitation (filters, …) re that of 1 kHz at 0 dB, of components of `power` (components, …) (7.4).

    The power is that at the cochlea; `frequency` (components,) must ascend.
    """
    spectra = power.reshape(len(power), -1)
    level = _level_around(frequency, spectra)
    centre = frequency_of_cam(cam)
    # Eq. (2), (3): the slope of a filter at 51 dB, and of its upper side at any level.
    slope = 4 * centre / erb(centre)
    slope_1k = 4 * 1000 / erb(np.array(1000.0))
    out = _upper_sides(frequency.tobytes(), cam.tobytes()) @ spectra
    ends = np.searchsorted(frequency, centre, side="right")
    for number, end in enumerate(ends):
        lower = slope[number] - 0.35 * (slope[number] / slope_1k) * (level[:end] - 51)  # eq. (5)
        x = np.maximum(lower, 0.1) * (1 - frequency[:end, None] / centre[number])
        out[number] += np.einsum("cn,cn,cn->n", 1 + x, np.exp(-x), spectra[:end])  # eq. (4)
    return out.reshape(len(cam), *power.shape[1:])


# Those of either scale, for a sound without gaps in its spectrum; what is kept for one pair would be forgotten.
@lru_cache(maxsize=2)
def _upper_sides(frequencies: bytes, cams: bytes) -> Array:
    """Return the weights (filters, components) of the components above each filter's centre, eq. (4).

    The frequencies (Hz) and ERB numbers are the bytes of arrays. 7.4: components do not count beyond g = 4, while those
    on the lower side are all within g = 1.
    """
    frequency = np.frombuffer(frequencies)
    centre = frequency_of_cam(np.frombuffer(cams))[:, None]
    deviation = (frequency - centre) / centre
    x = 4 * centre / erb(centre) * deviation
    return np.where((deviation > 0) & (deviation <= 4), (1 + x) * np.exp(-np.maximum(x, 0)), 0.0)


def _level_around(frequency: Array, power: Array) -> Array:
    """Return the level (dB) within one equivalent rectangular bandwidth around each component (components, n)."""
    total = np.concatenate([np.zeros((1, power.shape[1])), np.cumsum(power, axis=0)])
    half = erb(frequency) / 2
    first = np.searchsorted(frequency, frequency - half, side="left")
    last = np.searchsorted(frequency, frequency + half, side="right")
    return 10 * np.log10(np.maximum(total[last] - total[first], TINY))


def specific_loudness_of_excitation(excited: Array) -> Array:
    """Return N'(i) (372,) in sone/Cam of the excitation (372,) at 1.8 … 38.9 Cam (7.5)."""
    centre = frequency_of_cam(CAM)
    gain_db = np.interp(centre, table.COCHLEA_HZ, table.GAIN)
    gain = 10 ** (gain_db / 10)
    threshold = 10 ** (np.interp(centre, table.COCHLEA_HZ, table.THRESHOLD_LEVEL) / 10)
    alpha = np.interp(gain_db, table.ALPHA_GAIN, table.ALPHA)
    a = np.interp(gain_db, table.A_GAIN, table.A)
    heard = C * ((gain * excited + a) ** alpha - a**alpha)  # eq. (7)
    faint = (2 * excited / (excited + threshold)) ** 1.5 * heard  # eq. (8)
    intense = C * (excited / 1.0707) ** 0.2  # eq. (9)
    return np.where(excited < threshold, faint, np.where(excited > 1e10, intense, heard))


def binaural_loudness(left: Array, right: Array) -> float:
    """Return N (sone) of the specific loudness (372,) at the left and right ear (8.1)."""
    reach = round(INHIBITION_REACH_CAM / CAM_STEP)
    distance = CAM_STEP * np.arange(-reach, reach + 1)
    kernel = np.exp(-((INHIBITION_BREADTH * distance) ** 2))
    # Eq. (10), (11): inhibition is broadly tuned.
    broad = [np.convolve(ear, kernel)[reach:-reach] + TINY for ear in (left, right)]
    total = 0.0
    for ear, own, other in ((left, *broad), (right, *broad[::-1])):
        with np.errstate(over="ignore"):
            inhibition = 2 / (1 + np.cosh(other / own) ** -INHIBITION_DEPTH)  # eq. (12), (13)
        total += CAM_STEP * float((ear / inhibition).sum())
    return total


def loudness_of_components(
    frequency: Array,
    level: Array,
    *,
    field: Field | None = "free",
    ears: int = 2,
) -> float:
    """Return N (sone) of components of ascending `frequency` (Hz) and `level` (dB SPL), alike in one or both ears."""
    heard = specific_loudness_of_excitation(
        excitation(frequency, cochlear_power(frequency, level, field=field))
    )
    return binaural_loudness(heard, heard if ears == 2 else np.zeros_like(heard))


@kept
def loudness(
    signal: Signal, rate: int, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> float:
    """Return N (sone) of `signal` (1 or 2 channels, frames), taken as stationary."""
    if len(signal) > 2:
        raise MetricError(f"expected one or two channels, for two ears, found {len(signal)}")
    ears = []
    for ear in signal:
        frequency, level = components(ear, rate, full_scale_db=full_scale_db)
        power = cochlear_power(frequency, level, field=field)
        ears.append(specific_loudness_of_excitation(excitation(frequency, power)))
    return binaural_loudness(ears[0], ears[-1])


def components(
    ear: Array, rate: int, *, full_scale_db: float = FULL_SCALE_DB_SPL
) -> tuple[Array, Array]:
    """Return frequencies (Hz) and levels (dB SPL) of the mean spectrum of `ear` (frames,)."""
    frequency, power = welch(
        ear, rate, nperseg=min(FRAME, len(ear)), detrend=False, scaling="density"
    )
    # A full-scale sine has the power 1/2.
    mean_square = 2 * power * frequency[1] * 10 ** (full_scale_db / 10)
    level = 10 * np.log10(np.maximum(mean_square, TINY))
    counts = (frequency >= LOWEST) & (frequency <= HIGHEST) & (level > FAINTEST)
    return frequency[counts], level[counts]


@metric(
    name="moore-glasberg-n",
    title="Loudness N of a stationary sound by Moore and Glasberg",
    unit="sone",
    direction=Direction.NONE,
    range=(0.0, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.2,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    standard="ISO 532-2:2017 (Moore-Glasberg method)",
    citation=(
        "Moore, Glasberg, Baer: A model for the prediction of thresholds, loudness, and partial loudness,"
        " J. Audio Eng. Soc. 45(4), 1997; ISO 532-2:2017"
    ),
    version="1",
    licence="own code",
)
def moore_glasberg_n(signal: Signal, rate: int) -> float:
    """Loudness of the signal's mean spectrum to two ears, from the excitation of auditory filters."""
    return loudness(signal, rate)
