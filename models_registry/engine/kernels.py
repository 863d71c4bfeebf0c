"""The two inner loops of the engine and their adjoints: a cascade of biquads and a cubic B-spline.

Conventions: rows are independent signals; everything is float64, because a 20 Hz shelf run in float32 errs
by −55 dB. `sections` is (sections, 5) with columns b0 b1 b2 a1 a2 (a0 = 1). `past` is (rows, 2, sections + 1), the last
two samples before the signal: column 0 of the input, column s + 1 of what section s made of it (direct form I).

Where numba is installed the loops are compiled, serial and without the interpreter lock; otherwise scipy
and numpy compute the same numbers more slowly. Arrays are checked here, since compiled loops check nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

try:
    from numba import njit

    from models_registry.engine import cascades
except ImportError:  # the engine is exact without numba, only slower
    njit = None  # type: ignore[assignment]

Array = NDArray[np.float64]


class Backend(Protocol):
    """One implementation of the loops."""

    # in place, with `past` moved on to the signal's end
    def cascade(self, signal: Array, sections: Array, past: Array) -> None: ...
    # the gradients by the signal and by the sections
    def cascade_adjoint(
        self, grad: Array, signal: Array, sections: Array, past: Array
    ) -> tuple[Array, Array]: ...
    def spline(self, position: Array, points: Array) -> tuple[Array, Array]: ...
    def spline_adjoint(self, grad: Array, position: Array, count: int) -> Array: ...


def checked_cascade(signal: Array, sections: Array, past: Array) -> None:
    """Raise `ValueError` unless the arrays have the shapes the loops rely on."""
    shape = (signal.shape[0], 2, sections.shape[0] + 1)
    if signal.ndim != 2 or not signal.shape[1] or sections.shape[1:] != (5,) or past.shape != shape:
        raise ValueError(f"a past {past.shape} of {signal.shape} does not fit {sections.shape}")


def _spline(position: Array, points: Array) -> tuple[Array, Array]:
    value = np.empty(position.size)
    slope = np.empty(position.size)
    last = points.size - 4
    for n in range(position.size):
        i = min(max(int(position[n]), 0), last)
        t = position[n] - i
        r = 1.0 - t
        p0, p1, p2, p3 = points[i], points[i + 1], points[i + 2], points[i + 3]
        value[n] = (
            r * r * r * p0
            + (3 * t * t * t - 6 * t * t + 4) * p1
            + (3 * r * r * r - 6 * r * r + 4) * p2
            + t * t * t * p3
        ) / 6
        slope[n] = (
            -r * r * p0 + (3 * t * t - 4 * t) * p1 - (3 * r * r - 4 * r) * p2 + t * t * p3
        ) / 2
    return value, slope


def _spline_adjoint(grad: Array, position: Array, count: int) -> Array:
    points = np.zeros(count)
    for n in range(position.size):
        i = min(max(int(position[n]), 0), count - 4)
        t = position[n] - i
        r = 1.0 - t
        g = grad[n] / 6
        points[i] += r * r * r * g
        points[i + 1] += (3 * t * t * t - 6 * t * t + 4) * g
        points[i + 2] += (3 * r * r * r - 6 * r * r + 4) * g
        points[i + 3] += t * t * t * g
    return points


def _history(signal: Array, sections: Array, past: Array) -> Array:
    """The input and what each section makes of it (rows, 2 + frames, sections + 1), from the past on."""
    history = np.empty((signal.shape[0], signal.shape[1] + 2, past.shape[2]))
    history[:, :2] = past
    history[:, 2:, 0] = signal
    for s, (b0, b1, b2, a1, a2) in enumerate(sections):
        x2, x1 = history[:, 0, s], history[:, 1, s]
        y2, y1 = history[:, 0, s + 1], history[:, 1, s + 1]
        # the transposed form's state that continues this past (scipy.signal.lfiltic, per row)
        state = np.stack([b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2, b2 * x1 - a2 * y1], axis=1)
        history[:, 2:, s + 1], _ = lfilter(
            [b0, b1, b2], [1.0, a1, a2], history[:, 2:, s], axis=1, zi=state
        )
    return history


def _scipy_cascade(signal: Array, sections: Array, past: Array) -> None:
    history = _history(signal, sections, past)
    signal[:] = history[:, 2:, -1]
    past[:] = history[:, -2:]


def _scipy_cascade_adjoint(
    grad: Array, signal: Array, sections: Array, past: Array
) -> tuple[Array, Array]:
    history = _history(signal, sections, past)
    g = grad[:, ::-1]
    grad_sections = np.empty_like(sections)
    for s in range(sections.shape[0] - 1, -1, -1):
        b, a = sections[s, :3], np.array([1.0, sections[s, 3], sections[s, 4]])
        # the gradient run backwards through 1 / A, B then carries it to the input
        reverse = lfilter([1.0], a, g, axis=1)
        g = lfilter(b, [1.0], reverse, axis=1)
        w = reverse[:, ::-1]
        frames = w.shape[1]
        for lag in range(3):
            span = slice(2 - lag, 2 - lag + frames)
            grad_sections[s, lag] = np.vdot(w, history[:, span, s])
            if lag:
                grad_sections[s, 2 + lag] = -np.vdot(w, history[:, span, s + 1])
    return np.ascontiguousarray(g[:, ::-1]), grad_sections


def _weights(position: Array, count: int) -> tuple[NDArray[np.intp], Array, Array]:
    """First point, the four weights and the four slopes at each position."""
    i = np.clip(position.astype(np.intp), 0, count - 4)
    t = position - i
    r = 1.0 - t
    value = np.stack([r**3, 3 * t**3 - 6 * t**2 + 4, 3 * r**3 - 6 * r**2 + 4, t**3]) / 6
    slope = np.stack([-(r**2), 3 * t**2 - 4 * t, -(3 * r**2 - 4 * r), t**2]) / 2
    return i, value, slope


def _numpy_spline(position: Array, points: Array) -> tuple[Array, Array]:
    i, value, slope = _weights(position, points.size)
    near = points[i + np.arange(4)[:, None]]
    return (value * near).sum(0), (slope * near).sum(0)


def _numpy_spline_adjoint(grad: Array, position: Array, count: int) -> Array:
    i, value, _ = _weights(position, count)
    index = i + np.arange(4)[:, None]
    flat = (value * grad).ravel()
    return np.asarray(np.bincount(index.ravel(), weights=flat, minlength=count), dtype=np.float64)


class _Loops(NamedTuple):
    cascade: Any
    cascade_adjoint: Any
    spline: Any
    spline_adjoint: Any


BACKENDS: dict[str, Backend] = {
    "scipy": _Loops(
        _scipy_cascade,
        _scipy_cascade_adjoint,
        _numpy_spline,
        _numpy_spline_adjoint,
    )
}
if njit is not None:
    # never parallel=True: it aborts under Python threads and hangs after a fork
    BACKENDS["numba"] = _Loops(
        cascades.cascade,
        cascades.cascade_adjoint,
        *(njit(nogil=True)(loop) for loop in (_spline, _spline_adjoint)),
    )
DEFAULT = "numba" if "numba" in BACKENDS else "scipy"
