"""A feedback delay network: lines of different lengths that return into each other, losing what a room loses.

Conventions: decay times are RT60 in seconds, crossings in Hz, ratios of levels in dB. The mixing matrix is
Householder's reflection, which loses nothing; every loss is in the lines' filters, none of which amplifies at any
frequency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import kernels, lines
from models_registry.engine.blocks.base import (
    RoomBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter

# frequencies at which the energy of the reverberation is summed up
GRID = 2**15
# a band may last so much longer than the middle one: two of them still cannot add up to a gain
MOST = 1.9
# decades that a shelf takes in one turn, at most: 120 dB are gone for any ear, and a shelf of more has its pole so near
# its zero that their difference drowns in rounding
MOST_LOST = 6.0


class Network(torch.autograd.Function):
    """`forward(signal (rows, frames), sections (lines, 5), state, delays, backend)` returns the lines' outputs (rows,
    frames, lines) and the state after them; no gradient reaches the state."""

    @staticmethod
    def forward(
        ctx: Any,
        signal: Tensor,
        sections: Tensor,
        past: Tensor,
        filtered: Tensor,
        delays: tuple[int, ...],
        backend: str,
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = np.ascontiguousarray(signal.detach().numpy())
        sos = np.ascontiguousarray(sections.detach().numpy())
        lags = np.array(delays)
        longest = past.shape[1]
        written = np.concatenate([past.numpy(), np.empty((*x.shape, len(lags)))], axis=1)
        read = np.concatenate([filtered.numpy(), np.empty((*x.shape, len(lags)))], axis=1)
        if sos.shape != (len(lags), 5) or longest < lags.max() + 2 or lags.min() < 1:
            raise ValueError(f"sections {sos.shape} do not fit lines of {delays} in {longest}")
        if read.shape[1] != x.shape[1] + 2 or written.shape[0] != len(x):
            raise ValueError(f"a state of {filtered.shape} does not fit a signal {x.shape}")
        lines.BACKENDS[backend].network(x, sos, lags, written, read)
        ctx.kept, ctx.backend = (x, sos, lags, written, read), backend
        following = torch.from_numpy(written[:, -longest:].copy())
        after = torch.from_numpy(read[:, -2:].copy())
        ctx.mark_non_differentiable(following, after)
        return torch.from_numpy(read[:, 2:].copy()), following, after

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, sos, lags, written, read = ctx.kept
        grad = np.ascontiguousarray(grads[0].numpy())
        signal, sections = lines.BACKENDS[ctx.backend].network_adjoint(
            grad, sos, lags, written, read
        )
        return torch.from_numpy(signal), torch.from_numpy(sections), None, None, None, None


def lengths(count: int, shortest: float, longest: float) -> tuple[int, ...]:
    """`count` different primes about evenly spaced in logarithm from `shortest` to `longest` samples."""
    found: list[int] = []
    for n in range(count):
        candidate = round(shortest * (longest / shortest) ** (n / (count - 1)))
        while candidate in found or any(
            candidate % k == 0 for k in range(2, math.isqrt(candidate) + 1)
        ):
            candidate += 1
        found.append(candidate)
    return tuple(found)


@register
class FeedbackNetwork(RoomBlock):
    """y = x + g · (lines ∗ x), g from the direct-to-reverberant ratio."""

    kind = "feedback-network"
    card = Card(
        purpose="Late reverberation from a few numbers that a room is described by, as long as wished.",
        rationale="A lossless network with one loss per second in each band decays exponentially by construction; "
        "lengths without common factors spread its resonances like those of a room.",
        assumptions="Diffuse and time-invariant; no early reflections of a real geometry; every channel alike.",
        expected_ranges="RT60 0.3 to 3 s, bass 1 to 1.5 times as long, treble 0.3 to 0.8 times; ratio -5 to 20 dB.",
        failure_modes="Flutters with short lines and long decays; few lines ring metallically; a waveform loss does "
        "not find it: use spectral losses or decay curves.",
        expected=SILENT,
        references=(
            "J.-M. Jot, A. Chaigne, Digital Delay Networks for Designing Artificial Reverberators, 90th AES "
            "Convention, 1991",
            "D. Rocchesso, J. O. Smith, Circulant and Elliptic Feedback Delay Networks for Artificial Reverberation, "
            "IEEE Trans. Speech Audio Process. 5(1), 1997",
        ),
    )
    choices = (
        Option("lines", 8, "how many", low=4, high=32),
        Option("size", 30, "middle length of a line, ms", low=5, high=100),
    )
    backend = kernels.DEFAULT

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        count, size = self.options["lines"], self.options["size"] * rate / 1_000
        self.delays = lengths(count, 0.6 * size, 1.7 * size)
        # by turns, so that what all lines have in common at 0 Hz does not add up
        self.out = torch.tensor([1.0, -1.0] * count, dtype=torch.float64)[:count] / math.sqrt(count)

    @classmethod
    def declare(cls, rate: int, *, lines: int = 8, size: int = 30) -> tuple[Parameter, ...]:
        top = 0.4 * rate
        return (
            Parameter("rt60", "s", 0.05, 10, "log", 1.2, "decay by 60 dB in the middle"),
            Parameter("bass", "", 0.1, MOST, "linear", 1.1, "decay time below, relative to it"),
            Parameter("treble", "", 0.1, MOST, "linear", 0.5, "decay time above, relative to it"),
            Parameter("low_crossing", "Hz", 60, 800, "log", 250, "between bass and middle"),
            Parameter("high_crossing", "Hz", 1_000, top, "log", 3_000, "between middle and treble"),
            Parameter("ratio", "dB", -24, 60, "dB", 10, "direct-to-reverberant energy ratio"),
        )

    def sections(self, values: Values) -> Tensor:
        """The loss of each line as one section (lines, 5): two shelves of first order and a factor."""
        delays = torch.tensor(self.delays, dtype=torch.float64)
        middle = -3 * delays / (values["rt60"].double() * self.rate)
        # what the shelves add to the decades lost in a turn
        low, high = (
            torch.pow(10.0, (middle * (1 / values[name].double() - 1)).clamp(min=-MOST_LOST) / 2)
            for name in ("bass", "treble")
        )
        below, above = (
            torch.tan(math.pi * values[name].double() / self.rate).expand_as(low)
            for name in ("low_crossing", "high_crossing")
        )
        one = torch.ones_like(low)
        # (s + w √r) / (s + w / √r) has r at 0 Hz and 1 far above; turned round for the treble
        first = _bilinear(one, below * low, one, below / low)
        second = _bilinear(high, above, 1 / high, above)
        factor = torch.pow(10.0, middle)
        b = torch.stack(
            [
                factor * first[0] * second[0],
                factor * (first[0] * second[1] + first[1] * second[0]),
                factor * first[1] * second[1],
            ],
            dim=1,
        )
        a = torch.stack([first[2] + second[2], first[2] * second[2]], dim=1)
        return torch.cat([b, a], dim=1)

    def late(self, values: Values, frequencies: Tensor) -> Tensor:
        """The response of the lines alone at `frequencies` (Hz)."""
        z = torch.exp(-2j * math.pi * frequencies.double() / self.rate)
        powers = torch.stack([torch.ones_like(z), z, z * z])
        sections = self.sections(values).to(torch.complex128)
        loss = (sections[:, :3] @ powers) / (1 + sections[:, 3:] @ powers[1:])
        delays = torch.tensor(self.delays, dtype=torch.float64)[:, None]
        turned = loss * torch.exp(-2j * math.pi * delays * frequencies.double() / self.rate)
        # f = D (b + f − 2/N Σ f), by the sum of its lines
        own = turned / (1 - turned)
        count = len(self.delays)
        total = own.sum(0) / math.sqrt(count) / (1 + own.sum(0) * 2 / count)
        lines = own * (1 / math.sqrt(count) - total * 2 / count)
        return (self.out[:, None] * lines).sum(0)

    def share(self, values: Values) -> Tensor:
        """The factor of the lines' output at which direct and reverberant energy have their ratio."""
        grid = (torch.arange(GRID, dtype=torch.float64) + 0.5) * self.rate / (2 * GRID)
        late = self.late(values, grid)
        energy = (late.real.square() + late.imag.square()).mean()
        return amplitude(-values["ratio"].double()) / energy.sqrt()

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1]).double()
        count = len(self.delays)
        if state is None:
            past = rows.new_zeros(rows.shape[0], max(self.delays) + 2, count)
            state = past, rows.new_zeros(rows.shape[0], 2, count), None
        share = state[2]
        if share is None or torch.is_grad_enabled():
            share = self.share(values)
        sections = designed(values, "sections", lambda: self.sections(values))
        heard, past, filtered = Network.apply(  # type: ignore[no-untyped-call]
            rows / math.sqrt(count), sections, *state[:2], self.delays, self.backend
        )
        output = rows + share * (heard @ self.out)
        following = past, filtered, share.detach()
        return output.reshape(signal.shape).to(signal.dtype), following

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return 1 + self.share(values) * self.late(values, frequencies)

    def _slowest(self, values: Values) -> float:
        """The least decay, in 60 dB per second, that any frequency can have."""
        middle = 1 / float(values["rt60"])
        lasting = sum(min(0.0, 1 / float(values[name]) - 1) for name in ("bass", "treble"))
        return middle * (1 + lasting)

    def pole_radius(self, values: Values) -> float:
        return float(10 ** (-3 * self._slowest(values) / self.rate))

    def tail(self, values: Values) -> float:
        return 1 / self._slowest(values) + max(self.delays) / self.rate


def _bilinear(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """b0, b1 and a1 of (a s + b) / (c s + d) at s = (1 − 1/z) / (1 + 1/z)."""
    return (a + b) / (c + d), (b - a) / (c + d), (d - c) / (c + d)
