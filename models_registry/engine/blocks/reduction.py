"""Fewer bits and fewer samples: what early converters and their imitations do.

Conventions: levels relative to full scale (1); a word of b bits has steps of 2^(1 − b).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Block, State, Values, register
from models_registry.engine.blocks.delay import with_past
from models_registry.engine.blocks.oversampling import OVERSAMPLING, OversampledBlock
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter

SLOWEST = 500.0


@register
class Quantiser(OversampledBlock):
    """Levels rounded to steps, the edges of the steps as sharp as wished."""

    kind = "quantiser"
    card = Card(
        purpose="Bit depth: the grain of an 8-bit sampler, the noise floor of a converter.",
        rationale="A staircase with rounded edges becomes exact rounding as they sharpen, and has a slope from which "
        "the number of bits can be learned while they are round.",
        assumptions="No dither; steps evenly spaced, one of them around 0; full scale does not clip.",
        expected_ranges="4 to 16 bits; sharpness 5 while learning, above 50 to sound like a converter.",
        failure_modes="With sharp edges neither the signal nor the bits get a gradient; soft sounds vanish into the "
        "step around 0; harmonics of the steps fold back without oversampling.",
        expected=SILENT,
        references=("B. Widrow, I. Kollár, Quantization Noise, Cambridge University Press 2008",),
    )
    choices = (OVERSAMPLING,)

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        return (
            Parameter("bits", "bit", 1, 24, "linear", 8, "length of a word", time_varying=True),
            Parameter("sharpness", "", 0.5, 200, "log", 10, "of the edges of the steps"),
        )

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        step = torch.pow(2.0, 1 - values["bits"].double())
        place = signal.double() / step
        below = place.detach().floor()
        half = values["sharpness"].double() / 2
        # from one step to the next between two whole numbers, straight for no sharpness
        edge = torch.tanh(half * (2 * (place - below) - 1)) / torch.tanh(half)
        return (step * (below + (1 + edge) / 2)).to(signal.dtype)


@register
class SampleHold(Block):
    """Samples taken at a lower rate, each held until the next."""

    kind = "sample-hold"
    card = Card(
        purpose="Rate reduction with its images and aliases: lo-fi samplers, telephone converters without filters.",
        rationale="A clock of any rate takes the signal where it stands between two samples and holds it; the clock's "
        "time is what the gradient moves.",
        assumptions="No filter before or behind; the clock starts with the signal and does not jitter.",
        expected_ranges="2 to 20 kHz.",
        failure_modes="Losses on waveforms find the rate only from nearby, since the clock drifts apart over time; "
        "everything above half its rate folds back, as intended.",
        expected=SILENT,
        references=(
            "A. V. Oppenheim, R. W. Schafer, Discrete-Time Signal Processing, 3rd ed., 2010, ch. 4",
        ),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        start = min(8_000.0, rate / 2)
        return (Parameter("clock", "Hz", SLOWEST, rate, "log", start, "samples per second"),)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1])
        begun, past = state or (0, None)
        length = math.ceil(self.rate / SLOWEST) + 2
        heard = with_past(rows, past, length)
        now = torch.arange(begun, begun + rows.shape[1], dtype=torch.float64)
        period = self.rate / values["clock"].double()
        # rounding must not put a tick a hair behind the sample that it takes
        tick = torch.minimum((now / period).detach().floor() * period, now)
        before = tick.detach().floor()
        share = (tick - before).to(rows.dtype)
        at = (before - begun).long() + length
        first = heard[:, at]
        # the latest tick is now, behind which nothing is known and nothing is needed
        second = heard[:, (at + 1).clamp(max=heard.shape[1] - 1)]
        output = first + share * (second - first)
        following = begun + rows.shape[1], heard[:, rows.shape[1] :].detach().clone()
        return output.reshape(signal.shape), following
