"""Level: the same factor at every frequency and amplitude."""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.blocks.base import LinearBlock, State, Values, amplitude, register
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Parameter


@register
class Gain(LinearBlock):
    """Multiply by a level in dB."""

    kind = "gain"
    card = Card(
        purpose="Set the level of a signal without changing its shape.",
        rationale="Loudness is judged first in every comparison; a level of its own keeps the other blocks "
        "from hiding one in their curves or responses.",
        assumptions="Polarity is kept; the level is the same for every channel.",
        expected_ranges="-24 to +24 dB in a trained chain; the ends of the range mean that another "
        "block does the wrong work.",
        failure_modes="Trades off against a neighbouring curve or an equaliser with all gains moved "
        "together: only the product is identifiable.",
        expected=LINEAR,
        references=("Zölzer (ed.), DAFX: Digital Audio Effects, 2nd ed., Wiley 2011, ch. 1",),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "level", "dB", -48, 48, "dB", 0, "factor applied to the signal", time_varying=True
            ),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        return signal * amplitude(values["level"]).to(signal.dtype), None

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        flat = torch.ones_like(frequencies, dtype=torch.complex128)
        return flat * amplitude(values["level"])
