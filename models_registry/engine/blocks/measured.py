"""Convolution with the impulse response of a room, measured or learned, whose late part can be turned down and damped.

Conventions: times from the response's first sample; the direct sound ends `direct` ms after its largest sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.blocks.base import (
    RoomBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.convolution import convolved, response_of
from models_registry.engine.blocks.partitioned import Stream
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Option, Parameter


@register
class MeasuredRoom(RoomBlock):
    """y = h ∗ x, where h is `response` and, after the direct sound, times 10^((late − damping · t) / 20)."""

    kind = "convolution"
    card = Card(
        purpose="Put a sound into a room whose impulse response is known, or learn that response from dry and wet "
        "recordings.",
        rationale="A room does to a sound what its impulse response says and nothing else; the level of what comes "
        "after the direct sound and how fast it dies away are what listeners hear of its distance and size, and stay "
        "parameters in dB and dB a second.",
        assumptions="Linear and time-invariant; over after `length`; the same for all channels; the direct sound is "
        "the largest sample.",
        expected_ranges="Late −12 to 6 dB, by which the direct-to-reverberant ratio falls or rises; damping −10 to 100 "
        "dB/s: a decay time of T s becomes 60 / (60 / T + damping).",
        failure_modes="A response cut off before it has died away ends audibly; noise of the measurement comes with "
        "it; learned from short recordings it fits their noise; where the direct sound is hidden, an early "
        "reflection is taken for it; a gain beside it is not identifiable.",
        expected=LINEAR,
        references=(
            "ISO 3382-1:2009 (impulse responses of rooms and what is read from them)",
            "W. G. Gardner, Efficient Convolution without Input-Output Delay, J. Audio Eng. Soc. 43(3), 1995",
        ),
    )
    choices = (
        Option("length", 500, "length of the response, ms", low=10, high=4_000),
        Option("direct", 3, "what belongs to the direct sound after its peak, ms", low=1, high=20),
    )

    @classmethod
    def declare(cls, rate: int, *, length: int = 500, direct: int = 3) -> tuple[Parameter, ...]:
        taps = round(length * rate / 1_000)
        unit = (1.0, *[0.0] * (taps - 1))
        return (
            Parameter("response", "", -2, 2, "linear", unit, "the impulse response", size=taps),
            Parameter("late", "dB", -48, 12, "dB", 0, "level of what follows the direct sound"),
            Parameter("damping", "dB/s", -20, 300, "linear", 0, "how much faster it dies away"),
        )

    def impulse(self, values: Values) -> Tensor:
        """The impulse response (taps,) with its late part as turned down and damped."""
        response = values["response"].double()
        first = int(response.detach().abs().argmax()) + round(
            self.options["direct"] * self.rate / 1_000
        )
        times = torch.arange(max(0, len(response) - first), dtype=torch.float64) / self.rate
        share = amplitude(values["late"].double() - values["damping"].double() * times)
        return torch.cat([response[:first], response[first:] * share])

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        impulse = designed(values, "impulse", lambda: self.impulse(values))
        if state is None and not torch.is_grad_enabled():
            rows = signal.numel() // signal.shape[-1]
            state = Stream(impulse.to(signal.dtype), rows)
        if isinstance(state, Stream):
            return state.advance(signal.reshape(-1, signal.shape[-1])).reshape(signal.shape), state
        return convolved(signal, impulse, state)

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return response_of(self.impulse(values), frequencies, self.rate)

    def tail(self, values: Values) -> float:
        return self.options["length"] / 1_000
