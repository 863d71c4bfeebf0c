"""Recursions in time and their adjoints: a state-variable filter, a feedback comb, attack-and-release ballistics.

Conventions: rows are independent signals, everything is float64. As in `kernels`, the compiled loops are serial and
run without the interpreter lock; where numba is missing, numpy computes the same numbers row by row of time.
Callers check shapes, since compiled loops check nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

try:
    from numba import njit
except ImportError:  # as in `kernels`: exact without it, only slower
    njit = None  # type: ignore[assignment]


Array = NDArray[np.float64]


def _svf(x: Array, a: Array, state: Array, memory: Array, taps: Array) -> None:
    rows, frames = x.shape
    for row in range(rows):
        s1, s2 = state[row, 0], state[row, 1]
        for t in range(frames):
            memory[row, t, 0], memory[row, t, 1] = s1, s2
            v3 = x[row, t] - s2
            v1 = a[row, t, 0] * s1 + a[row, t, 1] * v3
            v2 = s2 + a[row, t, 1] * s1 + a[row, t, 2] * v3
            s1, s2 = 2 * v1 - s1, 2 * v2 - s2
            taps[row, t, 0], taps[row, t, 1] = v1, v2
        state[row, 0], state[row, 1] = s1, s2


def _svf_adjoint(g: Array, x: Array, a: Array, memory: Array, gx: Array, ga: Array) -> None:
    rows, frames = x.shape
    for row in range(rows):
        l1, l2 = 0.0, 0.0
        for t in range(frames - 1, -1, -1):
            s1, s2 = memory[row, t, 0], memory[row, t, 1]
            v3 = x[row, t] - s2
            d1, d2 = g[row, t, 0] + 2 * l1, g[row, t, 1] + 2 * l2
            d3 = a[row, t, 1] * d1 + a[row, t, 2] * d2
            l1 = a[row, t, 0] * d1 + a[row, t, 1] * d2 - l1
            l2 = d2 - d3 - l2
            gx[row, t] = d3
            ga[row, t, 0] = s1 * d1
            ga[row, t, 1] = v3 * d1 + s1 * d2
            ga[row, t, 2] = v3 * d2


def _rows_svf(x: Array, a: Array, state: Array, memory: Array, taps: Array) -> None:
    s1, s2 = state[:, 0].copy(), state[:, 1].copy()
    for t in range(x.shape[1]):
        memory[:, t, 0], memory[:, t, 1] = s1, s2
        v3 = x[:, t] - s2
        v1 = a[:, t, 0] * s1 + a[:, t, 1] * v3
        v2 = s2 + a[:, t, 1] * s1 + a[:, t, 2] * v3
        s1, s2 = 2 * v1 - s1, 2 * v2 - s2
        taps[:, t, 0], taps[:, t, 1] = v1, v2
    state[:, 0], state[:, 1] = s1, s2


def _rows_svf_adjoint(g: Array, x: Array, a: Array, memory: Array, gx: Array, ga: Array) -> None:
    l1, l2 = np.zeros(len(x)), np.zeros(len(x))
    for t in range(x.shape[1] - 1, -1, -1):
        s1, s2 = memory[:, t, 0], memory[:, t, 1]
        v3 = x[:, t] - s2
        d1, d2 = g[:, t, 0] + 2 * l1, g[:, t, 1] + 2 * l2
        d3 = a[:, t, 1] * d1 + a[:, t, 2] * d2
        l1 = a[:, t, 0] * d1 + a[:, t, 1] * d2 - l1
        l2 = d2 - d3 - l2
        gx[:, t] = d3
        ga[:, t, 0] = s1 * d1
        ga[:, t, 1] = v3 * d1 + s1 * d2
        ga[:, t, 2] = v3 * d2


def _comb(history: Array, lag: int, taps: Array, start: int) -> None:
    rows, length = history.shape
    for row in range(rows):
        h = history[row]
        for t in range(start, length):
            value = h[t]
            for k in range(taps.size):
                value += taps[k] * h[t - lag - k]
            h[t] = value


def _comb_adjoint(grad: Array, lag: int, taps: Array) -> None:
    rows, frames = grad.shape
    for row in range(rows):
        g = grad[row]
        for t in range(frames - 1, -1, -1):
            for k in range(taps.size):
                if t + lag + k < frames:
                    g[t] += taps[k] * g[t + lag + k]


def _chunks_comb(history: Array, lag: int, taps: Array, start: int) -> None:
    # nothing within one lag depends on anything else within it
    for begin in range(start, history.shape[1], lag):
        end = min(begin + lag, history.shape[1])
        history[:, begin:end] += sum(
            tap * history[:, begin - lag - k : end - lag - k] for k, tap in enumerate(taps)
        )


def _chunks_comb_adjoint(grad: Array, lag: int, taps: Array) -> None:
    frames = grad.shape[1]
    padded = np.pad(grad, ((0, 0), (0, lag + taps.size - 1)))
    for end in range(frames, 0, -lag):
        begin = max(0, end - lag)
        padded[:, begin:end] += sum(
            tap * padded[:, begin + lag + k : end + lag + k] for k, tap in enumerate(taps)
        )
    grad[:] = padded[:, :frames]


def _ballistics(target: Array, start: Array, rise: Array, fall: Array) -> Array:
    rows, frames = target.shape
    output = np.empty((rows, frames))
    for row in range(rows):
        y = start[row]
        for t in range(frames):
            d = target[row, t] - y
            y = y + (rise[row] if d > 0 else fall[row]) * d
            output[row, t] = y
    return output


def _ballistics_adjoint(
    grad: Array, target: Array, start: Array, output: Array, rise: Array, fall: Array
) -> tuple[Array, Array]:
    rows, frames = target.shape
    moved = np.empty((rows, frames))
    speeds = np.zeros((rows, 2))
    for row in range(rows):
        later = 0.0
        for t in range(frames - 1, -1, -1):
            before = output[row, t - 1] if t else start[row]
            d = target[row, t] - before
            g = grad[row, t] + later
            if d > 0:
                moved[row, t] = rise[row] * g
                speeds[row, 0] += d * g
            else:
                moved[row, t] = fall[row] * g
                speeds[row, 1] += d * g
            later = g - moved[row, t]
    return moved, speeds


def _rows_ballistics(target: Array, start: Array, rise: Array, fall: Array) -> Array:
    output = np.empty(target.shape)
    y = start
    for t in range(target.shape[1]):
        d = target[:, t] - y
        y = y + np.where(d > 0, rise, fall) * d
        output[:, t] = y
    return output


def _rows_ballistics_adjoint(
    grad: Array, target: Array, start: Array, output: Array, rise: Array, fall: Array
) -> tuple[Array, Array]:
    before = np.concatenate([start[:, None], output[:, :-1]], axis=1)
    d = target - before
    rising = d > 0
    speed = np.where(rising, rise[:, None], fall[:, None])
    total = np.empty(target.shape)
    later = np.zeros(len(target))
    for t in range(target.shape[1] - 1, -1, -1):
        total[:, t] = grad[:, t] + later
        later = total[:, t] - speed[:, t] * total[:, t]
    share = d * total
    return speed * total, np.stack([(share * rising).sum(1), (share * ~rising).sum(1)], axis=1)


class _Loops(NamedTuple):
    svf: Any
    svf_adjoint: Any
    comb: Any
    comb_adjoint: Any
    ballistics: Any
    ballistics_adjoint: Any


# named as the backends in `kernels`, so that one word chooses both
BACKENDS: dict[str, _Loops] = {
    "scipy": _Loops(
        _rows_svf,
        _rows_svf_adjoint,
        _chunks_comb,
        _chunks_comb_adjoint,
        _rows_ballistics,
        _rows_ballistics_adjoint,
    )
}
if njit is not None:
    BACKENDS["numba"] = _Loops(
        *(
            njit(nogil=True)(loop)
            for loop in (
                _svf,
                _svf_adjoint,
                _comb,
                _comb_adjoint,
                _ballistics,
                _ballistics_adjoint,
            )
        )
    )
