"""De-emphasis and its inverse: a shelf of first order, by its time constant.

Conventions: time in µs, depth in dB: positive takes treble away, negative brings it back.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Values, register
from models_registry.engine.blocks.cascade import CascadeBlock
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Parameter


@register
class Emphasis(CascadeBlock):
    """(1 + s τ / k) / (1 + s τ), k the depth as a factor."""

    kind = "emphasis"
    card = Card(
        purpose="Undo or apply what broadcasting, tape and early discs did to treble; a tone control with one knob.",
        rationale="Emphasis is defined by time constants of resistors and capacitors, so the block is too; a depth "
        "that changes sign exchanges pole and zero.",
        assumptions="First order; the bilinear transform's bend near half the rate does not matter.",
        expected_ranges="FM 50 or 75 µs with a depth above 30 dB; compact disc 50 µs and 10.46 dB.",
        failure_modes="With a small depth time and depth trade off; at low rates short time constants are bent.",
        expected=LINEAR,
        references=(
            "IEC 60908:1999 (compact disc, 50 and 15 µs)",
            "ITU-R BS.450-4 (FM, 50 and 75 µs)",
        ),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter("time", "us", 5, 5_000, "log", 50, "time constant of the pole"),
            Parameter("depth", "dB", -40, 40, "dB", 10, "treble lost far above it"),
        )

    def sections(self, values: Values) -> Tensor:
        # s = 2 · rate · (1 − 1/z) / (1 + 1/z)
        pole = 2e-6 * self.rate * values["time"].double()
        zero = pole * torch.pow(10.0, -values["depth"].double() / 20)
        nothing = torch.zeros_like(pole)
        b = torch.stack([1 + zero, 1 - zero, nothing])
        a = torch.stack([1 - pole, nothing])
        return torch.cat([b, a])[None] / (1 + pole)
