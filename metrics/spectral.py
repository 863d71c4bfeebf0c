"""Distances between short-time spectra of a signal and its reference.

Conventions: signals are (channels, frames) in −1…1, analysed at their own rate; distances are averaged over
frequency, time and channels; 0 is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal import get_window

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal

Power = NDArray[np.float64]

LSD_WINDOW_S, LSD_STEP_S = 0.032, 0.008
# Relative to a full-scale sine: what lies below is dither or nothing, and says nothing about the sound.
LSD_FLOOR_DB = -100.0
# (FFT size, step, window) in samples, as published.
RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
# The smallest power that keeps the logarithm defined; the value of the authors' implementations.
STFT_FLOOR = 1e-8
# Spectra that are held in memory at a time.
BLOCK = 64


def _power_spectra(signal: Signal, window: Power, size: int, step: int) -> Iterator[Power]:
    """Yield |STFT|² shaped (channels, up to `BLOCK` frames, size//2 + 1)."""
    frames = sliding_window_view(signal, len(window), axis=-1)[:, ::step]
    for start in range(0, frames.shape[1], BLOCK):
        spectra = rfft(frames[:, start : start + BLOCK] * window, n=size)
        yield spectra.real**2 + spectra.imag**2


@metric(
    name="lsd",
    title="Log-spectral distance",
    unit="dB",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=True,
    channels=Channels.ALL,
    min_duration=LSD_WINDOW_S,
    standard="none; Hann window of 32 ms each 8 ms, floor at −100 dB below a full-scale sine",
    citation=(
        "Gray, Markel: Distance measures for speech processing, IEEE TASSP 24(5), 1976,"
        " doi:10.1109/TASSP.1976.1162849"
    ),
    version="1",
    licence="own code",
)
def log_spectral_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """Root-mean-square difference of the spectra in dB over frequency, averaged over time: any band counts alike."""
    window = get_window("hann", round(LSD_WINDOW_S * rate))
    step = round(LSD_STEP_S * rate)
    floor = 10 ** (LSD_FLOOR_DB / 10) * (window.sum() / 2) ** 2
    distances = [
        np.sqrt(np.mean((10 * np.log10(np.maximum(x, floor) / np.maximum(y, floor))) ** 2, axis=-1))
        for x, y in zip(
            _power_spectra(reference, window, len(window), step),
            _power_spectra(degraded, window, len(window), step),
            strict=True,
        )
    ]
    return float(np.concatenate(distances, axis=1).mean())


@metric(
    name="mr-stft",
    title="Multi-resolution STFT distance",
    unit="1",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=True,
    channels=Channels.ALL,
    min_duration=0.15,
    standard="none; the authors' three resolutions (FFT 512, 1024, 2048), at the signal's own rate",
    citation=(
        "Yamamoto, Song, Kim: Parallel WaveGAN, ICASSP 2020,"
        " doi:10.1109/ICASSP40776.2020.9053795, eqs. (4)–(7)"
    ),
    version="1",
    licence="own code",
)
def multi_resolution_stft(reference: Signal, degraded: Signal, rate: int) -> float:
    """Spectral convergence plus mean absolute log-magnitude difference, averaged over three resolutions."""
    return float(np.mean([_stft_distance(reference, degraded, *r) for r in RESOLUTIONS]))


def _stft_distance(reference: Signal, degraded: Signal, size: int, step: int, width: int) -> float:
    window = get_window("hann", width)
    # A frame is centred on each multiple of the step, from the first sample on; the signal goes on mirrored.
    padded = [
        np.pad(signal, ((0, 0), (width // 2, width // 2)), "reflect")
        for signal in (reference, degraded)
    ]
    apart = norm = np.zeros(len(reference))
    logs, count = 0.0, 0
    for x, y in zip(*(_power_spectra(p, window, size, step) for p in padded), strict=True):
        x, y = np.sqrt(np.maximum(x, STFT_FLOOR)), np.sqrt(np.maximum(y, STFT_FLOOR))
        apart = apart + ((x - y) ** 2).sum(axis=(1, 2))
        norm = norm + (x**2).sum(axis=(1, 2))
        logs, count = logs + float(np.abs(np.log(x / y)).sum()), count + x.size
    return float(np.sqrt(apart / norm).mean()) + logs / count  # eqs. (5), (6)
