"""A gated recurrent unit over a whole sequence, and its adjoint, as loops for numba.

Conventions: time comes first, (steps, rows, units); weights are laid out as `torch.nn.GRU` has them, the reset gate
before the update gate before the new value. float32 and float64 alike; in float32 tanh is a quotient of polynomials
that is right to within 3e-7 and that a processor computes for several units at once.

Torch takes some ten calls a step and as many again on the way back, which for a small network costs more than the
arithmetic. Without numba, or away from the processor, torch's own loop runs instead.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

try:
    from numba import njit, types
    from numba.extending import overload
except ImportError:  # as in `kernels`: the same without it, only slower
    njit = None  # type: ignore[assignment]

Array = NDArray[Any]

# rows that share what is read of the weights
TOGETHER = 4
# tanh of less than −LIMIT or more than LIMIT is −1 or 1 in float32
LIMIT = 7.90531110763549805


def gru(network: nn.GRU, heard: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
    """What `network` (batch first) makes of `heard` (rows, steps, features) from `memory` (layers, rows, units) on, and
    its memory afterwards."""
    if njit is None or heard.device.type != "cpu" or not heard.shape[1]:
        output, memory = network(heard, memory)
        return output, memory
    rows, units = heard.shape[0], network.hidden_size
    along = heard.transpose(0, 1)
    if memory is None:
        memory = heard.new_zeros(network.num_layers, rows, units)
    last = []
    for n, before in enumerate(memory):
        weights = [
            getattr(network, f"{name}_l{n}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        along = torch.as_tensor(_Layer.apply(along, before, *weights))  # type: ignore[no-untyped-call]
        last.append(along[-1])
    return along.transpose(0, 1), torch.stack(last)


class _Layer(torch.autograd.Function):
    """One layer: (steps, rows, features) to (steps, rows, units), from the units (rows, units) before."""

    @staticmethod
    def forward(
        ctx: Any, heard: Tensor, before: Tensor, inward: Tensor, across: Tensor, *bias: Tensor
    ) -> Tensor:
        steps, rows, _ = heard.shape
        units = across.shape[1]
        given = torch.addmm(bias[0], heard.flatten(0, 1), inward.T).view(steps, rows, -1)
        hidden = heard.new_empty(steps + 1, rows, units)
        hidden[0] = before
        gates = heard.new_empty(steps, rows, 4 * units)
        _forward(
            given.detach().numpy(),
            across.detach().T.contiguous().numpy(),
            bias[1].detach().contiguous().numpy(),
            hidden.detach().numpy(),
            gates.numpy(),
        )
        ctx.kept = heard, inward, across, hidden, gates
        return hidden[1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        heard, inward, across, hidden, gates = ctx.kept
        steps, rows, units = grads[0].shape
        by_given = heard.new_empty(steps, rows, 3 * units)
        by_own = torch.empty_like(by_given)
        by_before = heard.new_zeros(rows, units)
        _backward(
            grads[0].contiguous().numpy(),
            across.detach().contiguous().numpy(),
            hidden.detach().numpy(),
            gates.numpy(),
            by_given.numpy(),
            by_own.numpy(),
            by_before.numpy(),
        )
        flat, own = by_given.flatten(0, 1), by_own.flatten(0, 1)
        return (
            (flat @ inward).view(heard.shape),
            by_before,
            flat.T @ heard.flatten(0, 1),
            own.T @ hidden[:-1].flatten(0, 1),
            flat.sum(0),
            own.sum(0),
        )


if njit is not None:

    def _squashed(x: Any) -> Any:
        """tanh, by the type of its argument."""
        raise NotImplementedError

    @overload(_squashed, strict=False)
    def _(x: Any) -> Any:
        if x is not types.float32:
            return lambda x: math.tanh(x)
        limit = np.float32(LIMIT)
        # the coefficients of Eigen's (Tuxfamily) float tanh: odd powers over even ones, the lowest last
        p13, p11, p9, p7, p5, p3, p1 = (
            np.float32(one)
            for one in (
                -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11,
                5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04,
                4.89352455891786e-03,
            )
        )  # fmt: skip
        q6, q4, q2, q0 = (
            np.float32(one)
            for one in (
                1.19825839466702e-06,
                1.18534705686654e-04,
                2.26843463243900e-03,
                4.89352518554385e-03,
            )
        )

        def rational(x: Any) -> Any:
            x = min(max(x, -limit), limit)
            s = x * x
            p = ((((((p13 * s + p11) * s + p9) * s + p7) * s + p5) * s + p3) * s + p1) * x
            return p / (((q6 * s + q4) * s + q2) * s + q0)

        return rational

    # products are fused with sums, as in every library of linear algebra
    _compiled = njit(nogil=True, fastmath={"contract"})

    @_compiled
    def _add_product(factor: Array, weights: Array, total: Array) -> None:
        """`total` (rows, width) += `factor` (rows, depth) times `weights` (depth, width)."""
        (rows, width), depth = total.shape, weights.shape[0]
        even, b = depth - depth % 2, 0
        while b < rows:
            if b + TOGETHER <= rows:
                t0, t1, t2, t3 = total[b], total[b + 1], total[b + 2], total[b + 3]
                f0, f1, f2, f3 = factor[b], factor[b + 1], factor[b + 2], factor[b + 3]
                for k in range(0, even, 2):
                    u, v = weights[k], weights[k + 1]
                    u0, u1, u2, u3 = f0[k], f1[k], f2[k], f3[k]
                    v0, v1, v2, v3 = f0[k + 1], f1[k + 1], f2[k + 1], f3[k + 1]
                    for j in range(width):
                        t0[j] += u0 * u[j] + v0 * v[j]
                        t1[j] += u1 * u[j] + v1 * v[j]
                        t2[j] += u2 * u[j] + v2 * v[j]
                        t3[j] += u3 * u[j] + v3 * v[j]
                if even < depth:
                    for i in range(b, b + TOGETHER):
                        for j in range(width):
                            total[i, j] += factor[i, even] * weights[even, j]
                b += TOGETHER
            else:
                for k in range(depth):
                    for j in range(width):
                        total[b, j] += factor[b, k] * weights[k, j]
                b += 1

    @_compiled
    def _forward(given: Array, across: Array, bias: Array, hidden: Array, gates: Array) -> None:
        # gates: reset, update, new value, and what the reset gate is applied to
        steps, rows, width = given.shape
        units = width // 3
        half = given.dtype.type(0.5)
        own = np.empty((rows, width), given.dtype)
        for t in range(steps):
            for b in range(rows):
                own[b] = bias
            _add_product(hidden[t], across, own)
            for b in range(rows):
                x, y, g = given[t, b], own[b], gates[t, b]
                h, new = hidden[t, b], hidden[t + 1, b]
                for j in range(2 * units):
                    g[j] = half + half * _squashed(half * (x[j] + y[j]))
                for j in range(units):
                    held = y[2 * units + j]
                    value = _squashed(x[2 * units + j] + g[j] * held)
                    g[2 * units + j], g[3 * units + j] = value, held
                    new[j] = value + g[units + j] * (h[j] - value)

    @_compiled
    def _backward(
        grad: Array,
        across: Array,
        hidden: Array,
        gates: Array,
        by_given: Array,
        by_own: Array,
        carried: Array,
    ) -> None:
        steps, rows, units = grad.shape
        one = grad.dtype.type(1.0)
        for t in range(steps - 1, -1, -1):
            for b in range(rows):
                g, h, x, y = gates[t, b], hidden[t, b], by_given[t, b], by_own[t, b]
                for j in range(units):
                    whole = carried[b, j] + grad[t, b, j]
                    reset, update, value = g[j], g[units + j], g[2 * units + j]
                    new = whole * (one - update) * (one - value * value)
                    x[j] = new * g[3 * units + j] * reset * (one - reset)
                    x[units + j] = whole * (h[j] - value) * update * (one - update)
                    x[2 * units + j] = new
                    y[j], y[units + j] = x[j], x[units + j]
                    y[2 * units + j] = new * reset
                    carried[b, j] = whole * update
            _add_product(by_own[t], across, carried)
