"""What can be seen of a sound, small enough to keep: its wave, level, spectrogram and excitation of hearing.

Conventions: samples are (channels, frames), and views are of the mean of all channels; levels are in dB relative to
full scale (a full-scale sine has −3 dB as a level, 0 dB as a line of a spectrogram), excitation in dB SPL with a
full-scale sine at 100 dB SPL, as `metrics.psychoacoustics` takes it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from metrics.psychoacoustics import moore_glasberg
from metrics.psychoacoustics.loudness import RATE
from models_registry.audio import Audio, mono, resample

Array = NDArray[np.float64]

# points of a line and columns of a map: as many as a page shows
POINTS, COLUMNS, ROWS = 400, 160, 72
FLOOR_DB = -100.0
LOWEST_HZ = 40.0
# s: short enough for syllables and strokes, long enough for a line of 40 Hz
WINDOW_S = 0.032
# every Cam of ISO 532-2's filters
CAM = np.arange(2.0, 38.9, 1.0)


class Views(NamedTuple):
    """Of a sound: extremes of the wave (POINTS, 2), levels (POINTS,), a spectrogram (ROWS, COLUMNS) and excitation
    (Cams,)."""

    wave: Array
    level: Array
    spectrogram: Array
    excitation: Array


def views(sound: Audio) -> Views:
    """All views of `sound`."""
    line = mono(sound).samples[0].astype(np.float64)
    return Views(extremes(line), levels(line), spectrogram(line, sound.rate), excitation(sound))


def _cut(length: int, count: int) -> list[slice]:
    """Up to `count` stretches, evenly spaced in time."""
    edges = np.linspace(0, length, min(count, length) + 1).round().astype(int)
    return [slice(*pair) for pair in zip(edges, edges[1:], strict=False)]


def extremes(line: Array) -> Array:
    """The least and the largest sample in each of up to `POINTS` stretches."""
    return np.array([(line[one].min(), line[one].max()) for one in _cut(line.size, POINTS)])


def levels(line: Array) -> Array:
    """The level (dB) of each of up to `POINTS` stretches."""
    return decibels(np.array([np.mean(line[one] ** 2) for one in _cut(line.size, POINTS)]))


def decibels(power: Any) -> Array:
    return np.maximum(10 * np.log10(np.maximum(power, 1e-20)), FLOOR_DB)


def centres(rate: int) -> Array:
    """The frequencies (Hz) of a spectrogram's rows, even in Cams."""
    top = min(18_000.0, rate / 2)
    ends = 21.366 * np.log10(1 + 0.004368 * np.array([LOWEST_HZ, top]))
    return moore_glasberg.frequency_of_cam(np.linspace(ends[0], ends[1], ROWS + 1))


def spectrogram(line: Array, rate: int) -> Array:
    """The level (dB) of the strongest line in each band of `centres`, by up to `COLUMNS` times."""
    size = 2 ** round(np.log2(WINDOW_S * rate))
    hop = max(1, min(size // 4, line.size // COLUMNS))
    frames = max(1, -(-line.size // hop))
    line = np.pad(line, (0, max(0, size - line.size)))
    transform = signal.ShortTimeFFT(
        signal.windows.hann(size, sym=False), hop, rate, scale_to="magnitude"
    )
    # full scale is a sine's: half of it lies at negative frequencies
    power = (2 * np.abs(transform.stft(line, p0=0, p1=frames))) ** 2
    edges = np.searchsorted(transform.f, centres(rate)).clip(0, len(transform.f) - 1)
    bands = np.stack(
        [
            power[low : max(high, low + 1)].max(0)
            for low, high in zip(edges, edges[1:], strict=False)
        ]
    )
    columns = _cut(bands.shape[1], COLUMNS)
    return decibels(np.stack([bands[:, one].mean(1) for one in columns], axis=1))


def excitation(sound: Audio) -> Array:
    """The excitation level (dB SPL) of auditory filters at `CAM` by the mean spectrum (ISO 532-2)."""
    ear = mono(resample(sound, RATE)).samples[0].astype(np.float64)
    frequency, level = moore_glasberg.components(ear, RATE)
    if not frequency.size:
        return np.full(CAM.size, FLOOR_DB)
    power = moore_glasberg.cochlear_power(frequency, level)
    return decibels(moore_glasberg.excitation(frequency, power[:, None], cam=CAM)[:, 0])
