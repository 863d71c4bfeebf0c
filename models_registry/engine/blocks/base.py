"""The shape of a block, and the register of kinds.

Conventions: signals are tensors (batch, channels, frames); a static parameter is a float64 tensor () or
(size,), a time-varying one (batch, channels, steps) or (batch, channels, steps, size), where a step is `hop` samples:
one for each hop that ends within the stretch, counted from the first sample. `state` is what a block carries from one
stretch of signal to the next, None at the start; gradients do not flow through it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from models_registry.engine.contract import Card, Option, Parameter, Port, SpecError

Values = Mapping[str, Tensor]
State = Any
Made = TypeVar("Made")

BLOCKS: dict[str, type[Block]] = {}


class Settled(dict[str, Tensor]):
    """Values that stay as they are while a signal goes by, and what a block has made of them; without gradients."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.designs: dict[str, Any] = {}


def designed(values: Values, name: str, make: Callable[[], Made]) -> Made:
    """What `make` makes of `values`, once where they are settled: `name` tells a block's designs apart."""
    if not isinstance(values, Settled):
        return make()
    if name not in values.designs:
        values.designs[name] = make()
    made: Made = values.designs[name]
    return made


class Block(ABC):
    """A phenomenon as two methods: physical parameters from controls, signal from parameters."""

    kind: ClassVar[str]
    card: ClassVar[Card]
    choices: ClassVar[tuple[Option, ...]] = ()
    # a block whose latency follows from its options sets ports of its own
    inlet: Port = Port()
    outlet: Port = Port()
    # samples from one value of a time-varying parameter to the next
    hop: int = 1

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        self.rate = rate
        given = options or {}
        self.options: dict[str, Any] = {
            option.name: option.checked(given.get(option.name, option.default), where=option.name)
            for option in self.choices
        }
        self.parameters = {
            parameter.name: parameter for parameter in self.declare(rate, **self.options)
        }

    @classmethod
    @abstractmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        """The parameters and their ranges at `rate` Hz; a block with `choices` takes them as keywords too."""

    def physical(self, controls: Values) -> dict[str, Tensor]:
        """Values in units from `controls` (0 to 1), by parameter name."""
        together = {
            **_together(self.parameters, controls, logarithmic=True),
            **_together(self.parameters, controls, logarithmic=False),
        }
        return {
            name: together[name] if name in together else parameter.physical(controls[name])
            for name, parameter in self.parameters.items()
        }

    @abstractmethod
    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        """The output, shaped and typed like `signal`, and the state after it."""

    def pole_radius(self, values: Values) -> float:
        """The largest pole's distance from the origin; below 1 is stable, 0 has no feedback."""
        return 0.0

    def tail(self, values: Values) -> float:
        """Seconds after the input's end until the output has fallen by 60 dB; by the largest pole where not exact."""
        radius = self.pole_radius(values)
        return math.log(1e-3) / math.log(radius) / self.rate if radius > 0 else 0.0


def _together(
    parameters: Mapping[str, Parameter], controls: Values, *, logarithmic: bool
) -> dict[str, Tensor]:
    """`Parameter.physical` of all single numbers on a logarithmic scale, or of all others, in one operation: one by
    one they take a tenth of an equaliser's time."""
    alike = {
        name: parameter
        for name, parameter in parameters.items()
        if (parameter.scale == "log") == logarithmic and not controls[name].dim()
    }
    if len(alike) < 2 or len({controls[name].dtype for name in alike}) > 1:
        return {}
    at = torch.stack([controls[name] for name in alike])
    low = at.new_tensor([parameter.low for parameter in alike.values()])
    if logarithmic:
        physical = low * at.new_tensor([p.high / p.low for p in alike.values()]) ** at
    else:
        physical = low + at.new_tensor([p.high - p.low for p in alike.values()]) * at
    return dict(zip(alike, physical.unbind(), strict=True))


class LinearBlock(Block):
    """A block with a frequency response."""

    @abstractmethod
    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        """The complex response at `frequencies` (Hz), analytic and differentiable in the parameters."""


class RoomBlock(LinearBlock):
    """A linear block that is best seen as its impulse response dies away."""

    def decay(self, values: Values) -> Tensor:
        """The impulse response (frames,) until it has fallen by 60 dB, of at most 4 s."""
        frames = math.ceil(min(self.tail(values), 4.0) * self.rate) + 1
        impulse = torch.zeros(1, 1, frames, dtype=torch.float64)
        impulse[..., 0] = 1
        return self.process(impulse, values, None)[0][0, 0]


class ShapingBlock(Block):
    """A nonlinear block with a static curve: a shape, or what a level that lasts comes to."""

    # whether it is a curve of levels that last, which is read in dB, and not of samples
    by_level: ClassVar[bool] = False

    @abstractmethod
    def curve(self, values: Values, levels: Tensor) -> Tensor:
        """Output level for each input level (full scale = 1)."""


class ReactingBlock(Block):
    """A block whose gain takes its time: what it does is seen on a level that steps."""

    # seconds of soft, loud and soft again that show it
    course: ClassVar[float] = 0.5

    def reaction(self, values: Values, levels: Tensor) -> Tensor:
        """The gain (frames,) in dB while a square wave of about 1 kHz has the levels (frames,) in dB."""
        half = max(1, round(self.rate / 2_000))
        turns = torch.arange(levels.shape[0]) // half % 2
        signal = (amplitude(levels.double()) * (1 - 2 * turns))[None, None]
        output, _ = self.process(signal, values, None)
        return 20 * torch.log10((output / signal).abs())[0, 0]


class SoundBlock(Block):
    """A block that sounds by itself, whatever comes in."""

    def sound(self, values: Values, frames: int) -> Tensor:
        """The first samples (frames,) that it makes of silence."""
        return self.process(torch.zeros(1, 1, frames, dtype=torch.float64), values, None)[0][0, 0]


class BandBlock(Block):
    """A block that treats bands of the spectrum each on its own."""

    @abstractmethod
    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        """The bands' centres (bands,) in Hz and, by name, what holds in each (bands,), in dB."""


def register(cls: type[Block]) -> type[Block]:
    """Make `cls` available to specifications; it must state its kind, card and parameter ranges."""
    kind = getattr(cls, "kind", None)
    if not kind or not isinstance(getattr(cls, "card", None), Card):
        raise SpecError(
            f"{cls.__name__}: expected a kind and a card, found none; it is not registered"
        )
    if kind in BLOCKS:
        raise SpecError(f"{cls.__name__}: expected a new kind, found '{kind}' already registered")
    if not cls.declare(48_000):
        raise SpecError(f"{cls.__name__}: expected parameters with ranges, found none")
    BLOCKS[kind] = cls
    return cls


def amplitude(level: Tensor) -> Tensor:
    """Decibels to a factor."""
    return torch.pow(10.0, level / 20)
