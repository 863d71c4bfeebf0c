"""The filter bank of ISO 532-1: third-octave bands from 25 Hz to 12.5 kHz, their mean power and their power over time.

Conventions: sound pressure is in Pa at 48 kHz, of one ear (frames,); powers are in Pa², levels in dB SPL. The sound
is filtered piece by piece, so that two minutes need no more memory than four seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from metrics import compilation
from metrics.psychoacoustics import iso532_tables as table

Array = NDArray[np.float64]

RATE = 48_000
# A.4: band levels every 0.5 ms.
LEVEL_STEP = RATE // 2_000
BANDS = len(table.FILTER_GAIN)
REFERENCE_PRESSURE_PA = 2e-5
# A.4 adds this power (Pa²) to keep the logarithm of silence defined.
TINY_POWER = 1e-12
# Frames that are filtered at once: few enough to stay in the processor's cache.
PIECE = 4_096 * LEVEL_STEP
# The smoothing looks back over less than three steps, the rest is its memory.
STEPS_BACK = 3


def decibels(power: Array) -> Array:
    """Return the level (dB SPL) of `power` (Pa²)."""
    return 10 * np.log10((power + TINY_POWER) / REFERENCE_PRESSURE_PA**2)


def band_powers(pressure: Array, *, gain: float = 1.0) -> Iterator[tuple[Array, Array]]:
    """Yield, piece by piece, each band's energy (28,) in Pa² frames, and its power (28, steps) every 0.5 ms (A.2, 6.2).

    The power over time is squared sound, smoothed by three equal low-passes.
    """
    bank = _Compiled(gain) if compilation.AVAILABLE else _Interpreted(gain)
    for start in range(0, len(pressure), PIECE):
        yield bank.of(pressure[start : start + PIECE])


def _sections(gain: float) -> Array:
    """Return the filters (28, 3, 6) as second-order sections that also multiply by `gain`."""
    sections = np.tile(table.FILTER_REFERENCE, (BANDS, 1, 1))
    sections[:, :, 4:] -= np.asarray(table.FILTER_DEVIATION)
    sections[:, 0, :3] *= gain * np.asarray(table.FILTER_GAIN)[:, None]
    return sections


def _pole(band: int) -> float:
    """Return the pole of the low-passes, whose time constant is 2/(3 fc), fc being 1 kHz at most (6.2)."""
    centre = 1000 * 10 ** ((band - 16) / 10)
    return math.exp(-1 / (RATE * 2 / (3 * min(centre, 1000.0))))


class _Compiled:
    """The bank as one loop over the samples, which a compiler turns into operations on all bands at once."""

    def __init__(self, gain: float) -> None:
        sections = _sections(gain).transpose(1, 2, 0)
        self._forward, self._back = (
            np.ascontiguousarray(sections[:, part]) for part in (slice(0, 3), slice(4, 6))
        )
        self._poles = np.array([_pole(band) for band in range(BANDS)])
        self._state, self._smoothed = np.zeros((3, 2, BANDS)), np.zeros((3, BANDS))

    def of(self, pressure: Array) -> tuple[Array, Array]:
        energy, power = np.zeros(BANDS), np.empty((len(pressure) // LEVEL_STEP, BANDS))
        _run(
            np.ascontiguousarray(pressure),
            self._forward,
            self._back,
            self._poles,
            self._state,
            self._smoothed,
            energy,
            power,
        )
        return energy, power.T


@compilation.compiled
def _run(
    pressure: Array,
    forward: Array,
    back: Array,
    poles: Array,
    state: Array,
    smoothed: Array,
    energy: Array,
    power: Array,
) -> None:
    """Filter, square and smooth `pressure`, adding to `energy` and writing every 24th value to `power` (steps, 28)."""
    bands = len(energy)
    passed = np.empty(bands)
    for frame in range(len(pressure)):
        for band in range(bands):
            passed[band] = pressure[frame]
        for section in range(3):
            for band in range(bands):
                x = passed[band]
                y = forward[section, 0, band] * x + state[section, 0, band]
                state[section, 0, band] = (
                    forward[section, 1, band] * x
                    - back[section, 0, band] * y
                    + state[section, 1, band]
                )
                state[section, 1, band] = forward[section, 2, band] * x - back[section, 1, band] * y
                passed[band] = y
        for band in range(bands):
            value = passed[band] * passed[band]
            energy[band] += value
            share = 1 - poles[band]
            smoothed[0, band] = poles[band] * smoothed[0, band] + share * value
            smoothed[1, band] = poles[band] * smoothed[1, band] + share * smoothed[0, band]
            smoothed[2, band] = poles[band] * smoothed[2, band] + share * smoothed[1, band]
        step = frame // LEVEL_STEP
        if frame == step * LEVEL_STEP and step < len(power):
            for band in range(bands):
                power[step, band] = smoothed[2, band]


class _Interpreted:
    """The bank where there is no compiler: band after band through scipy's filters."""

    def __init__(self, gain: float) -> None:
        self._sections = _sections(gain)
        self._smoothing = [_Smoothing(_pole(band)) for band in range(BANDS)]
        self._state = np.zeros((BANDS, 3, 2))

    def of(self, pressure: Array) -> tuple[Array, Array]:
        energy, power = np.empty(BANDS), np.empty((BANDS, len(pressure) // LEVEL_STEP))
        for band in range(BANDS):
            passed, self._state[band] = sosfilt(
                self._sections[band], pressure, zi=self._state[band]
            )
            energy[band] = passed @ passed
            np.multiply(passed, passed, out=passed)
            power[band] = self._smoothing[band].of(passed)
        return energy, power


class _Smoothing:
    """Three equal first-order low-passes in a row, of which every 24th value is wanted, and computed.

    With a pole p each is (1 − p) Σ pᵐ x[n − m]. Written as a finite sum over 24 values and a recursion from step to
    step, with the pole p²⁴, the same numbers take a tenth of the time.
    """

    def __init__(self, pole: float) -> None:
        once = (1 - pole) * pole ** np.arange(LEVEL_STEP)
        finite = np.convolve(np.convolve(once, once), once)
        self._now = finite[0]
        # What each value of the three steps before adds, the latest step first.
        back = np.zeros(STEPS_BACK * LEVEL_STEP)
        back[: len(finite) - 1] = finite[1:]
        self._back = back.reshape(STEPS_BACK, LEVEL_STEP)[:, ::-1].T
        step = pole**LEVEL_STEP
        self._recursion = np.array(
            [[1.0, 0.0, 0.0, 1.0, -2 * step, step**2], [1.0, 0.0, 0.0, 1.0, -step, 0.0]]
        )
        self._state = np.zeros((2, 2))
        self._before = np.zeros(STEPS_BACK * LEVEL_STEP)

    def of(self, power: Array) -> Array:
        """Return the smoothed `power` (frames,) at every 24th frame from the first, going on from the last call."""
        whole = len(power) // LEVEL_STEP * LEVEL_STEP
        steps = np.concatenate([self._before, power[:whole]]).reshape(-1, LEVEL_STEP)
        self._before = steps[-STEPS_BACK:].ravel().copy()
        added = steps @ self._back
        total = self._now * steps[STEPS_BACK:, 0]
        for back in range(STEPS_BACK):
            first = STEPS_BACK - 1 - back
            total += added[first : first + len(total), back]
        smoothed, self._state = sosfilt(self._recursion, total, zi=self._state)
        return np.asarray(smoothed)
