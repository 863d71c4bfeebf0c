"""Parametric equaliser: low shelf, four peaks, high shelf.

Conventions: frequencies in Hz, gains in dB, Q dimensionless. Coefficients and recursion are float64
whatever the signal's type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.blocks.base import Values, register
from models_registry.engine.blocks.cascade import CascadeBlock
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Parameter

BANDS = ("low", "peak1", "peak2", "peak3", "peak4", "high")
# One decade and a half of peaks between the shelves, where speech and instruments have their energy.
CENTRES = {"low": 100, "peak1": 250, "peak2": 700, "peak3": 1_800, "peak4": 4_000, "high": 7_000}

Complex = NDArray[np.complex128]
# far below the last digit of what it is added to, so that its square is nothing
STEP = 1e-30


class Design(torch.autograd.Function):
    """`forward(frequency (6,), gain (6,), q (6,), rate)` returns the coefficients (6, 5).

    The slopes are those of a complex step, exact to the last digits and found in the same pass; what torch keeps and
    repeats of thirty operations on six numbers takes longer than the filter.
    W. Squire, G. Trapp, Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review 40(1), 1998.
    """

    @staticmethod
    def forward(ctx: Any, frequency: Tensor, gain: Tensor, q: Tensor, rate: int) -> Tensor:
        given = np.stack([one.detach().numpy() for one in (frequency, gain, q)])
        # in row n the n-th of the three has taken the step
        stepped = given[:, None] + 1j * STEP * np.eye(3)[..., None]
        found = cookbook(stepped[0], stepped[1], stepped[2], rate)
        ctx.slopes = torch.from_numpy(found.imag / STEP)
        return torch.from_numpy(found[0].real.copy())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return (*(ctx.slopes * grads[0]).sum(-1).unbind(), None)


def cookbook(frequency: Complex, gain: Complex, q: Complex, rate: int) -> Complex:
    """Coefficients (..., 6, 5) of low shelf, peaks and high shelf with these frequencies, gains and Q (..., 6)."""
    a = 10.0 ** (gain / 40)
    w = 2 * math.pi * frequency / rate
    cos, alpha = np.cos(w), np.sin(w) / (2 * q)
    up, down = alpha * a, alpha / a
    whole = np.stack([1 + up, -2 * cos, 1 - up, 1 + down, -2 * cos, 1 - down], axis=-1)
    # a high shelf is the low shelf with z -> -z: its cosine and odd coefficients change sign
    ends, sign = slice(None, None, len(BANDS) - 1), np.array([1.0, -1.0])
    a, c, slope = a[..., ends], sign * cos[..., ends], 2 * np.sqrt(a[..., ends]) * alpha[..., ends]
    more, less = a + 1, a - 1
    whole[..., ends, :] = np.stack(
        [
            a * (more - less * c + slope),
            sign * 2 * a * (less - more * c),
            a * (more - less * c - slope),
            more + less * c + slope,
            -sign * 2 * (less + more * c),
            more + less * c - slope,
        ],
        axis=-1,
    )
    return np.asarray(whole[..., [0, 1, 2, 4, 5]] / whole[..., 3:4])


@register
class Equaliser(CascadeBlock):
    """Six second-order sections in series, 18 parameters."""

    kind = "equaliser"
    card = Card(
        purpose="Shape the spectrum: tone controls, coupling capacitors, cabinets, microphones.",
        rationale="Linear coloration of devices and rooms is smooth on a logarithmic frequency axis; a few shelves "
        "and resonances with centre, gain and Q are what engineers read and set.",
        assumptions="Linear and time-invariant; minimum phase; every channel alike.",
        expected_ranges="Gains within ±12 dB and Q of 0.3 to 4 for tone controls; Q above 8 only for "
        "a real resonance.",
        failure_modes="Neighbouring bands at the same frequency cancel and are not identifiable apart; the bilinear "
        "transform narrows bands near half the sample rate; no steep low- or high-pass.",
        expected=LINEAR,
        references=(
            "R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients "
            "(W3C Working Group Note, 2021)",
            "Välimäki, Reiss, All About Audio Equalization, Applied Sciences 6(5):129, 2016",
        ),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        top = min(20_000.0, 0.45 * rate)
        declared: list[Parameter] = []
        for band in BANDS:
            shape = {"low": "low shelf", "high": "high shelf"}.get(band, f"peak {band[-1]}")
            centre = min(CENTRES[band], 0.8 * top)
            declared += [
                Parameter(
                    f"{band}_frequency", "Hz", 20, top, "log", centre, f"centre of the {shape}"
                ),
                Parameter(f"{band}_gain", "dB", -24, 24, "dB", 0, f"gain of the {shape}"),
                Parameter(
                    f"{band}_q",
                    "",
                    0.2,
                    12,
                    "log",
                    math.sqrt(0.5),
                    f"quality factor of the {shape}",
                ),
            ]
        return tuple(declared)

    def sections(self, values: Values) -> Tensor:
        """Coefficients (6, 5) float64: b0 b1 b2 a1 a2 with a0 = 1 (cookbook formulae)."""
        given = (
            torch.stack([values[f"{band}_{what}"] for band in BANDS]).double()
            for what in ("frequency", "gain", "q")
        )
        designed: Tensor = Design.apply(*given, self.rate)  # type: ignore[no-untyped-call]
        return designed
