"""What a chain is tried with: synthetic signals of which everything is known.

Conventions: every stimulus is float64 (frames,) at `rate` Hz; frequencies in Hz, times in s, levels in dB of a full
scale of 1 (of the peak). A tone that is analysed without a window falls on a line of the spectrum of `span` samples,
a whole number of periods that shares no divisor with `span`, so that no folded harmonic hides under another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Signal = NDArray[np.float64]

EDGE_S = 0.01


def amplitude(level: float) -> float:
    return float(10 ** (level / 20))


def span_of(rate: int, seconds: float) -> int:
    """Samples of a spectrum over about `seconds`: a power of two, in which every odd line shares no divisor."""
    return int(2 ** round(math.log2(seconds * rate)))


def line(frequency: float, rate: int, span: int) -> int:
    """The odd line of a spectrum of `span` samples that is nearest to `frequency`."""
    return 2 * round((frequency * span / rate - 1) / 2) + 1


def tones(
    lines: Sequence[int], levels: Sequence[float], frames: int, span: int, *, flat: bool = False
) -> Signal:
    """Sines on `lines` of a spectrum of `span`; `flat`: with Schroeder's phases (1970), for a low crest factor."""
    time = 2 * np.pi * (np.arange(frames) % span) / span
    total = np.zeros(frames)
    for number, (place, level) in enumerate(zip(lines, levels, strict=True)):
        phase = -np.pi * number * (number + 1) / len(lines) if flat else 0.0
        total += amplitude(level) * np.sin(place * time + phase)
    return total


def sine(frequency: float, level: float, frames: int, rate: int) -> Signal:
    return amplitude(level) * np.sin(2 * np.pi * frequency * np.arange(frames) / rate)


def edged(samples: Signal, rate: int, seconds: float = EDGE_S) -> Signal:
    """`samples` with raised-cosine ends."""
    return samples * signal.windows.tukey(samples.size, min(1.0, 2 * seconds * rate / samples.size))


def sweep(low: float, high: float, seconds: float, level: float, rate: int) -> Signal:
    """An exponential sweep, sin(2π low L (exp(t / L) − 1)) with L = T / ln(high / low) (Farina 2000, 5)."""
    time = np.arange(round(seconds * rate)) / rate
    slowness = seconds / math.log(high / low)
    swept = np.sin(2 * np.pi * low * slowness * np.expm1(time / slowness))
    return edged(amplitude(level) * swept, rate)


def chirp(low: float, high: float, seconds: float, level: float, rate: int) -> Signal:
    """A sweep of constant speed."""
    time = np.arange(round(seconds * rate)) / rate
    return edged(amplitude(level) * signal.chirp(time, low, seconds, high, phi=-90), rate)


def square(frequency: float, level: float, frames: int, rate: int) -> Signal:
    """Two values only, as an overloaded converter gives them: not band-limited."""
    half = max(1, round(rate / frequency / 2))
    return np.where(np.arange(frames) // half % 2, -amplitude(level), amplitude(level))


def noise(level: float, frames: int, seed: int) -> Signal:
    """White Gaussian noise whose effective value is `level`."""
    return amplitude(level) * np.random.default_rng(seed).standard_normal(frames)


def modulated(
    carrier: float, frequency: float, depth: float, level: float, frames: int, rate: int
) -> Signal:
    """A tone whose amplitude swings by ±`depth` of itself; the peak is `level`."""
    swing = 1 + depth * np.sin(2 * np.pi * frequency * np.arange(frames) / rate)
    return sine(carrier, level, frames, rate) * swing / (1 + depth)


def warbled(
    carrier: float, frequency: float, deviation: float, level: float, frames: int, rate: int
) -> Signal:
    """A tone whose frequency swings by ±`deviation` Hz."""
    time = np.arange(frames) / rate
    index = deviation / frequency
    return amplitude(level) * np.sin(
        2 * np.pi * carrier * time - index * np.cos(2 * np.pi * frequency * time)
    )
