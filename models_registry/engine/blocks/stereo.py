"""Where and how wide a sound stands between two loudspeakers.

Conventions: two channels, left first; pan from −1 (left) to 1 (right), width 1 as it came, 0 mono.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Block, State, Values, register
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, EngineError, Parameter, Port


@register
class Stereo(Block):
    """Side by width, then both channels by place."""

    kind = "stereo"
    card = Card(
        purpose="Place a stereo sound between two loudspeakers and set how wide it is.",
        rationale="What both channels have in common is heard in the middle, their difference is width; at constant "
        "power a sound keeps its loudness while it moves.",
        assumptions="Loudspeakers or headphones fed by two channels; frequency-independent.",
        expected_ranges="Pan within ±0.7, width 0.5 to 1.5.",
        failure_modes="Width above 1 cancels in mono; pan of a wide sound also tilts its balance; on mono material "
        "(equal channels) the width cannot be learned.",
        expected=SILENT,
        references=(
            "Blumlein, British Patent 394325, 1931 (sum and difference)",
            "Zölzer (ed.), DAFX: Digital Audio Effects, 2nd ed., Wiley 2011, ch. 5",
        ),
    )
    inlet = Port(channels=2)
    outlet = Port(channels=2)

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter("pan", "", -1, 1, "linear", 0, "place", time_varying=True),
            Parameter("width", "", 0, 2, "linear", 1, "factor of the side", time_varying=True),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        if signal.shape[-2] != 2:
            raise EngineError(f"expected two channels to place, found {signal.shape[-2]}")
        # an adapter that hears either channel says one thing for both
        pan, width = (
            one.double().mean(-2) if one.dim() else one.double()
            for one in (values["pan"], values["width"])
        )
        left, right = signal.double().unbind(-2)
        middle, side = (left + right) / 2, width * (left - right) / 2
        # 1 in both channels in the middle, √2 in one of them at an end
        angle = math.pi / 4 * (1 + pan)
        first, second = math.sqrt(2) * torch.cos(angle), math.sqrt(2) * torch.sin(angle)
        output = torch.stack([first * (middle + side), second * (middle - side)], dim=-2)
        return output.to(signal.dtype), None
