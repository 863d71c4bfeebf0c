"""Curves at a higher rate than the signal's, so that their harmonics do not fold back; and how much folds back.

Conventions: the way up and the way down are linear-phase low-passes with 100 dB of rejection, flat up to 0.45 of the
rate; what folds back between 0.45 and 0.5 of it is rejected less, as nobody hears it there. Together they are late by
2 · `REACH` samples of the signal. Levels relative to full scale (1).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.signal import firwin, kaiser_beta
from torch import Tensor

from models_registry.engine.blocks.base import ShapingBlock, State, Values
from models_registry.engine.blocks.convolution import convolved
from models_registry.engine.contract import Option, Port
from models_registry.engine.relevance import as_gain

FACTORS = {"2x": 2, "4x": 4, "8x": 8}
OVERSAMPLING = Option(
    "oversampling",
    "none",
    "how many times the rate at which the curve works",
    ("none", *FACTORS),
    later=True,
)
# samples of the signal to either side that a sample in between is made of
REACH, REJECTION = 32, 100.0


@lru_cache(maxsize=8)
def low_pass(factor: int) -> Tensor:
    """The response (2 · REACH · factor + 1,) that is cut off at half the signal's rate."""
    taps = firwin(2 * REACH * factor + 1, 1 / factor, window=("kaiser", kaiser_beta(REJECTION)))
    return torch.from_numpy(taps)


def raised(signal: Tensor, factor: int, state: State) -> tuple[Tensor, State]:
    """`signal` at `factor` times its rate, float64, late by `REACH` of its samples; and the state after it."""
    # every other sample is nothing; the low-pass makes it what lies between
    first = torch.zeros(factor, dtype=torch.float64)
    first[0] = factor
    # in double precision, since what the transforms round a curve may amplify a thousandfold
    return convolved((signal.double()[..., None] * first).flatten(-2), low_pass(factor), state)


def lowered(dense: Tensor, factor: int, state: State) -> tuple[Tensor, State]:
    """`dense` at the `factor`-th part of its rate, late by `REACH` samples of that; and the state after it."""
    output, state = convolved(dense, low_pass(factor), state)
    return output[..., ::factor], state


class OversampledBlock(ShapingBlock):
    """A memoryless curve, at the signal's rate or at a higher one."""

    # the option that says so
    by: ClassVar[str] = "oversampling"

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.factor = FACTORS.get(self.options[self.by], 1)
        if self.factor > 1:
            self.outlet = Port(latency=2 * REACH)

    @abstractmethod
    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        """The curve at each sample of `signal`."""

    def curve(self, values: Values, levels: Tensor) -> Tensor:
        return self.shaped(levels.double(), values)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        if self.factor == 1:
            return as_gain(signal, self.shaped(signal, values)), None
        up, down = state or (None, None)
        dense, up = raised(signal, self.factor, up)
        dense_values = {
            name: value.repeat_interleave(self.factor, -1) if value.dim() > 1 else value
            for name, value in values.items()
        }
        output, down = lowered(as_gain(dense, self.shaped(dense, dense_values)), self.factor, down)
        return output.to(signal.dtype), (up, down)


def alias_level(block: ShapingBlock, values: Values, *, frequency: float, level: float) -> float:
    """What is heard that is no harmonic of a sine at `frequency` (Hz) and `level` (full scale 1), relative to what is.

    In dB of energy, over one second whose first tenth is left out; the frequency is moved to a whole number of Hz.
    """
    rate, tone = block.rate, round(frequency)
    frames = rate + rate // 10
    time = torch.arange(frames, dtype=torch.float64) / rate
    sine = level * torch.sin(2 * torch.pi * tone * time)
    with torch.no_grad():
        output = block.process(sine[None, None], values, None)[0][0, 0, -rate:].numpy()
    power = np.abs(np.fft.rfft(output)) ** 2
    harmonic = np.arange(power.size) % tone == 0
    return float(10 * np.log10(power[~harmonic].sum() / power[harmonic].sum() + 1e-30))
