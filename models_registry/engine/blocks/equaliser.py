"""Parametric equaliser: low shelf, four peaks, high shelf.

Conventions: frequencies in Hz, gains in dB, Q dimensionless. Coefficients and recursion are float64
whatever the signal's type.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Values, register
from models_registry.engine.blocks.cascade import CascadeBlock
from models_registry.engine.contract import Card, Parameter

BANDS = ("low", "peak1", "peak2", "peak3", "peak4", "high")
# One decade and a half of peaks between the shelves, where speech and instruments have their energy.
CENTRES = {"low": 100, "peak1": 250, "peak2": 700, "peak3": 1_800, "peak4": 4_000, "high": 7_000}


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
        frequency, gain, q = (
            torch.stack([values[f"{band}_{what}"] for band in BANDS]).double()
            for what in ("frequency", "gain", "q")
        )
        a = torch.pow(10.0, gain / 40)
        w = 2 * math.pi * frequency / self.rate
        cos, alpha = torch.cos(w), torch.sin(w) / (2 * q)
        peak = slice(1, -1)
        peaks = torch.stack(
            [
                1 + alpha[peak] * a[peak],
                -2 * cos[peak],
                1 - alpha[peak] * a[peak],
                1 + alpha[peak] / a[peak],
                -2 * cos[peak],
                1 - alpha[peak] / a[peak],
            ],
            dim=1,
        )
        # a high shelf is the low shelf with z -> -z: its cosine and odd coefficients change sign
        end = torch.tensor([0, -1])
        sign = torch.tensor([1.0, -1.0], dtype=torch.float64)
        a, c, slope = a[end], sign * cos[end], 2 * torch.sqrt(a[end]) * alpha[end]
        shelves = torch.stack(
            [
                a * ((a + 1) - (a - 1) * c + slope),
                sign * 2 * a * ((a - 1) - (a + 1) * c),
                a * ((a + 1) - (a - 1) * c - slope),
                (a + 1) + (a - 1) * c + slope,
                -sign * 2 * ((a - 1) + (a + 1) * c),
                (a + 1) + (a - 1) * c - slope,
            ],
            dim=1,
        )
        whole = torch.cat([shelves[:1], peaks, shelves[1:]])
        return torch.cat([whole[:, :3], whole[:, 4:]], dim=1) / whole[:, 3:4]
