"""State-variable filter: a second-order filter whose corner may move at audio rate.

Conventions: corner in Hz, resonance as Q; low, band and high are the levels (as factors) at which the three outputs
are added. Recursion in float64 whatever the signal's type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import kernels, recursions
from models_registry.engine.blocks.base import LinearBlock, State, Values, register
from models_registry.engine.blocks.biquad import highest
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter


class StateVariable(torch.autograd.Function):
    """Zavalishin's trapezoidal integrators: `forward(signal (rows, frames), a (rows, frames, 3), state (rows, 2),
    backend)` returns band and low (rows, frames, 2) and the state after it; no gradient reaches the state."""

    @staticmethod
    def forward(
        ctx: Any, signal: Tensor, a: Tensor, state: Tensor, backend: str
    ) -> tuple[Tensor, Tensor]:
        x = np.ascontiguousarray(signal.detach().numpy(), dtype=np.float64)
        coefficients = a.detach().numpy()
        memory, taps = np.empty((*x.shape, 2)), np.empty((*x.shape, 2))
        following = state.numpy().copy()
        if coefficients.shape != (*x.shape, 3) or following.shape != (len(x), 2):
            raise ValueError(f"coefficients {coefficients.shape} do not fit a signal {x.shape}")
        recursions.BACKENDS[backend].svf(x, coefficients, following, memory, taps)
        ctx.kept, ctx.backend = (x, coefficients, memory), backend
        after = torch.from_numpy(following)
        ctx.mark_non_differentiable(after)
        return torch.from_numpy(taps), after

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, coefficients, memory = ctx.kept
        grad = np.ascontiguousarray(grads[0].numpy())
        signal, a = np.empty(x.shape), np.empty((*x.shape, 3))
        recursions.BACKENDS[ctx.backend].svf_adjoint(grad, x, coefficients, memory, signal, a)
        return torch.from_numpy(signal), torch.from_numpy(a), None, None


@register
class VariableFilter(LinearBlock):
    """Low, band and high output of one resonance, mixed."""

    kind = "variable-filter"
    card = Card(
        purpose="A filter that moves: wah, auto-filter, a tone stack that follows the playing.",
        rationale="Two trapezoidal integrators in a loop have the bilinear transform's response when still and keep "
        "their stored energy bounded while corner and Q move, unlike a biquad whose coefficients are moved.",
        assumptions="Linear; every channel alike; parameters constant within a sample.",
        expected_ranges="Corner 80 Hz to 8 kHz, Q 0.5 to 10; one of low, band and high near 1.",
        failure_modes="A corner that is modulated at audio rate makes side bands, as in the circuit; the three "
        "levels and a following gain share one degree of freedom.",
        expected=SILENT,
        references=("V. Zavalishin, The Art of VA Filter Design, rev. 2.1.2, 2018, ch. 4",),
    )
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        top = highest(rate)
        return (
            Parameter("frequency", "Hz", 10, top, "log", 1_000, "corner", time_varying=True),
            Parameter("q", "", 0.3, 40, "log", math.sqrt(0.5), "resonance", time_varying=True),
            Parameter("low", "", -2, 2, "linear", 1, "share below the corner", time_varying=True),
            Parameter("band", "", -2, 2, "linear", 0, "share at the corner", time_varying=True),
            Parameter("high", "", -2, 2, "linear", 0, "share above the corner", time_varying=True),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1]).double()
        track = {
            name: value.double().expand(signal.shape).reshape(rows.shape)
            if value.dim()
            else value.double()
            for name, value in values.items()
        }
        g = torch.tan(math.pi * track["frequency"] / self.rate)
        damping = 1 / track["q"]
        first = 1 / (1 + g * (g + damping))
        a = torch.stack([first, g * first, g * g * first], dim=-1)
        if state is None:
            state = torch.zeros(rows.shape[0], 2, dtype=torch.float64)
        a = a.expand(*rows.shape, 3)
        taps, state = StateVariable.apply(rows, a, state, self.backend)  # type: ignore[no-untyped-call]
        band, low = damping * taps[..., 0], taps[..., 1]
        high = rows - band - low
        mixed = track["low"] * low + track["band"] * band + track["high"] * high
        return mixed.reshape(signal.shape).to(signal.dtype), state

    def _static(self, values: Values) -> tuple[Tensor, Tensor]:
        g = torch.tan(math.pi * values["frequency"].double() / self.rate)
        return g, 1 / values["q"].double()

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        g, damping = self._static(values)
        # the analogue prototype at the frequency to which the bilinear transform moves it, relative to the corner
        s = 1j * torch.tan(math.pi * frequencies.double() / self.rate) / g
        total = values["low"] + values["band"] * damping * s + values["high"] * s * s
        return total / (1 + damping * s + s * s)

    def pole_radius(self, values: Values) -> float:
        g, damping = (value.item() for value in self._static(values))
        roots = np.roots([1 + damping * g + g * g, 2 * (g * g - 1), 1 - damping * g + g * g])
        return float(np.abs(roots).max())
