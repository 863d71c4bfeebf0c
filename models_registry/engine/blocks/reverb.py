"""Reverberation as shaped noise: twelve bands on the ear's scale, each with its decay time and level.

Conventions: decay times are RT60 in seconds, levels in dB. The noise is drawn once from the option `seed` by numpy's
frozen generator, so that a model sounds the same for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine.auditory import band_weights
from models_registry.engine.auditory import centres as band_centres
from models_registry.engine.blocks.base import RoomBlock, State, Values, amplitude, register
from models_registry.engine.blocks.convolution import convolved, response_of
from models_registry.engine.blocks.partitioned import Stream
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter

BANDS = 12


class Decaying(torch.autograd.Function):
    """Σ levels[b] · noise[b] · 10^(−3 t / rt60[b]): `forward(levels (bands,), rt60 (bands,), noise (bands, taps), times
    (taps,))`, float64, the times evenly spaced from 0; by hand, since what torch keeps for each of the factors takes
    longer than the sum."""

    @staticmethod
    def forward(ctx: Any, levels: Tensor, rt60: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        # a decay goes on as it began: few exponentials and their products, not one for each sample
        step = math.isqrt(times.shape[0] - 1) + 1
        rates = -math.log(1e3) / rt60
        coarse, fine = (torch.outer(rates, part).exp_() for part in (times[::step], times[:step]))
        bands = (coarse[:, :, None] * fine[:, None]).flatten(1)[:, : times.shape[0]].mul_(noise)
        ctx.save_for_backward(bands, levels, rt60, times)
        return levels @ bands

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        bands, levels, rt60, times = ctx.saved_tensors
        slopes = levels * math.log(1e3) / rt60.square()
        return bands @ grads[0], slopes * (bands @ (grads[0] * times)), None, None


@register
class Reverb(RoomBlock):
    """y = x + g · (h ∗ x), h of unit energy, g from the direct-to-reverberant ratio."""

    kind = "reverb"
    card = Card(
        purpose="Place a dry signal in a room, or learn the decay of the room in which one was recorded.",
        rationale="Late reverberation is Gaussian noise under an exponential decay that depends on frequency; decay "
        "times and the direct-to-reverberant ratio are what rooms are described by and listeners hear.",
        assumptions="Diffuse and time-invariant; no early reflections; the same for all channels; over after `length`.",
        expected_ranges="RT60 0.2 to 0.6 s in living rooms, 1 to 3 s in halls, shorter towards high bands; ratio −5 to "
        "20 dB.",
        failure_modes="A waveform loss cannot learn somebody else's noise: use spectral losses; an RT60 much longer "
        "than `length` is cut off audibly; a colour of the direct sound goes into the levels.",
        expected=SILENT,
        references=(
            "J. A. Moorer, About This Reverberation Business, Computer Music Journal 3(2), 1979",
            "C. J. Steinmetz et al., Filtered Noise Shaping for Time Domain Room Impulse Response "
            "Estimation from Reverberant Speech, WASPAA 2021",
        ),
    )
    choices = (
        Option("length", 1_500, "length of the response, ms", low=10, high=10_000),
        Option("seed", 0, "which noise", low=0, high=2**31 - 1),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        taps = round(self.options["length"] * rate / 1_000)
        size = 2 ** math.ceil(math.log2(max(taps, 64)))
        drawn = np.random.RandomState(self.options["seed"]).standard_normal(size)
        spectrum = torch.fft.rfft(torch.from_numpy(drawn))
        # triangles in Cams add to one, so that equal decays give white noise
        parts = spectrum * band_weights(rate, size, BANDS)
        self.noise = torch.fft.irfft(parts, n=size)[:, :taps]
        self.times = torch.arange(taps, dtype=torch.float64) / rate

    @classmethod
    def declare(cls, rate: int, *, length: int = 1_500, seed: int = 0) -> tuple[Parameter, ...]:
        return (
            Parameter("rt60", "s", 0.05, 10, "log", 0.8, "decay by 60 dB, by band", size=BANDS),
            Parameter("levels", "dB", -48, 24, "dB", 0, "level at the start, by band", size=BANDS),
            Parameter("ratio", "dB", -24, 60, "dB", 10, "direct-to-reverberant energy ratio"),
        )

    @staticmethod
    def centres(rate: int) -> tuple[float, ...]:
        """The middles of its bands (Hz) at `rate`."""
        return tuple(band_centres(rate, BANDS).tolist())

    def impulse(self, values: Values) -> Tensor:
        """The reverberation h (taps,), of unit energy, without the direct sound."""
        levels, rt60 = amplitude(values["levels"].double()), values["rt60"].double()
        shaped = Decaying.apply(levels, rt60, self.noise, self.times)  # type: ignore[no-untyped-call]
        return shaped / shaped.square().sum().sqrt()

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        if state is None and not torch.is_grad_enabled():
            rows = signal.numel() // signal.shape[-1]
            share = amplitude(-values["ratio"].double())
            state = Stream((share * self.impulse(values)).to(signal.dtype), rows)
        if isinstance(state, Stream):
            late = state.advance(signal.reshape(-1, signal.shape[-1])).reshape(signal.shape)
            return signal + late, state
        share = amplitude(-values["ratio"].double()).to(signal.dtype)
        late, state = convolved(signal, self.impulse(values), state)
        return signal + share * late, state

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        late = response_of(self.impulse(values), frequencies, self.rate)
        return 1 + amplitude(-values["ratio"]) * late

    def tail(self, values: Values) -> float:
        return min(float(values["rt60"].max()), self.options["length"] / 1_000)
