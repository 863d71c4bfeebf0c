"""The cascade of biquads and its adjoint, eight sections at a time in one register (see `lanes`), for numba.

Conventions: as in `kernels`. `columns` is (5, 8): the coefficients b0 b1 b2 a1 a2 of eight sections in series. Section
s works on sample n − s in step n, so that in each step all eight work at once, each on what the one before it made in
the step before; the loops therefore go on for seven steps after the last sample. No product is fused with a sum, so
that every processor finds the same numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models_registry.engine.lanes import WIDTH, down, first, last, load, store, up

Array = NDArray[np.float64]

# what is heard in so many steps stays in the processor's nearest cache while the gradient comes back through it
STRETCH = 128
LATE = WIDTH - 1


@njit(nogil=True)
def _early(past: Array) -> Array:
    """What the sections heard (0) and answered (1) in the steps from −2 on (2, 9, 8) in which they had not begun."""
    table = np.zeros((2, WIDTH + 1, WIDTH))
    for s in range(WIDTH):
        for back in range(2):
            # sample −2 or −1 of section s
            table[0, back + s, s] = past[back, s]
            table[1, back + s, s] = past[back, s + 1]
    return table


@njit(nogil=True)
def _begun(lanes, table, step, spare):  # type: ignore[no-untyped-def]
    """`lanes` with what `table` says of the sections that have not begun in `step`."""
    store(spare, 0, lanes)
    for s in range(step + 1, WIDTH):
        spare[s] = table[step + 2, s]
    return load(spare, 0)


@njit(nogil=True)
def _cascade(signal: Array, columns: Array, past: Array) -> None:
    rows, frames = signal.shape
    b0, b1, b2 = load(columns, 0), load(columns, WIDTH), load(columns, 2 * WIDTH)
    a1, a2 = load(columns, 3 * WIDTH), load(columns, 4 * WIDTH)
    spare, ends = np.empty(WIDTH), np.empty((WIDTH + 1, WIDTH))
    for row in range(rows):
        table = _early(past[row])
        heard = past[row, 1, 0] if frames == 1 else signal[row, frames - 2]
        past[row, 0, 0], past[row, 1, 0] = heard, signal[row, frames - 1]
        x1, x2 = load(table[0], WIDTH), load(table[0], 0)
        y1, y2 = load(table[1], WIDTH), load(table[1], 0)
        store(ends, 0, y1)
        for n in range(frames + LATE):
            x = up(y1, signal[row, n] if n < frames else 0.0)
            y = b0 * x + (b2 * x2 - a2 * y2 + (b1 * x1 - a1 * y1))
            if n < LATE:
                x, y = _begun(x, table[0], n, spare), _begun(y, table[1], n, spare)
            x2, x1, y2, y1 = x1, x, y1, y
            if n >= LATE:
                signal[row, n - LATE] = last(y)
            if n >= frames - 2:
                store(ends, (n - frames + 2) * WIDTH, y)
        for s in range(WIDTH):
            past[row, 0, s + 1], past[row, 1, s + 1] = ends[s, s], ends[s + 1, s]


@njit(nogil=True)
def _adjoint(grad: Array, signal: Array, columns: Array, past: Array, sums: Array) -> None:
    # `grad` becomes the gradient by `signal`; what the sections heard and answered is found again stretch by stretch
    rows, frames = signal.shape
    b0, b1, b2 = load(columns, 0), load(columns, WIDTH), load(columns, 2 * WIDTH)
    a1, a2 = load(columns, 3 * WIDTH), load(columns, 4 * WIDTH)
    zero = load(np.zeros(WIDTH), 0)
    g0, g1, g2, g3, g4 = zero, zero, zero, zero, zero
    steps = frames + LATE
    stretches = (steps + STRETCH - 1) // STRETCH
    spare = np.empty(WIDTH)
    marks = np.empty((stretches, 4, WIDTH))
    # two steps before the stretch, then its own: heard and answered
    history = np.empty((STRETCH + 2, 2, WIDTH))
    for row in range(rows):
        table = _early(past[row])
        x1, x2 = load(table[0], WIDTH), load(table[0], 0)
        y1, y2 = load(table[1], WIDTH), load(table[1], 0)
        for n in range(steps):
            if n % STRETCH == 0:
                mark = n // STRETCH * 4 * WIDTH
                store(marks, mark, x2)
                store(marks, mark + WIDTH, y2)
                store(marks, mark + 2 * WIDTH, x1)
                store(marks, mark + 3 * WIDTH, y1)
            x = up(y1, signal[row, n] if n < frames else 0.0)
            y = b0 * x + (b2 * x2 - a2 * y2 + (b1 * x1 - a1 * y1))
            if n < LATE:
                x, y = _begun(x, table[0], n, spare), _begun(y, table[1], n, spare)
            x2, x1, y2, y1 = x1, x, y1, y
        w1, w2, g = zero, zero, zero
        for stretch in range(stretches - 1, -1, -1):
            begin, end = stretch * STRETCH, min(steps, (stretch + 1) * STRETCH)
            x2, y2 = load(marks, stretch * 4 * WIDTH), load(marks, (stretch * 4 + 1) * WIDTH)
            x1, y1 = load(marks, (stretch * 4 + 2) * WIDTH), load(marks, (stretch * 4 + 3) * WIDTH)
            store(history, 0, x2)
            store(history, WIDTH, y2)
            store(history, 2 * WIDTH, x1)
            store(history, 3 * WIDTH, y1)
            for n in range(begin, end):
                x = up(y1, signal[row, n] if n < frames else 0.0)
                y = b0 * x + (b2 * x2 - a2 * y2 + (b1 * x1 - a1 * y1))
                if n < LATE:
                    x, y = _begun(x, table[0], n, spare), _begun(y, table[1], n, spare)
                x2, x1, y2, y1 = x1, x, y1, y
                at = (n - begin + 2) * 2 * WIDTH
                store(history, at, x)
                store(history, at + WIDTH, y)
            for n in range(end - 1, begin - 1, -1):
                g = down(g, grad[row, n - LATE] if n >= LATE else 0.0)
                # w is the gradient run backwards through 1 / A, B then carries it to the input
                w = g - a2 * w2 - a1 * w1
                if n < LATE or n >= frames:
                    store(spare, 0, w)
                    for s in range(WIDTH):
                        if not 0 <= n - s < frames:
                            spare[s] = 0.0
                    w = load(spare, 0)
                g = b1 * w1 + b2 * w2 + b0 * w
                at = (n - begin + 2) * 2 * WIDTH
                g0 = g0 + w * load(history, at)
                g1 = g1 + w * load(history, at - 2 * WIDTH)
                g2 = g2 + w * load(history, at - 4 * WIDTH)
                g3 = g3 - w * load(history, at - WIDTH)
                g4 = g4 - w * load(history, at - 3 * WIDTH)
                w2, w1 = w1, w
                if n < frames:
                    # a step's own gradient has been read seven steps before
                    grad[row, n] = first(g)
    store(sums, 0, g0)
    store(sums, WIDTH, g1)
    store(sums, 2 * WIDTH, g2)
    store(sums, 3 * WIDTH, g3)
    store(sums, 4 * WIDTH, g4)


def _columns(sections: Array) -> Array:
    """Coefficients (5, 8) of up to eight sections; what is left over lets everything pass."""
    columns = np.zeros((5, WIDTH))
    columns[0] = 1.0
    columns[:, : len(sections)] = sections.T
    return columns


def _groups(sections: Array, past: Array) -> list[tuple[slice, Array, Array]]:
    """Eight sections at a time: which, their columns and their past (rows, 2, 9)."""
    found = []
    for begin in range(0, len(sections), WIDTH):
        group = slice(begin, min(begin + WIDTH, len(sections)))
        wide = np.zeros((len(past), 2, WIDTH + 1))
        wide[:, :, : group.stop - begin + 1] = past[:, :, begin : group.stop + 1]
        found.append((group, _columns(sections[group]), wide))
    return found


def cascade(signal: Array, sections: Array, past: Array) -> None:
    for group, columns, wide in _groups(sections, past):
        _cascade(signal, columns, wide)
        past[:, :, group.start : group.stop + 1] = wide[:, :, : group.stop - group.start + 1]


def cascade_adjoint(
    grad: Array, signal: Array, sections: Array, past: Array
) -> tuple[Array, Array]:
    grad, grad_sections, heard = grad.copy(), np.empty_like(sections), signal
    groups, inputs = _groups(sections, past), []
    for _, columns, wide in groups:
        inputs.append(heard)
        if len(inputs) < len(groups):
            heard = heard.copy()
            _cascade(heard, columns, wide.copy())
    for (group, columns, wide), given in zip(reversed(groups), reversed(inputs), strict=True):
        sums = np.empty((5, WIDTH))
        _adjoint(grad, given, columns, wide, sums)
        grad_sections[group] = sums[:, : group.stop - group.start].T
    return grad, grad_sections
