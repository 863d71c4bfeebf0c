"""Noises to train and demonstrate with when no recordings are given: steady, fluctuating, tonal and made of voices.

Conventions: every noise returns float64 (frames,) of effective value 1 at `rate` Hz; what is random comes from the
generator passed in, so that a seed names a noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, sosfilt

from models_registry.instruments import Signal, voice


def coloured(seconds: float, rate: int, rng: np.random.Generator, *, slope: float) -> Signal:
    """Gaussian noise whose power falls by `slope` dB per octave, flat below 30 Hz."""
    frames = round(seconds * rate)
    spectrum = np.fft.rfft(rng.normal(size=frames))
    frequency = np.maximum(np.fft.rfftfreq(frames, 1 / rate), 30.0)
    return unit(np.fft.irfft(spectrum * (frequency / 1_000) ** (-slope / 6.0206), frames))


def unit(signal: Signal) -> Signal:
    return signal / np.sqrt(np.mean(signal**2))


def hum(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """Mains hum with its harmonics, and a little hiss."""
    time = np.arange(round(seconds * rate)) / rate
    base = rng.choice([50.0, 60.0]) * (1 + rng.uniform(-0.002, 0.002))
    total = 0.02 * rng.normal(size=time.size)
    for n in range(1, 20):
        level = 10 ** (-n * rng.uniform(1.0, 3.0) / 20)
        total += level * np.sin(2 * np.pi * (n * base * time + rng.uniform()))
    return unit(total)


def gusts(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """Low noise that comes and goes, as wind does in a microphone."""
    noise = coloured(seconds, rate, rng, slope=9.0)
    slow = sosfilt(butter(2, 1.5, fs=rate, output="sos"), rng.normal(size=noise.size))
    return unit(noise * np.exp(slow / slow.std()))


def machine(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """Noise in a band, beaten at the speed of an engine."""
    low = rng.uniform(100, 600)
    band = butter(
        2, [low, min(low * rng.uniform(3, 8), 0.45 * rate)], "band", fs=rate, output="sos"
    )
    time = np.arange(round(seconds * rate)) / rate
    beat = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(4, 25) * time)
    return unit(sosfilt(band, rng.normal(size=time.size)) * beat)


def babble(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """Eight voices at once."""
    total = np.zeros(round(seconds * rate))
    for _ in range(8):
        spoken = voice(seconds, rate, rng, pitch=float(rng.uniform(85, 240)))
        total += np.roll(spoken[: total.size], int(rng.integers(total.size)))
    return unit(total)


def clatter(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """Short knocks on a bed of noise, as dishes and keyboards make."""
    total = 0.05 * coloured(seconds, rate, rng, slope=3.0)
    for _ in range(rng.poisson(6 * seconds)):
        start, length = int(rng.integers(total.size)), round(rng.uniform(0.01, 0.08) * rate)
        knock = rng.normal(size=length) * np.exp(-np.arange(length) * 6.9 / length)
        part = total[start : start + length]
        part += rng.uniform(0.3, 1.5) * knock[: part.size]
    return unit(total)


NOISES: dict[str, Callable[[float, int, np.random.Generator], Signal]] = {
    "white": lambda seconds, rate, rng: coloured(seconds, rate, rng, slope=0.0),
    "pink": lambda seconds, rate, rng: coloured(seconds, rate, rng, slope=3.0),
    "brown": lambda seconds, rate, rng: coloured(seconds, rate, rng, slope=6.0),
    "hum": hum,
    "gusts": gusts,
    "machine": machine,
    "babble": babble,
    "clatter": clatter,
}
