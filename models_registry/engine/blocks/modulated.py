"""A delay that swings: chorus and flanger.

Conventions: the swing's rate in Hz, the delay in ms, its depth as a share of the delay, phases in cycles.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Block, State, Values, register
from models_registry.engine.blocks.delay import read, with_past
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.blocks.synthesis import advanced
from models_registry.engine.contract import Card, Option, Parameter


@register
class Chorus(Block):
    """y = x + level · x(t − delay · (1 + depth · sin φ(t)))."""

    kind = "chorus"
    card = Card(
        purpose="Chorus, flanger and vibrato: another player, a tape held back by a thumb.",
        rationale="A copy whose delay swings is detuned up and down by the Doppler effect and, added to the signal, "
        "combs it: long delays are heard as a second voice, short ones as a moving colour.",
        assumptions="A sine swings it; one copy; no feedback (an echo has it, but stands still).",
        expected_ranges="Chorus 10 to 30 ms, depth 0.05 to 0.3, 0.2 to 2 Hz; flanger 0.5 to 5 ms, depth 0.5 to 0.9.",
        failure_modes="Losses on waveforms find rate and delay only from nearby; the cubic between samples dulls the "
        "copy above a third of the rate; at a level of 1 a short delay cancels whole bands.",
        expected=SILENT,
        references=(
            "J. Dattorro, Effect Design, Part 2: Delay-Line Modulation and Chorus, J. Audio Eng. Soc. 45(10), 1997",
            "Zölzer (ed.), DAFX: Digital Audio Effects, 2nd ed., Wiley 2011, ch. 2",
        ),
    )
    choices = (
        Option("longest", 40, "longest delay in the middle of the swing, ms", low=1, high=200),
    )

    @classmethod
    def declare(cls, rate: int, *, longest: int = 40) -> tuple[Parameter, ...]:
        least = max(0.1, 1_000 / rate)
        start = min(15.0, longest / 2)
        return (
            Parameter("rate", "Hz", 0.05, 12, "log", 0.7, "swings per second"),
            Parameter("delay", "ms", least, longest, "log", start, "middle of the swing"),
            Parameter("depth", "", 0, 0.98, "linear", 0.15, "share of the delay to either side"),
            Parameter("level", "", -1, 1, "linear", 0.7, "factor of the copy"),
            Parameter("spread", "cycle", 0, 0.5, "linear", 0.25, "from channel to channel"),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        frames = signal.shape[-1]
        rows = signal.reshape(-1, frames)
        start, past = state or (torch.zeros(1, 1, dtype=torch.int64), None)
        length = math.ceil(1.98 * self.options["longest"] * self.rate / 1_000) + 3
        heard = with_past(rows, past, length)
        step = (values["rate"].double() / self.rate).expand(1, frames)
        phase, start = advanced(step, start)
        channels = torch.arange(signal.shape[-2], dtype=torch.float64)[:, None]
        swing = torch.sin(2 * math.pi * (phase + values["spread"].double() * channels))
        middle = values["delay"].double() * self.rate / 1_000
        # the cubic needs a sample to either side
        samples = (middle * (1 + values["depth"].double() * swing)).clamp(min=1)
        copy = read(heard, length, samples.expand(signal.shape).reshape(rows.shape))
        output = rows + values["level"].to(rows.dtype) * copy
        following = start, heard[:, frames:].detach().clone()
        return output.reshape(signal.shape), following

    def tail(self, values: Values) -> float:
        return 1.98 * float(values["delay"]) / 1_000 + 2 / self.rate
