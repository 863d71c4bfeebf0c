"""Mel-cepstral distortion, the measure of speech synthesis.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is measured, at 16 kHz, frame against
frame: nothing is warped to fit.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal

RATE = 16_000
FRAME, STEP = 512, 128
BANDS = 20
# c0, the level, does not count; c1 to c13 do.
COEFFICIENTS = slice(1, 14)
# The power of one band when nothing but rounding is in it.
FLOOR = np.finfo(np.float64).eps
# Frames that are held in memory at a time.
BLOCK = 2048


def _mel_filters() -> NDArray[np.float64]:
    """Return triangles (bands, bins) that are equally spaced on the mel scale 2595·log10(1 + f/700)."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    left, centre, right = (
        np.floor((FRAME + 1) * edges[n : n + BANDS, None] / RATE) for n in range(3)
    )
    bins = np.arange(FRAME // 2 + 1)
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.maximum(np.minimum(rising, falling), 0)


FILTERS = _mel_filters()


def _cepstrum(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return c1 to c13 (n, 13), in which ln|S| is their cosine series."""
    spectrum = np.fft.rfft(frames * np.hanning(FRAME))
    bands = (spectrum.real**2 + spectrum.imag**2) @ FILTERS.T
    amplitude = np.log(np.maximum(bands, FLOOR)) / 2
    return dct(amplitude, type=2, axis=1)[:, COEFFICIENTS] / BANDS


@metric(
    name="mcd",
    title="MCD, mel-cepstral distortion",
    unit="dB",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(RATE,),
    min_rate=RATE,
    min_duration=0.1,
    standard="none; c1 to c13 of 20 mel bands up to 8 kHz, Hann windows of 32 ms each 8 ms, no warping",
    citation=(
        "Kubichek: Mel-cepstral distance measure for objective speech quality assessment, PacRim 1993,"
        " doi:10.1109/PACRIM.1993.407206"
    ),
    version="1",
    licence="own code",
)
def mel_cepstral_distortion(reference: Signal, degraded: Signal, rate: int) -> float:
    """Distance of the smoothed mel spectra in dB, frame by frame; level does not count, timing does."""
    x, y = (sliding_window_view(s[0], FRAME)[::STEP] for s in (reference, degraded))
    distances = [
        np.linalg.norm(_cepstrum(x[n : n + BLOCK]) - _cepstrum(y[n : n + BLOCK]), axis=1)
        for n in range(0, len(x), BLOCK)
    ]
    return float(10 / np.log(10) * np.sqrt(2) * np.concatenate(distances).mean())
