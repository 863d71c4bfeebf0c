"""A pair of diodes across a capacitor: the clipping stage of most distortion pedals, which has a memory.

Conventions: voltages relative to full scale (1), currents relative to what the resistor passes at 1; `a` is θ · 2π ·
corner / rate. With u in front of the resistor the node's voltage v obeys dv/dt = 2π · corner · (u − v − d(v)), where
d(v) = up(v) − down(−v) and up(v) = e^((v − upper) / knee) − e^(−upper / knee). One step of the θ-method solves
v + a (v + d(v)) = p + a u, and p becomes v + (1 / θ − 1) (v − p).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import ShapingBlock, State, Values, amplitude, register
from models_registry.engine.blocks.oversampling import (
    FACTORS,
    OVERSAMPLING,
    REACH,
    lowered,
    raised,
)
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter, Port
from models_registry.engine.relevance import as_gain

try:
    from numba import njit
except ImportError:  # as in `kernels`: exact without it, only slower
    njit = None  # type: ignore[assignment]

Array = NDArray[np.float64]

# Newton's step below which a node is settled, and how many steps it may take; about five do.
SETTLED, MOST = 1e-13, 60
# e^this is the largest current that is told from infinity
LARGEST = 600.0


def _solve(x: Array, given: Array, p: Array, r: float, v: Array) -> None:
    a, upper, upper_knee, lower, lower_knee = given
    rest_up, rest_down = math.exp(-upper / upper_knee), math.exp(-lower / lower_knee)
    for row in range(x.shape[0]):
        past = p[row]
        for t in range(x.shape[1]):
            wanted = past + a * x[row, t]
            # no further than without diodes, nor than with nothing but a diode: Newton comes down from there
            if wanted > 0:
                node = min(wanted / (1 + a), upper + upper_knee * math.log(wanted / a + rest_up))
            elif wanted < 0:
                node = max(
                    wanted / (1 + a), -lower - lower_knee * math.log(-wanted / a + rest_down)
                )
            else:
                node = 0.0
            for _ in range(MOST):
                up = math.exp(min((node - upper) / upper_knee, LARGEST))
                down = math.exp(min((-node - lower) / lower_knee, LARGEST))
                error = node + a * (node + up - rest_up - down + rest_down) - wanted
                step = error / (1 + a * (1 + up / upper_knee + down / lower_knee))
                node -= step
                if abs(step) <= SETTLED * (1 + abs(node)):
                    break
            v[row, t] = node
            past = node + r * (node - past)
        p[row] = past


def _adjoint(g: Array, x: Array, given: Array, r: float, v: Array, gx: Array, found: Array) -> None:
    a, upper, upper_knee, lower, lower_knee = given
    rest_up, rest_down = math.exp(-upper / upper_knee), math.exp(-lower / lower_knee)
    for row in range(x.shape[0]):
        later = 0.0
        for t in range(x.shape[1] - 1, -1, -1):
            node = v[row, t]
            up = math.exp(min((node - upper) / upper_knee, LARGEST))
            down = math.exp(min((-node - lower) / lower_knee, LARGEST))
            bend = 1 + a * (1 + up / upper_knee + down / lower_knee)
            m = (g[row, t] + (1 + r) * later) / bend
            gx[row, t] = a * m
            found[0] += m * (x[row, t] - node - (up - rest_up) + (down - rest_down))
            found[1] += a * m * (up - rest_up) / upper_knee
            found[2] += a * m * ((node - upper) * up + upper * rest_up) / upper_knee**2
            found[3] -= a * m * (down - rest_down) / lower_knee
            found[4] -= a * m * ((-node - lower) * down + lower * rest_down) / lower_knee**2
            later = m - r * later


def _rows_solve(x: Array, given: Array, p: Array, r: float, v: Array) -> None:
    a, upper, upper_knee, lower, lower_knee = given
    rest_up, rest_down = math.exp(-upper / upper_knee), math.exp(-lower / lower_knee)
    tiny = np.finfo(np.float64).tiny
    for t in range(x.shape[1]):
        wanted = p + a * x[:, t]
        high = upper + upper_knee * np.log(np.maximum(wanted, 0) / a + rest_up + tiny)
        low = -lower - lower_knee * np.log(np.maximum(-wanted, 0) / a + rest_down + tiny)
        free = wanted / (1 + a)
        node = np.where(wanted > 0, np.minimum(free, high), np.maximum(free, low))
        node[wanted == 0] = 0.0
        for _ in range(MOST):
            up = np.exp(np.minimum((node - upper) / upper_knee, LARGEST))
            down = np.exp(np.minimum((-node - lower) / lower_knee, LARGEST))
            error = node + a * (node + up - rest_up - down + rest_down) - wanted
            step = error / (1 + a * (1 + up / upper_knee + down / lower_knee))
            node = node - step
            if np.all(np.abs(step) <= SETTLED * (1 + np.abs(node))):
                break
        v[:, t] = node
        p[:] = node + r * (node - p)


def _rows_adjoint(
    g: Array, x: Array, given: Array, r: float, v: Array, gx: Array, found: Array
) -> None:
    a, upper, upper_knee, lower, lower_knee = given
    rest_up, rest_down = math.exp(-upper / upper_knee), math.exp(-lower / lower_knee)
    up = np.exp(np.minimum((v - upper) / upper_knee, LARGEST))
    down = np.exp(np.minimum((-v - lower) / lower_knee, LARGEST))
    bend = 1 + a * (1 + up / upper_knee + down / lower_knee)
    m, later = np.empty_like(v), np.zeros(len(v))
    for t in range(x.shape[1] - 1, -1, -1):
        m[:, t] = (g[:, t] + (1 + r) * later) / bend[:, t]
        later = m[:, t] - r * later
    gx[:] = a * m
    found[0] = (m * (x - v - (up - rest_up) + (down - rest_down))).sum()
    found[1] = (a * m * (up - rest_up)).sum() / upper_knee
    found[2] = (a * m * ((v - upper) * up + upper * rest_up)).sum() / upper_knee**2
    found[3] = -(a * m * (down - rest_down)).sum() / lower_knee
    found[4] = -(a * m * ((-v - lower) * down + lower * rest_down)).sum() / lower_knee**2


class _Loops(NamedTuple):
    solve: Any
    adjoint: Any


# named as the backends in `kernels`, so that one word chooses both
BACKENDS: dict[str, _Loops] = {"scipy": _Loops(_rows_solve, _rows_adjoint)}
if njit is not None:
    BACKENDS["numba"] = _Loops(njit(nogil=True)(_solve), njit(nogil=True)(_adjoint))


class Node(torch.autograd.Function):
    """The node's voltage and the memory after it, float64: `forward(level (rows, frames), given (5,), past (rows,), r,
    backend)`, where `given` is a, upper, its knee, lower, its knee; no gradient reaches `past`."""

    @staticmethod
    def forward(
        ctx: Any, level: Tensor, given: Tensor, past: Tensor, r: float, backend: str
    ) -> tuple[Tensor, Tensor]:
        x = np.ascontiguousarray(level.detach().numpy(), dtype=np.float64)
        numbers = np.ascontiguousarray(given.detach().numpy(), dtype=np.float64)
        p, v = past.numpy().copy(), np.empty_like(x)
        if numbers.shape != (5,) or p.shape != (len(x),):
            raise ValueError(f"{numbers.shape} numbers and {p.shape} memories do not fit {x.shape}")
        BACKENDS[backend].solve(x, numbers, p, r, v)
        ctx.kept, ctx.backend = (x, numbers, r, v), backend
        after = torch.from_numpy(p)
        ctx.mark_non_differentiable(after)
        return torch.from_numpy(v), after

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        x = ctx.kept[0]
        gx, found = np.empty_like(x), np.zeros(5)
        grad = np.ascontiguousarray(grads[0].numpy())
        BACKENDS[ctx.backend].adjoint(grad, *ctx.kept, gx, found)
        return torch.from_numpy(gx), torch.from_numpy(found), None, None, None


@register
class DiodePair(ShapingBlock):
    """v' = 2π · corner · (u − v − d(v)), u = drive · x, solved sample by sample."""

    kind = "diode-pair"
    card = Card(
        purpose="The clipping stage of a distortion pedal: a resistor into a capacitor and two diodes to ground.",
        rationale="While the diodes conduct they discharge the capacitor faster than the resistor does, so the stage "
        "is the brighter the harder it clips: no curve between two filters does that, one equation does.",
        assumptions="One capacitor; diodes obey Shockley's law; each way may have diodes of its own, in any number in "
        "series (their voltages add up to one knee and one limit).",
        expected_ranges="Corner 1 to 20 kHz; limits within 6 dB of each other; knees of 0.03 to 0.1 of a volt a diode.",
        failure_modes="Drive, limits, knees and a following gain share one degree of freedom; at the signal's rate "
        "harmonics above half of it fold back; operational amplifiers' own limits are not in it.",
        expected=SILENT,
        references=(
            "D. T. Yeh, J. S. Abel, J. O. Smith, Simplified, Physically-Informed Models of Distortion and Overdrive "
            "Guitar Effects Pedals, DAFx 2007",
            "W. Shockley, The Theory of p-n Junctions in Semiconductors, Bell System Technical Journal 28(3), 1949",
        ),
    )
    choices = (OVERSAMPLING,)
    backend = kernels.DEFAULT
    # the trapezoidal rule: 1 would be Euler's backward, which forgets sooner and was further from the circuit
    theta = 0.5

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        sides = []
        for name, where in (("upper", "above 0"), ("lower", "below 0")):
            limit = f"voltage at which the diodes {where} pass what the resistor does at full scale"
            knee = f"how softly the diodes {where} begin to"
            sides += [
                Parameter(name, "dB", -60, 12, "dB", -6, limit),
                Parameter(f"{name}_knee", "", 0.005, 0.5, "log", 0.05, knee),
            ]
        return (
            Parameter("drive", "dB", -24, 48, "dB", 0, "level into the stage", time_varying=True),
            Parameter("corner", "Hz", 200, 50_000, "log", 8_000, "of resistor and capacitor alone"),
            *sides,
        )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.factor = FACTORS.get(self.options["oversampling"], 1)
        if self.factor > 1:
            self.outlet = Port(latency=2 * REACH)

    def _given(self, values: Values) -> Tensor:
        turn = 2 * math.pi * self.theta / (self.factor * self.rate)
        numbers = [values["corner"].double() * turn]
        for name in ("upper", "lower"):
            numbers += [amplitude(values[name].double()), values[f"{name}_knee"].double()]
        return torch.stack(numbers)

    def _solved(self, driven: Tensor, values: Values, past: State) -> tuple[Tensor, Tensor]:
        rows = driven.reshape(-1, driven.shape[-1])
        start = rows.new_zeros(len(rows)) if past is None else past
        solve: Any = Node.apply
        node, after = solve(rows, self._given(values), start, 1 / self.theta - 1, self.backend)
        return as_gain(driven, node.reshape(driven.shape)), after.detach()

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        driven = signal.double() * amplitude(values["drive"].double())
        if self.factor == 1:
            output, state = self._solved(driven, values, state)
            return output.to(signal.dtype), state
        up, past, down = state or (None, None, None)
        dense, up = raised(driven, self.factor, up)
        node, past = self._solved(dense, values, past)
        output, down = lowered(node, self.factor, down)
        return output.to(signal.dtype), (up, past, down)

    def curve(self, values: Values, levels: Tensor) -> Tensor:
        # settled: the capacitor takes no current any more
        given = self._given(values)
        given = torch.cat([torch.full_like(given[:1], 1e9), given[1:]])
        driven = levels.double() * amplitude(values["drive"].double())
        solve: Any = Node.apply
        node, _ = solve(
            driven.reshape(-1, 1), given, driven.new_zeros(driven.numel()), 0.0, self.backend
        )
        return node.reshape(levels.shape)

    def pole_radius(self, values: Values) -> float:
        a, upper, upper_knee, lower, lower_knee = self._given(values).tolist()
        slope = (
            math.exp(-upper / upper_knee) / upper_knee + math.exp(-lower / lower_knee) / lower_knee
        )
        # at rest; where the diodes conduct what was before is forgotten sooner
        return abs(1 / self.theta / (1 + a * (1 + slope)) - (1 / self.theta - 1))
