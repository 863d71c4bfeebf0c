"""Early reflections of a rectangular room, by its mirror images.

Conventions: lengths in metres, positions as shares of the room's length, width and height. The direct sound comes at
once and with its own level; every reflection is later and softer by its longer way, and by what the walls take.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models_registry.engine.blocks.base import RoomBlock, State, Values, designed, register
from models_registry.engine.blocks.convolution import convolved, response_of
from models_registry.engine.blocks.delay import divided, lagrange
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter

# metres per second at 20 °C
SPEED = 343.2


@register
class EarlyReflections(RoomBlock):
    """y = Σ over images: (r₀ / r) · √(1 − absorption) per wall · x(t − (r − r₀) / c)."""

    kind = "early-reflections"
    card = Card(
        purpose="The first tens of milliseconds of a room: its size, and where in it somebody speaks.",
        rationale="Walls act as mirrors while wavelengths are small against them; six lengths and positions give every "
        "early arrival, so a fitted room can be drawn and entered.",
        assumptions="A rectangular room with equal walls that absorb alike at all frequencies; omnidirectional source "
        "and listener.",
        expected_ranges="Rooms of 2 to 15 m, absorption 0.1 to 0.6.",
        failure_modes="Waveform losses find positions only from nearby; images beyond `longest` are left out; "
        "furniture scatters what this mirrors; put a late reverberation behind it for the tail.",
        expected=SILENT,
        references=(
            "J. B. Allen, D. A. Berkley, Image Method for Efficiently Simulating Small-Room Acoustics, J. Acoust. "
            "Soc. Am. 65(4), 1979",
        ),
    )
    choices = (
        Option("order", 2, "walls that a sound meets at most", low=1, high=6),
        Option("longest", 80, "latest reflection, ms", low=5, high=500),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        order = self.options["order"]
        # along an axis the n-th image has met |n| walls, and every other one is turned round
        found = [
            image
            for image in itertools.product(range(-order, order + 1), repeat=3)
            if 0 < sum(map(abs, image)) <= order
        ]
        self.images = torch.tensor(found, dtype=torch.float64)

    @classmethod
    def declare(cls, rate: int, *, order: int = 2, longest: int = 80) -> tuple[Parameter, ...]:
        room = (("length", 6.0), ("width", 4.0), ("height", 2.7))
        return (
            *(Parameter(name, "m", 1.5, 40, "log", d, f"{name} of the room") for name, d in room),
            Parameter("source", "", 0.05, 0.95, "linear", (0.3, 0.4, 0.5), "its place", size=3),
            Parameter("listener", "", 0.05, 0.95, "linear", (0.7, 0.6, 0.45), "place", size=3),
            Parameter("absorption", "", 0.02, 0.98, "linear", 0.3, "of each wall's energy"),
        )

    def arrivals(self, values: Values) -> tuple[Tensor, Tensor]:
        """When (samples after the direct sound) and how strong (factor) each reflection comes."""
        room = torch.stack([values[name].double() for name in ("length", "width", "height")])
        source, listener = values["source"].double() * room, values["listener"].double() * room
        odd = self.images % 2
        # Allen and Berkley, eq. 8: even images are moved by whole rooms, odd ones mirrored too
        places = self.images * room + torch.where(odd > 0, room - source, source)
        ways = (places - listener).square().sum(1).sqrt()
        # a listener in the source's place would hear the direct sound infinitely loud
        direct = ((source - listener).square().sum() + 0.01).sqrt()
        strength = direct / ways.clamp_min(0.1)
        walls = self.images.abs().sum(1)
        strength = strength * (1 - values["absorption"].double()) ** (walls / 2)
        return ((ways - direct) * self.rate / SPEED).clamp(min=1), strength

    def impulse(self, values: Values) -> Tensor:
        """The impulse response (taps,), the direct sound first."""
        taps = round(self.options["longest"] * self.rate / 1_000)
        late, strength = self.arrivals(values)
        whole, fraction = divided(late)
        at = whole[:, None] + torch.arange(4)
        weights = strength[:, None] * lagrange(fraction) * (at < taps)
        found = torch.zeros(taps, dtype=torch.float64)
        found = found.index_add(0, at.clamp(max=taps - 1).flatten(), weights.flatten())
        one = torch.zeros_like(found)
        one[0] = 1
        return found + one

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        return convolved(signal, designed(values, "impulse", lambda: self.impulse(values)), state)

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return response_of(self.impulse(values), frequencies, self.rate)

    def tail(self, values: Values) -> float:
        return self.options["longest"] / 1_000
