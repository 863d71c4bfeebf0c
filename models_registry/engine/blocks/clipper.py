"""Clipping by a formula, with the aliases suppressed; and the operating point that settles after switching on.

Conventions: levels relative to full scale (1), `drive` and `ceiling` in dB.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from models_registry.engine.blocks.base import (
    SoundBlock,
    State,
    Values,
    amplitude,
    register,
)
from models_registry.engine.blocks.oversampling import FACTORS, OversampledBlock
from models_registry.engine.blocks.promises import COMPRESSING
from models_registry.engine.contract import Card, Option, Parameter
from models_registry.engine.relevance import as_gain

# Below this step the difference quotient has lost more digits than the midpoint rule errs by.
NEAR = 1e-4


def _soft(u: Tensor) -> Tensor:
    v = u.clamp(-1.5, 1.5)
    return v - 4 * v**3 / 27


def _soft_integral(u: Tensor) -> Tensor:
    v = u.clamp(-1.5, 1.5)
    return v**2 / 2 - v**4 / 27 + (u - v).abs()


def _hard_integral(u: Tensor) -> Tensor:
    v = u.clamp(-1, 1)
    return v**2 / 2 + (u - v).abs()


def _tanh_integral(u: Tensor) -> Tensor:
    # log cosh u without its overflow
    return u.abs() + softplus(-2 * u.abs()) - math.log(2)


# A curve with slope 1 at 0 and limits ±1, and its integral from 0.
CURVES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "tanh": (torch.tanh, _tanh_integral),
    "soft": (_soft, _soft_integral),
    "hard": (lambda u: u.clamp(-1, 1), _hard_integral),
}


@register
class Clipper(OversampledBlock):
    """y = ceiling · f(drive · x / ceiling)."""

    kind = "clipper"
    card = Card(
        purpose="Clip as a formula says: a transistor stage (tanh), a gentle limit (soft), a rail (hard).",
        rationale="Where the curve is known, two numbers describe it; the mean of the curve between neighbouring "
        "samples instead of its value at each suppresses aliases without a higher rate.",
        assumptions="Memoryless and symmetric; the signal is straight between samples.",
        expected_ranges="Drive 0 to 30 dB; ceiling −20 to 0 dB.",
        failure_modes="With antiderivative, half a sample late (not declared: latency is in whole samples) and 3 dB "
        "down at a quarter of the rate; without, harmonics above half the rate fold back; a hard curve "
        "gives no gradient to what it clips.",
        expected=COMPRESSING,
        references=(
            "J. D. Parker, V. Zavalishin, E. Le Bivic, Reducing the Aliasing of Nonlinear Waveshaping Using "
            "Continuous-Time Convolution, DAFx 2016",
        ),
    )
    by = "aliasing"
    choices = (
        Option("shape", "tanh", "the curve", words=tuple(CURVES)),
        Option(
            "aliasing",
            "antiderivative",
            "what is done about it (2x: twice the rate, …)",
            ("antiderivative", "none", *FACTORS),
        ),
    )

    @classmethod
    def declare(
        cls, rate: int, *, shape: str = "tanh", aliasing: str = "antiderivative"
    ) -> tuple[Parameter, ...]:
        return (
            Parameter("drive", "dB", -24, 60, "dB", 0, "level into the curve", time_varying=True),
            Parameter("ceiling", "dB", -60, 12, "dB", 0, "largest output", time_varying=True),
        )

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        value, _ = CURVES[self.options["shape"]]
        ceiling = amplitude(values["ceiling"].double())
        level = signal.double() * amplitude(values["drive"].double()) / ceiling
        return (ceiling * value(level)).to(signal.dtype)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        if self.options["aliasing"] != "antiderivative":
            return super().process(signal, values, state)
        value, integral = CURVES[self.options["shape"]]
        ceiling = amplitude(values["ceiling"].double())
        level = signal.double() * amplitude(values["drive"].double()) / ceiling
        before = torch.zeros_like(level[..., :1]) if state is None else state
        earlier = torch.cat([before, level[..., :-1]], dim=-1)
        step = level - earlier
        near = step.abs() < NEAR
        # Parker et al., eq. 10, and eq. 11 where the quotient would be 0 / 0
        slope = (integral(level) - integral(earlier)) / torch.where(near, 1.0, step)
        middle = (level + earlier) / 2
        mean = as_gain(middle, torch.where(near, value(middle), slope))
        return (ceiling * mean).to(signal.dtype), level[..., -1:].detach().clone()


@register
class Settling(SoundBlock):
    """y[n] = x[n] + offset · e^(−n / (time · rate)), counted from the first sample."""

    kind = "settling"
    card = Card(
        purpose="The thump of a device that is switched on when the recording begins: capacitors that charge to "
        "their operating point.",
        rationale="Coupling capacitors start empty, so the output relaxes exponentially to its rest; where recordings "
        "begin with it, everything else would otherwise be bent to explain it.",
        assumptions="Every recording begins at the moment of switching on; the transient is the same for any signal.",
        expected_ranges="Time constant 5 to 200 ms; an offset near 0 where the device was already on.",
        failure_modes="Adds its thump to silence too, and to the start of every rendering; wrong for clips cut "
        "from the middle of a recording; put a clipper behind it where the device cannot exceed its rails.",
        references=("Horowitz, Hill, The Art of Electronics, 3rd ed., 2015, ch. 1 (RC circuits)",),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter("offset", "", -64, 64, "linear", 0, "distance from rest at the first sample"),
            Parameter("time", "ms", 1, 5_000, "log", 50, "time constant"),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        begun = state or 0
        frames = signal.shape[-1]
        times = torch.arange(begun, begun + frames, dtype=torch.float64) / self.rate
        transient = values["offset"].double() * torch.exp(-1_000 * times / values["time"].double())
        return signal + transient.to(signal.dtype), begun + frames

    def tail(self, values: Values) -> float:
        return math.log(1e3) * float(values["time"]) / 1_000
