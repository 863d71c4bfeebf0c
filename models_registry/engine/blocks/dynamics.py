"""Dynamics: compressor, expander and look-ahead limiter.

Conventions: levels and reductions in dB relative to full scale, times in ms. The detector is the peak level of each
sample; the reduction follows it by first-order steps, one speed while it rises and another while it falls, in float64.
A time constant of τ is left with 1/e of a step's error after τ.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, max_pool1d, relu

from models_registry.engine import kernels, recursions
from models_registry.engine.blocks.base import (
    ShapingBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.biquad import highest
from models_registry.engine.blocks.cascade import filtered, section
from models_registry.engine.blocks.promises import COMPRESSING, EXPANDING
from models_registry.engine.contract import Card, Option, Parameter, Port
from models_registry.engine.relevance import held

# −120 dB: silence has a level too, so that its logarithm stays finite.
SILENCE = 1e-6
LINK = Option(
    "link",
    "each",
    "whose peaks are heard: each channel's own, or all channels'",
    ("each", "together"),
)
# what a detector hears: nothing taken away, or a filter in front of it
SIDECHAIN = Option(
    "sidechain",
    "full",
    "what the detector hears: all, or the signal through a filter",
    ("full", "high-pass", "low-pass", "band-pass"),
    later=True,
)
DESIGN = (
    "Giannoulis, Massberg, Reiss, Digital Dynamic Range Compressor Design: A Tutorial and "
    "Analysis, J. Audio Eng. Soc. 60(6), 2012"
)


class Ballistics(torch.autograd.Function):
    """y[n] = y[n−1] + c · (target[n] − y[n−1]), c the first speed where the target is above y, else the second.

    `forward(target (rows, frames), speeds (rows, 2), start (rows,), backend)`, all float64; none reaches `start`.
    """

    @staticmethod
    def forward(ctx: Any, target: Tensor, speeds: Tensor, start: Tensor, backend: str) -> Tensor:
        given = np.ascontiguousarray(target.detach().numpy(), dtype=np.float64)
        rise, fall = (np.ascontiguousarray(part) for part in speeds.detach().numpy().T)
        before = np.ascontiguousarray(start.numpy())
        if rise.shape != (len(given),) or before.shape != (len(given),):
            raise ValueError(f"speeds {rise.shape} do not fit a target {given.shape}")
        output = recursions.BACKENDS[backend].ballistics(given, before, rise, fall)
        ctx.kept, ctx.backend = (given, before, output, rise, fall), backend
        return torch.from_numpy(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad = np.ascontiguousarray(grads[0].numpy())
        found = recursions.BACKENDS[ctx.backend].ballistics_adjoint(grad, *ctx.kept)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1]), None, None


def followed(
    target: Tensor, rise: Tensor, fall: Tensor, state: State, backend: str
) -> tuple[Tensor, Tensor]:
    """`target` (..., frames) followed at the speeds `rise` and `fall`, and the last value of each row."""
    rows = target.reshape(-1, target.shape[-1])
    start = rows.new_zeros(len(rows)) if state is None else state
    speeds = torch.stack([rise, fall]).expand(len(rows), 2)
    output = Ballistics.apply(rows, speeds, start, backend)  # type: ignore[no-untyped-call]
    return output.reshape(target.shape), output[:, -1].detach().clone()


def level(signal: Tensor) -> Tensor:
    """Peak level of each sample in dB, float64."""
    return 20 * torch.log10(relu(signal.double().abs() - SILENCE) + SILENCE)


def bent(over: Tensor, knee: Tensor) -> Tensor:
    """max(over, 0) with its corner rounded over `knee` dB (Giannoulis et al., eq. 4)."""
    # rectifiers, since torch's gradients of clamp and minimum take ten times as long
    begun, done = relu(over + knee / 2), relu(over - knee / 2)
    return (begun - done).square() / (2 * knee) + done


def speed(time: Tensor, rate: int) -> Tensor:
    """The share of a step taken in one sample for a time constant in ms."""
    return -torch.expm1(-1_000 / (time.double() * rate))


def above_threshold(levels: Tensor, values: Values) -> Tensor:
    """A compressor's settled reduction (dB) at `levels` (dB), from its threshold, ratio and knee."""
    over = levels - values["threshold"]
    return (1 - 1 / values["ratio"]) * bent(over, values["knee"])


