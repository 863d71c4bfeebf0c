"""A distortion pedal's clipping stage by its circuit equation: what the overdrive recipe is judged by, made by none of
its blocks.

Conventions: volts, full scale ±1 is ±1 V; components in ohms, farads and amperes.

A first-order high-pass and a gain drive a resistor R into a capacitor C and two antiparallel diodes to ground (Yeh,
Abel, Smith, Simplified, physically-informed models of distortion and overdrive guitar effects pedals, DAFx 2007,
equation 4, the diode clipper): dv/dt = (u − v) / (R C) − (2 I / C) sinh(v / V). A first-order low-pass follows.
"""

from __future__ import annotations

import math

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

try:
    from numba import njit
except ImportError:
    njit = None  # type: ignore[assignment]

# as in the paper: 1N914
RESISTANCE, CAPACITANCE, SATURATION, THERMAL = 2_200.0, 10e-9, 2.52e-9, 45.3e-3
HIGH_PASS_HZ, LOW_PASS_HZ, GAIN = 720.0, 5_000.0, 20.0
OVERSAMPLING = 8
SETTLED_V, MOST_ITERATIONS = 1e-10, 100


def clipper_slope(drive: float, v: float) -> float:
    """dv/dt of the clipper's node at `v` for the voltage `drive` in front of the resistor."""
    diodes = 2 * SATURATION / CAPACITANCE * math.sinh(v / THERMAL)
    return (drive - v) / (RESISTANCE * CAPACITANCE) - diodes


def _clipped(
    drive: NDArray[np.float64], step: float, rc: float, saturation: float, thermal: float
) -> NDArray[np.float64]:
    node = np.empty_like(drive)
    v = before = 0.0
    for n in range(drive.size):
        # v = known + step / 2 · slope(v), by Newton
        known = v + step / 2 * before
        for _ in range(MOST_ITERATIONS):
            inner = min(max(v / thermal, -60.0), 60.0)
            slope = (drive[n] - v) / rc - saturation * math.sinh(inner)
            bend = 1 / rc + saturation / thermal * math.cosh(inner)
            change = (v - known - step / 2 * slope) / (1 + step / 2 * bend)
            change = min(max(change, -4 * thermal), 4 * thermal)
            v -= change
            if abs(change) < SETTLED_V:
                break
        before = (drive[n] - v) / rc - saturation * math.sinh(v / thermal)
        node[n] = v
    return node


_fast = njit(nogil=True)(_clipped) if njit is not None else _clipped


def clipped(drive: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """The node's voltage (frames,) for `drive` (frames,) at `rate` Hz: trapezoidal rule, no resampling."""
    rc = RESISTANCE * CAPACITANCE
    return _fast(np.ascontiguousarray(drive), 1 / rate, rc, 2 * SATURATION / CAPACITANCE, THERMAL)


def distorted(signal: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """`signal` (frames,) after the whole stage, at its own rate and aligned with it."""
    fast = OVERSAMPLING * rate
    up = soxr.resample(signal.astype(np.float64), rate, fast, quality="VHQ")
    driven = GAIN * lfilter(*butter(1, HIGH_PASS_HZ, "high", fs=fast), up)
    node = lfilter(*butter(1, LOW_PASS_HZ, fs=fast), clipped(driven, fast))
    down = soxr.resample(node, fast, rate, quality="VHQ")
    return np.pad(down, (0, max(0, signal.size - down.size)))[: signal.size]
