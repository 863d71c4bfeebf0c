"""The project's own unknown device: an overdrive pedal whose circuit a model has to guess from its sound.

Conventions: volts in and out, full scale ±1 is ±1 V at the input; component values in ohms, farads, amperes and volts.

The circuit: an amplifier of `gain`, a coupling capacitor C1 and a resistor R1 into a node that a capacitor C2, a
resistor R2 and two unlike diode paths hold to ground, one diode one way and two in series the other; then a first-order
low-pass tone control. The unlike diodes charge the coupling capacitor, so the operating point moves with the playing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import bilinear, lfilter

from models_registry.audio import Audio

try:
    from numba import njit
except ImportError:  # exact without numba, only slower
    njit = None  # type: ignore[assignment]

# The trapezoidal rule's error and the clipper's aliases both fall with the rate.
OVERSAMPLING = 8
# Newton's step in volts at which the node is settled; far below the last bit of 16-bit audio.
SETTLED_V = 1e-9
MAX_ITERATIONS = 50


@dataclass(frozen=True)
class Circuit:
    """Component values; the diodes are 1N4148s (saturation current, emission coefficient × thermal voltage)."""

    gain: float = 12.0
    input_capacitance: float = 47e-9
    series_resistance: float = 4_700.0
    clip_capacitance: float = 4.7e-9
    leak_resistance: float = 220_000.0
    saturation_current: float = 2.52e-9
    diode_voltage: float = 1.752 * 0.02585
    tone_frequency: float = 3_500.0
    output_gain: float = 0.7


def diode_current(voltage: float, circuit: Circuit) -> float:
    """Current (A) through both diode paths at `voltage` across them (Shockley)."""
    forward = math.exp(voltage / circuit.diode_voltage) - 1
    backward = math.exp(-voltage / (2 * circuit.diode_voltage)) - 1
    return circuit.saturation_current * (forward - backward)


def _clip(
    drive: NDArray[np.float64],
    step: float,
    c1: float,
    r1: float,
    c2: float,
    r2: float,
    saturation: float,
    thermal: float,
) -> NDArray[np.float64]:
    """Node voltage for the amplifier's output `drive`, by the implicit trapezoidal rule.

    States: u across C1, v across C2. C1 u' = i, C2 v' = i − v / R2 − d(v), with i = (drive − u − v) / R1.
    """
    node = np.empty(drive.size)
    u = v = 0.0
    h = step / 2
    k = h / (c1 * r1)
    du = dv = 0.0
    for n in range(drive.size):
        # u is linear in v: u = (u_old + h·u'_old + k·(drive − v)) / (1 + k)
        known = u + h * du + k * drive[n]
        target = v + h * dv
        for _ in range(MAX_ITERATIONS):
            up = math.exp(min(v / thermal, 80.0))
            down = math.exp(min(-v / (2 * thermal), 80.0))
            diode = saturation * (up - down)
            slope = saturation * (up / thermal + down / (2 * thermal))
            u_new = (known - k * v) / (1 + k)
            rate = ((drive[n] - u_new - v) / r1 - v / r2 - diode) / c2
            residual = v - target - h * rate
            gradient = 1 + h / c2 * ((1 - k / (1 + k)) / r1 + 1 / r2 + slope)
            change = residual / gradient
            # far up the exponential a full step overshoots; a few thermal voltages at a time do not
            change = min(max(change, -4 * thermal), 4 * thermal)
            v -= change
            if abs(change) < SETTLED_V:
                break
        u = (known - k * v) / (1 + k)
        i = (drive[n] - u - v) / r1
        du = i / c1
        up = math.exp(min(v / thermal, 80.0))
        down = math.exp(min(-v / (2 * thermal), 80.0))
        dv = (i - v / r2 - saturation * (up - down)) / c2
        node[n] = v
    return node


_clip_fast = njit(nogil=True)(_clip) if njit is not None else _clip


def clipper(
    voltage: NDArray[np.float64], rate: float, circuit: Circuit | None = None
) -> NDArray[np.float64]:
    """Voltage at the clipping node for the input `voltage` (frames,), solved at `rate` Hz without resampling."""
    circuit = circuit or Circuit()
    return _clip_fast(
        np.ascontiguousarray(circuit.gain * voltage, dtype=np.float64),
        1 / rate,
        circuit.input_capacitance,
        circuit.series_resistance,
        circuit.clip_capacitance,
        circuit.leak_resistance,
        circuit.saturation_current,
        circuit.diode_voltage,
    )


def overdrive(source: Audio, circuit: Circuit | None = None) -> Audio:
    """`source` through the pedal, at its own rate and aligned with it."""
    circuit = circuit or Circuit()
    fast = OVERSAMPLING * source.rate
    corner = 2 * math.pi * circuit.tone_frequency
    tone = bilinear([corner], [1.0, corner], fs=fast)
    samples = np.empty_like(source.samples)
    for channel, dry in enumerate(source.samples):
        upsampled = soxr.resample(dry.astype(np.float64), source.rate, fast, quality="VHQ")
        node = lfilter(*tone, clipper(upsampled, fast, circuit))
        wet = circuit.output_gain * soxr.resample(node, fast, source.rate, quality="VHQ")
        samples[channel] = np.pad(wet, (0, max(0, source.frames - wet.size)))[: source.frames]
    return Audio(samples, source.rate)
