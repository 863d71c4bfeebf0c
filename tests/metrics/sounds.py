"""Test sounds of the psychoacoustic literature, shaped (1, frames), at 48 kHz; full scale is 100 dB SPL."""

import numpy as np

RATE = 48_000


def at_level(signal, decibels):
    """`signal` at that level in dB SPL (root mean square)."""
    return signal / np.sqrt(np.mean(signal**2)) * 10 ** ((decibels - 100) / 20) / np.sqrt(2)


def tone(frequency, decibels, seconds=1.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return at_level(np.sin(2 * np.pi * frequency * time)[None], decibels)


def band_noise(low, high, decibels, seconds=1.0, seed=0):
    """Noise of equal power from `low` to `high` Hz and none beyond, faded over 100 ms lest its edges splatter."""
    frames = round(seconds * RATE)
    frequency = np.fft.rfftfreq(frames, 1 / RATE)
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(frequency))
    spectrum = np.exp(1j * phase) * ((frequency >= low) & (frequency < high))
    fade = np.minimum(1, np.arange(frames) / (0.1 * RATE))
    return at_level((np.fft.irfft(spectrum, frames) * fade * fade[::-1])[None], decibels)


def amplitude_modulated(signal, frequency, decibels, depth=1.0):
    """`signal` with its amplitude modulated by a sine, at that level after modulation."""
    time = np.arange(signal.shape[1]) / RATE
    return at_level(signal * (1 + depth * np.sin(2 * np.pi * frequency * time)), decibels)


def power_modulated(signal, frequency, decibels):
    """`signal` with its power, not its amplitude, modulated fully by a sine, at that level after modulation.

    So is the noise that Osses et al. (2016) held to listeners' values: its amplitude follows |sin πft|.
    """
    time = np.arange(signal.shape[1]) / RATE
    return at_level(signal * np.abs(np.sin(np.pi * frequency * time)), decibels)


def frequency_modulated(carrier, deviation, frequency, decibels, seconds):
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * carrier * time
    phase -= deviation / frequency * np.cos(2 * np.pi * frequency * time)
    return at_level(np.sin(phase)[None], decibels)
