"""The feedback delay network's recursion and its adjoint.

Conventions as in `recursions`: float64, serial, shapes checked by callers. `written` (rows, longest + frames, lines) is
what goes into each line, `read` (rows, 2 + frames, lines) what comes out of it behind its filter; both begin with the
past. Every line gets the signal, and what all have read less twice its mean.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models_registry.engine.recursions import Array

try:
    from numba import njit
except ImportError:  # as in `kernels`: exact without it, only slower
    njit = None  # type: ignore[assignment]


def _network(x: Array, sos: Array, lags: Array, written: Array, read: Array) -> None:
    rows, frames = x.shape
    count = lags.size
    start = written.shape[1] - frames
    for row in range(rows):
        for t in range(frames):
            total = 0.0
            for n in range(count):
                at = start + t - lags[n]
                f = (
                    sos[n, 0] * written[row, at, n]
                    + sos[n, 1] * written[row, at - 1, n]
                    + sos[n, 2] * written[row, at - 2, n]
                    - sos[n, 3] * read[row, t + 1, n]
                    - sos[n, 4] * read[row, t, n]
                )
                read[row, t + 2, n] = f
                total += f
            total *= 2.0 / count
            for n in range(count):
                written[row, start + t, n] = x[row, t] + read[row, t + 2, n] - total


def _network_adjoint(
    grad: Array, sos: Array, lags: Array, written: Array, read: Array
) -> tuple[Array, Array]:
    rows, frames, count = grad.shape
    start = written.shape[1] - frames
    signal = np.zeros((rows, frames))
    sections = np.zeros((count, 5))
    # what each line's filter was given, two samples further than the signal
    later = np.zeros((frames + 2, count))
    into = np.zeros(count)
    for row in range(rows):
        later[:] = 0.0
        for t in range(frames - 1, -1, -1):
            total = 0.0
            for n in range(count):
                at = t + lags[n]
                g = 0.0
                if at < frames:
                    g = sos[n, 0] * later[at, n]
                    if at + 1 < frames:
                        g += sos[n, 1] * later[at + 1, n]
                    if at + 2 < frames:
                        g += sos[n, 2] * later[at + 2, n]
                into[n] = g
                total += g
            signal[row, t] = total
            total *= 2.0 / count
            for n in range(count):
                g = (
                    grad[row, t, n]
                    + into[n]
                    - total
                    - sos[n, 3] * later[t + 1, n]
                    - sos[n, 4] * later[t + 2, n]
                )
                later[t, n] = g
                at = start + t - lags[n]
                sections[n, 0] += g * written[row, at, n]
                sections[n, 1] += g * written[row, at - 1, n]
                sections[n, 2] += g * written[row, at - 2, n]
                sections[n, 3] -= g * read[row, t + 1, n]
                sections[n, 4] -= g * read[row, t, n]
    return signal, sections


def _rows_network(x: Array, sos: Array, lags: Array, written: Array, read: Array) -> None:
    frames = x.shape[1]
    start, each = written.shape[1] - frames, np.arange(lags.size)
    for t in range(frames):
        at = start + t - lags
        f = sum(sos[:, k] * written[:, at - k, each] for k in range(3))
        f = f - sos[:, 3] * read[:, t + 1] - sos[:, 4] * read[:, t]
        read[:, t + 2] = f
        written[:, start + t] = x[:, t, None] + f - 2 * f.mean(1, keepdims=True)


def _rows_network_adjoint(
    grad: Array, sos: Array, lags: Array, written: Array, read: Array
) -> tuple[Array, Array]:
    rows, frames, count = grad.shape
    start, each = written.shape[1] - frames, np.arange(count)
    signal = np.zeros((rows, frames))
    later = np.zeros((rows, frames + lags.max() + 3, count))
    for t in range(frames - 1, -1, -1):
        into = np.stack([sos[:, k] * later[:, t + lags + k, each] for k in range(3)]).sum(0)
        signal[:, t] = into.sum(1)
        later[:, t] = grad[:, t] + into - 2 * into.mean(1, keepdims=True)
        later[:, t] -= sos[:, 3] * later[:, t + 1] + sos[:, 4] * later[:, t + 2]
    at = start + np.arange(frames)[:, None] - lags
    g = later[:, :frames]
    lagged = [(g * written[:, at - k, each]).sum((0, 1)) for k in range(3)]
    past = [-(g * read[:, 1 - k : 1 - k + frames]).sum((0, 1)) for k in range(2)]
    return signal, np.stack([*lagged, *past], axis=1)


class _Loops(NamedTuple):
    network: Any
    network_adjoint: Any


# named as the backends in `kernels`, so that one word chooses both
BACKENDS: dict[str, _Loops] = {"scipy": _Loops(_rows_network, _rows_network_adjoint)}
if njit is not None:
    BACKENDS["numba"] = _Loops(*(njit(nogil=True)(f) for f in (_network, _network_adjoint)))
