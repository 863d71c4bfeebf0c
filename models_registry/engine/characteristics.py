"""What a block is, whatever goes through it: response with phase and group delay, poles and zeros, bands, decay.

Conventions: frequencies in Hz, magnitudes in dB, phases in degrees, delays in ms; the latency that a block declares is
taken out of phase and delay, since rendering takes it out. Blocks that an adapter moves are shown where it finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from models_registry.engine.blocks import (
    Crossover,
    FilterBank,
    Fir,
    FramedBlock,
    MultibandCompressor,
    RoomBlock,
    VariableFilter,
)
from models_registry.engine.blocks.cascade import CascadeBlock, response_of
from models_registry.engine.chain import Chain

Array = NDArray[np.float64]
Roots = NDArray[np.complex128]

# −100 dB: a zero on the circle has a magnitude too
FLOOR_DB = -100.0
# Hz to either side between which the phase's slope is taken: far below the width of any resonance here
STEP_HZ = 1e-3
# zeros of longer responses cannot be computed to any digit that shows
MOST_TAPS = 128
# ISO 3382-1: the decay is fitted between these levels (T30), or these where it ends early (T20)
T30, T20 = (-5.0, -35.0), (-5.0, -25.0)
OCTAVES = (63, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)


@dataclass(frozen=True)
class Response:
    """A linear block at `frequencies` (n,): `magnitude` in dB, `phase` in degrees (unwrapped) and `delay`, the group
    delay, in ms, both without `latency` (samples)."""

    frequencies: Array
    magnitude: Array
    phase: Array
    delay: Array
    latency: int


def response(chain: Chain, block: str, frequencies: ArrayLike) -> Response:
    """Magnitude, phase and group delay of the linear block `block`; raises `EngineError` for one that is not."""
    grid = np.asarray(frequencies, dtype=np.float64)
    late = chain.blocks[block].outlet.latency if block in chain.blocks else 0
    found = chain.response(block, grid) * np.exp(2j * np.pi * grid * late / chain.rate)
    below, above = (chain.response(block, grid + step) for step in (-STEP_HZ, STEP_HZ))
    slope = np.angle(above * np.conj(below)) / (2 * STEP_HZ)
    return Response(
        grid,
        20 * np.log10(np.maximum(np.abs(found), 10 ** (FLOOR_DB / 20))),
        np.rad2deg(np.unwrap(np.angle(found))),
        1_000 * (-slope / (2 * np.pi) - late / chain.rate),
        late,
    )


def poles_and_zeros(chain: Chain, block: str) -> tuple[Roots, Roots]:
    """Poles and zeros of `block` in the z plane; none where they are no few that can be drawn."""
    found = chain.blocks[block]
    with torch.no_grad():
        values = chain.values(block)
        if isinstance(found, CascadeBlock):
            return _roots(found.sections(values))
        if isinstance(found, VariableFilter):
            return _of_variable(found, values)
        if isinstance(found, Fir) and found.options["taps"] <= MOST_TAPS:
            taps = np.trim_zeros(found.impulse(values).numpy(), "b")
            zeros = np.asarray(np.roots(taps), complex)
            # as many at the origin as there are zeros elsewhere
            return np.zeros(len(taps) - 1, complex), np.append(
                zeros, np.zeros(len(taps) - 1 - len(zeros))
            )
    nothing = np.zeros(0, complex)
    return nothing, nothing


def _roots(sections: torch.Tensor) -> tuple[Roots, Roots]:
    rows = sections.numpy()
    sos = np.insert(rows, 3, 1.0, axis=1)
    zeros, poles, _ = signal.sos2zpk(sos)
    return np.asarray(poles, complex), np.asarray(zeros, complex)


def _of_variable(block: VariableFilter, values: Any) -> tuple[Roots, Roots]:
    g = float(np.tan(np.pi * float(values["frequency"]) / block.rate))
    damping = 1 / float(values["q"])
    low, band, high = (float(values[name]) for name in ("low", "band", "high"))
    # the analogue prototype in units of its corner, under the bilinear transform s = (1 − 1/z) / (g (1 + 1/z))
    b, a = signal.bilinear([high, band * damping, low], [1, damping, 1], fs=1 / (2 * g))
    zeros, poles, _ = signal.tf2zpk(b, a)
    return np.asarray(poles, complex), np.asarray(zeros, complex)


def bank(chain: Chain, block: str, frequencies: ArrayLike) -> dict[str, Array]:
    """By band, the magnitude (dB) with which `block` hears it at `frequencies`, without its level; empty for a block
    without bands."""
    found = chain.blocks[block]
    grid = torch.from_numpy(np.asarray(frequencies, dtype=np.float64))
    with torch.no_grad():
        values = chain.values(block)
        if isinstance(found, Crossover | MultibandCompressor):
            bands = found.bands(values)
            heard = [response_of(one, grid, chain.rate).abs().numpy() for one in bands]
        elif isinstance(found, FilterBank):
            half = found.outlet.latency
            places = np.arange(half + 1) * chain.rate / (2 * half + 1)
            heard = [np.interp(grid.numpy(), places, one) for one in found.shares.numpy()]
        elif isinstance(found, FramedBlock):
            places = np.arange(found.size // 2 + 1) * chain.rate / found.size
            heard = [np.interp(grid.numpy(), places, one) for one in found.weights.numpy()]
        else:
            return {}
    floor = 10 ** (FLOOR_DB / 20)
    return {
        f"band {n}": 20 * np.log10(np.maximum(one, floor)) for n, one in enumerate(heard, start=1)
    }


def decay_times(chain: Chain, block: str) -> dict[int, float | None]:
    """Reverberation time (s) by octave of the room `block`: T30 of ISO 3382-1, or T20 where the decay ends early; None
    in an octave where neither can be read off. Empty for a block that is no room. The direct sound, which comes first,
    does not count."""
    if not isinstance(chain.blocks[block], RoomBlock):
        return {}
    impulse = chain.decay(block)[1:]
    return {
        centre: reverberation_time(_octave(impulse, centre, chain.rate), chain.rate)
        for centre in OCTAVES
        if centre * np.sqrt(2) < chain.rate / 2
    }


def _octave(impulse: Array, centre: float, rate: int) -> Array:
    edges = centre / np.sqrt(2), centre * np.sqrt(2)
    return np.asarray(
        signal.sosfilt(signal.butter(3, edges, "bandpass", fs=rate, output="sos"), impulse)
    )


def reverberation_time(impulse: Array, rate: int) -> float | None:
    """Seconds for 60 dB by the line fitted to Schroeder's backward integral (ISO 3382-1, 5.3.3)."""
    energy = np.cumsum(impulse[::-1] ** 2)[::-1]
    if not energy[0] > 0:
        return None
    level = 10 * np.log10(np.maximum(energy / energy[0], 1e-12))
    # the last tenth of what is there is bent by its end
    known = level[: max(2, round(0.9 * level.size))]
    for high, low in (T30, T20):
        chosen = np.flatnonzero((known <= high) & (known >= low))
        if chosen.size > 2 and known[-1] < low:
            slope = np.polyfit(chosen / rate, known[chosen], 1)[0]
            return float(-60 / slope)
    return None
