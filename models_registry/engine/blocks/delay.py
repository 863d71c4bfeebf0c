"""Delays: by any fraction of a sample, moving if wished, and in a feedback loop.

Conventions: times in ms. Between samples the signal is the cubic through its four nearest ones (Lagrange); a whole
number of samples is exact.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import kernels, recursions
from models_registry.engine.blocks.base import LinearBlock, State, Values, register
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter

# The loop's least delay: the cubic reaches one sample to either side.
LEAST = 2


def lagrange(fraction: Tensor) -> Tensor:
    """Weights (..., 4) of the samples 0 to 3 back for a delay of `fraction` (1 to 2) samples.

    T. I. Laakso et al., Splitting the Unit Delay, IEEE Signal Process. Mag. 13(1), 1996, eq. 42. Within 1 to 2 the gain
    is nowhere above 1, so a loop with a factor below 1 is stable.
    """
    d = fraction
    return torch.stack(
        [
            -(d - 1) * (d - 2) * (d - 3) / 6,
            d * (d - 2) * (d - 3) / 2,
            -d * (d - 1) * (d - 3) / 2,
            d * (d - 1) * (d - 2) / 6,
        ],
        dim=-1,
    )


def divided(samples: Tensor) -> tuple[Tensor, Tensor]:
    """A delay in samples as whole samples and a fraction of 1 to 2."""
    whole = samples.detach().floor() - 1
    return whole.long(), samples - whole


def with_past(rows: Tensor, state: State, length: int) -> Tensor:
    past = rows.new_zeros(rows.shape[0], length) if state is None else state.to(rows.dtype)
    return torch.cat([past, rows], dim=1)


def read(heard: Tensor, length: int, samples: Tensor) -> Tensor:
    """What lies `samples` (at least 1; () or (rows, frames)) before each frame of `heard` (rows, length + frames),
    whose first `length` frames are past."""
    whole, fraction = divided(samples)
    weights = lagrange(fraction).to(heard.dtype)
    frames = heard.shape[1] - length
    if samples.dim():
        back = whole[..., None] + torch.arange(4)
        at = torch.arange(length, heard.shape[1])[:, None] - back
        near = heard.gather(1, at.flatten(1)).reshape(weights.shape)
        return (near * weights).sum(-1)
    first = length - int(whole)
    output = heard.new_zeros(heard.shape[0], frames)
    for k in range(4):
        output = output + weights[k] * heard[:, first - k : first - k + frames]
    return output


@register
class Delay(LinearBlock):
    """The signal, later."""

    kind = "delay"
    card = Card(
        purpose="Align, place or, with an adapter on its time and a clean branch beside it, make chorus and flanger.",
        rationale="Arrival time is the strongest cue to place and the first thing to align.",
        assumptions="The delay is an effect that is heard, not a latency that is taken out; every channel alike.",
        expected_ranges="0.1 to 1 ms for flanging and alignment, 5 to 40 ms for chorus and echo.",
        failure_modes="Waveform losses have a valley every period of the signal, so only a start within half a period "
        "is learned; the cubic loses 1 dB at a third of the sample rate half-way between "
        "samples; moving the time moves the pitch.",
        expected=SILENT,
        references=(
            "T. I. Laakso, V. Välimäki, M. Karjalainen, U. K. Laine, Splitting the Unit Delay, "
            "IEEE Signal Process. Mag. 13(1), 1996",
        ),
    )
    choices = (Option("longest", 50, "longest delay, ms", low=1, high=2_000),)

    @classmethod
    def declare(cls, rate: int, *, longest: int = 50) -> tuple[Parameter, ...]:
        least = 1_000 / rate
        start = min(10, longest / 2)
        return (Parameter("time", "ms", least, longest, "log", start, "delay", time_varying=True),)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1])
        length = math.ceil(self.options["longest"] * self.rate / 1_000) + 3
        heard = with_past(rows, state, length)
        # rounding may put the least delay a hair below one sample, which would need the sample to come
        samples = (values["time"].double() * self.rate / 1_000).clamp(min=1)
        if samples.dim():
            samples = samples.expand(signal.shape).reshape(rows.shape)
        output = read(heard, length, samples)
        return output.reshape(signal.shape), heard[:, heard.shape[1] - length :].detach().clone()

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        whole, fraction = divided((values["time"].double() * self.rate / 1_000).clamp(min=1))
        return delay_response(whole, lagrange(fraction), frequencies, self.rate)

    def tail(self, values: Values) -> float:
        return float(values["time"]) / 1_000 + 2 / self.rate


def delay_response(lag: Tensor, taps: Tensor, frequencies: Tensor, rate: int) -> Tensor:
    """Response of `taps` (count,) at `lag`, `lag` + 1, … samples."""
    lags = lag + torch.arange(taps.shape[0], dtype=torch.float64)
    turns = torch.outer(frequencies.double() / rate, lags)
    return torch.exp(-2j * math.pi * turns) @ taps.to(torch.complex128)


class Comb(torch.autograd.Function):
    """v[n] = x[n] + Σ taps[k] · v[n − lag − k]: `forward(signal (rows, frames), taps (count,), lag, past (rows,
    length), backend)` returns v with its past (rows, length + frames); no gradient reaches the past."""

    @staticmethod
    def forward(
        ctx: Any, signal: Tensor, taps: Tensor, lag: int, past: Tensor, backend: str
    ) -> Tensor:
        length = past.shape[1]
        if not 1 <= lag <= length - taps.shape[0] + 1:
            raise ValueError(f"a lag of {lag} does not fit a past of {length}")
        history = np.concatenate([past.numpy(), signal.detach().numpy()], axis=1)
        weights = taps.detach().numpy()
        recursions.BACKENDS[backend].comb(history, lag, weights, length)
        ctx.kept, ctx.backend = (history, weights, lag, length), backend
        return torch.from_numpy(history.copy())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        history, weights, lag, length = ctx.kept
        w = np.ascontiguousarray(grads[0].numpy()[:, length:]).copy()
        recursions.BACKENDS[ctx.backend].comb_adjoint(w, lag, weights)
        frames = w.shape[1]
        starts = [length - lag - k for k in range(len(weights))]
        taps = np.array([(w * history[:, s : s + frames]).sum() for s in starts])
        return torch.from_numpy(w), torch.from_numpy(taps), None, None, None


@register
class Echo(LinearBlock):
    """Repeats that fade: a delay in a feedback loop, added to the signal."""

    kind = "echo"
    card = Card(
        purpose="Echoes, flutter and comb coloration: what one reflecting path or a tape loop does.",
        rationale="A delay and a factor are the two quantities of a repeating path; the loop is exact.",
        assumptions="Linear and time-invariant; the loop colours nothing; every channel alike.",
        expected_ranges="Time 1 to 20 ms for coloration, 80 to 600 ms for echo; feedback within ±0.8.",
        failure_modes="Losses on waveforms do not find the time (see the delay's card); with feedback and "
        "level small, the time has no effect and cannot be learned.",
        expected=SILENT,
        references=("Zölzer (ed.), DAFX: Digital Audio Effects, 2nd ed., Wiley 2011, ch. 2",),
    )
    choices = (Option("longest", 1_000, "longest delay, ms", low=1, high=4_000),)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, longest: int = 1_000) -> tuple[Parameter, ...]:
        least = 1_000 * LEAST / rate
        start = min(120, longest / 2)
        return (
            Parameter("time", "ms", least, longest, "log", start, "from repeat to repeat"),
            Parameter("feedback", "", -0.98, 0.98, "linear", 0.3, "factor from repeat to repeat"),
            Parameter("level", "", -2, 2, "linear", 0.5, "factor of the first repeat"),
        )

    def _loop(self, values: Values) -> tuple[int, Tensor]:
        whole, fraction = divided((values["time"].double() * self.rate / 1_000).clamp(min=LEAST))
        return int(whole), lagrange(fraction)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1]).double()
        lag, weights = self._loop(values)
        length = math.ceil(self.options["longest"] * self.rate / 1_000) + 4
        past = rows.new_zeros(rows.shape[0], length) if state is None else state
        taps = values["feedback"].double() * weights
        loop = Comb.apply(rows, taps, lag, past, self.backend)  # type: ignore[no-untyped-call]
        frames = rows.shape[1]
        repeats = sum(
            weights[k] * loop[:, length - lag - k : length - lag - k + frames] for k in range(4)
        )
        output = rows + values["level"].double() * repeats
        following = loop[:, loop.shape[1] - length :].detach().clone()
        return output.reshape(signal.shape).to(signal.dtype), following

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        lag, weights = self._loop(values)
        late = delay_response(torch.tensor(lag), weights, frequencies, self.rate)
        return 1 + values["level"] * late / (1 - values["feedback"] * late)

    def pole_radius(self, values: Values) -> float:
        """To first order, since the cubic's loss above a third of the rate only pulls poles inwards."""
        samples = float(values["time"]) * self.rate / 1_000
        return float(abs(float(values["feedback"])) ** (1 / samples))

    def tail(self, values: Values) -> float:
        return float(values["time"]) / 1_000 + super().tail(values)