def sidechain_parameters(rate: int, sidechain: str) -> tuple[Parameter, ...]:
    """Corner and Q of the filter in front of the detector, where there is one."""
    if sidechain == "full":
        return ()
    return (
        Parameter("listen", "Hz", 20, highest(rate), "log", 150, "corner of the detector's filter"),
        Parameter("listen_q", "", 0.3, 10, "log", math.sqrt(0.5), "its quality factor"),
    )


class DynamicsBlock(ShapingBlock):
    """A gain that follows the level. `curve` is the characteristic for a level that has lasted."""

    backend = kernels.DEFAULT
    by_level = True

    def speed(self, time: Tensor) -> Tensor:
        return speed(time, self.rate)

    def detected(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        """The level (dB) that the detector hears in `signal`, by its options; and its filter's state."""
        if self.options["sidechain"] != "full":
            shape = self.options["sidechain"]
            listening = designed(
                values,
                "listening",
                lambda: section(shape, values["listen"], values["listen_q"], self.rate),
            )
            signal, state = filtered(signal, listening, state, self.backend)
        levels = level(signal)
        if self.options["link"] == "together":
            levels = levels.amax(dim=-2, keepdim=True)
        return levels, state

    @abstractmethod
    def reduction(self, levels: Tensor, values: Values) -> Tensor:
        """The settled reduction (dB, not negative) for each level (dB)."""

    def curve(self, values: Values, levels: Tensor) -> Tensor:
        makeup = values.get("makeup", torch.zeros((), dtype=torch.float64))
        return levels.double() * amplitude(makeup - self.reduction(level(levels), values))


@register
class Compressor(DynamicsBlock):
    """Feed-forward, soft knee, attack and release."""

    kind = "compressor"
    card = Card(
        purpose="Make loud passages softer: level a voice, hold a bass, lengthen a note.",
        rationale="The feed-forward log-domain design with a smoothed reduction separates what is done (threshold, "
        "ratio, knee) from how fast (attack, release), as on every panel; release is exact too.",
        assumptions="Peak detector, of all or of a filtered signal; times constant; no look-ahead, so a peak shorter "
        "than the attack passes.",
        expected_ranges="Threshold −40 to −10 dB, ratio 2 to 8, attack 1 to 50 ms, release 50 to 500 ms.",
        failure_modes="Threshold, ratio, knee and make-up trade off where the level hardly varies; with the level "
        "below the threshold nothing is learned; an attack under 0.5 ms distorts bass.",
        expected=COMPRESSING,
        references=(DESIGN,),
    )
    choices = (LINK, SIDECHAIN)

    @classmethod
    def declare(
        cls, rate: int, *, link: str = "each", sidechain: str = "full"
    ) -> tuple[Parameter, ...]:
        return (
            Parameter("threshold", "dB", -60, 0, "dB", -20, "where it begins", time_varying=True),
            Parameter("ratio", "", 1, 50, "log", 4, "dB in per dB out above the threshold"),
            Parameter("knee", "dB", 0.01, 24, "linear", 6, "width of the rounded corner"),
            Parameter("attack", "ms", 0.05, 500, "log", 10, "time constant of more reduction"),
            Parameter("release", "ms", 1, 5_000, "log", 100, "time constant of less reduction"),
            Parameter("makeup", "dB", -24, 36, "dB", 0, "level behind it", time_varying=True),
            *sidechain_parameters(rate, sidechain),
        )

    def reduction(self, levels: Tensor, values: Values) -> Tensor:
        return above_threshold(levels, values)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        before, listening = state or (None, None)
        levels, listening = self.detected(signal, values, listening)
        wanted = self.reduction(levels, values)
        speeds = self.speed(values["attack"]), self.speed(values["release"])
        reduction, before = followed(wanted, *speeds, before, self.backend)
        gain = amplitude(values["makeup"] - reduction).to(signal.dtype)
        return signal * held(gain), (before, listening)


@register
class Expander(DynamicsBlock):
    """Downward expander; with a large ratio a gate."""

    kind = "expander"
    card = Card(
        purpose="Make soft passages softer: noise between words, spill between drum strokes.",
        rationale="The compressor's mirror image below the threshold, down to a floor, so that a closed gate is "
        "heard as a level and not as a hole.",
        assumptions="Peak detector without hold time; attack opens, release closes.",
        expected_ranges="Threshold 6 to 12 dB above the noise, ratio 1.5 to 3 (gate: above 10), range 10 to 40 dB.",
        failure_modes="Chatters where the level stays at the threshold and both times are short; cuts words; "
        "with the signal above the threshold nothing is learned.",
        expected=EXPANDING,
        references=(DESIGN,),
    )
    choices = (LINK, SIDECHAIN)

    @classmethod
    def declare(
        cls, rate: int, *, link: str = "each", sidechain: str = "full"
    ) -> tuple[Parameter, ...]:
        return (
            Parameter("threshold", "dB", -90, 0, "dB", -45, "where it begins", time_varying=True),
            Parameter("ratio", "", 1, 50, "log", 2, "dB out per dB in below the threshold"),
            Parameter("knee", "dB", 0.01, 24, "linear", 6, "width of the rounded corner"),
            Parameter("range", "dB", 1, 80, "linear", 40, "largest reduction"),
            Parameter("attack", "ms", 0.05, 500, "log", 2, "time constant of opening"),
            Parameter("release", "ms", 1, 5_000, "log", 100, "time constant of closing"),
            *sidechain_parameters(rate, sidechain),
        )

    def reduction(self, levels: Tensor, values: Values) -> Tensor:
        under = values["threshold"] - levels
        wanted = (values["ratio"] - 1) * bent(under, values["knee"])
        return wanted - relu(wanted - values["range"])

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        before, listening = state or (None, None)
        levels, listening = self.detected(signal, values, listening)
        wanted = self.reduction(levels, values)
        speeds = self.speed(values["release"]), self.speed(values["attack"])
        reduction, before = followed(wanted, *speeds, before, self.backend)
        return signal * held(amplitude(-reduction).to(signal.dtype)), (before, listening)


@register
class Limiter(DynamicsBlock):
    """No sample above the ceiling, by looking ahead."""

    kind = "limiter"
    card = Card(
        purpose="Keep every sample below a ceiling without a click: the last block before a converter or a file.",
        rationale="The largest reduction needed within the look-ahead is held, released exponentially and averaged "
        "over it: the average has reached what each peak needs when the peak comes.",
        assumptions="The peak is that of samples; between samples the reconstructed signal may be higher.",
        expected_ranges="Ceiling −1 to 0 dB, release 20 to 200 ms, look-ahead 1 to 5 ms, reduction up to 6 dB.",
        failure_modes="Pumps with a long release, distorts bass with a short one; true peaks exceed the ceiling by up "
        "to some dB in noise-like signals.",
        expected=COMPRESSING,
        references=(
            "Zölzer (ed.), DAFX: Digital Audio Effects, 2nd ed., Wiley 2011, ch. 4 (limiter)",
            "ITU-R BS.1770-5, annex 2 (why true peak differs)",
        ),
    )
    choices = (Option("lookahead", 2, "look-ahead and latency, ms", low=1, high=50),)

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.ahead = round(self.options["lookahead"] * rate / 1_000)
        self.outlet = Port(latency=self.ahead)

    @classmethod
    def declare(cls, rate: int, *, lookahead: int = 2) -> tuple[Parameter, ...]:
        return (
            Parameter("drive", "dB", -24, 36, "dB", 0, "level into it", time_varying=True),
            Parameter("ceiling", "dB", -40, 0, "dB", -1, "highest sample"),
            Parameter("release", "ms", 1, 5_000, "log", 80, "time constant of less reduction"),
        )

    def reduction(self, levels: Tensor, values: Values) -> Tensor:
        return relu(levels - values["ceiling"])

    def curve(self, values: Values, levels: Tensor) -> Tensor:
        return super().curve(values, levels.double() * amplitude(values["drive"]))

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = (signal * amplitude(values["drive"]).to(signal.dtype)).reshape(-1, signal.shape[-1])
        ahead, frames = self.ahead, rows.shape[1]
        if state is None:
            waiting = rows.new_zeros(len(rows), ahead)
            state = waiting, waiting.double(), waiting.double(), None
        heard = torch.cat([state[0], rows], dim=1)
        needed = torch.cat([state[1], self.reduction(level(rows), values)], dim=1)
        most = max_pool1d(needed[:, None], ahead + 1, stride=1)[:, 0]
        at_once = torch.ones((), dtype=torch.float64)
        released, last = followed(
            most, at_once, self.speed(values["release"]), state[3], self.backend
        )
        steps = torch.cat([state[2], released], dim=1)
        reduction = avg_pool1d(steps[:, None], ahead + 1, stride=1)[:, 0]
        output = heard[:, :frames] * held(amplitude(-reduction).to(signal.dtype))
        kept = (part[:, frames:].detach() for part in (heard, needed, steps))
        return output.reshape(signal.shape), (*kept, last)
