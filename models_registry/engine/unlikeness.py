"""The loops that compare two spectrograms and carry the comparison's slope back to the signal.

Conventions: float32 or float64 throughout, sums in float64; a spectrum is given as its real and imaginary parts in
turn, (2 · bins,), a spectrogram as its magnitudes, (bins,), both of all windows in one line. Where numba is missing,
numpy computes the same numbers, as in `kernels`; callers check shapes, since compiled loops check nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

try:
    from numba import njit
except ImportError:  # as in `kernels`: exact without it, only slower
    njit = None  # type: ignore[assignment]

Array = NDArray[Any]


def _magnitude(spectrum: Array, lowest: Any, found: Array) -> None:
    for k in range(found.size):
        value = math.sqrt(
            spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1]
        )
        # so that what is not a number stays none
        found[k] = lowest if value < lowest else value


def _compare(found: Array, wanted: Array, least: Any, ratio: Array) -> tuple[float, float]:
    error, energy = 0.0, 0.0
    for k in range(found.size):
        difference = np.float64(found[k]) - np.float64(wanted[k])
        error += difference * difference
        energy += np.float64(wanted[k]) * np.float64(wanted[k])
        ratio[k] = (found[k] + least) / (wanted[k] + least)
    return error, energy


def _slope(
    found: Array, wanted: Array, least: Any, share: Any, steep: Any, lowest: Any, by: Array
) -> None:
    none = share - share
    for k in range(found.size):
        value = found[k]
        difference = value - wanted[k]
        sign = share if difference > none else (-share if difference < none else none)
        slope = (sign / (value + least) + steep * difference) / value
        by[k] = none if value <= lowest else slope


def _scale(spectrum: Array, by: Array) -> None:
    for k in range(by.size):
        spectrum[2 * k] *= by[k]
        spectrum[2 * k + 1] *= by[k]


def _overlap(parts: Array, window: Array, hop: int, total: Array) -> None:
    rows, windows, size = parts.shape
    for row in range(rows):
        for n in range(windows):
            along, part = total[row, n * hop : n * hop + size], parts[row, n]
            for k in range(size):
                along[k] += part[k] * window[k]


def _numpy_magnitude(spectrum: Array, lowest: Any, found: Array) -> None:
    np.maximum(np.hypot(spectrum[::2], spectrum[1::2]), lowest, out=found)


def _numpy_compare(found: Array, wanted: Array, least: Any, ratio: Array) -> tuple[float, float]:
    np.divide(found + least, wanted + least, out=ratio)
    exact = wanted.astype(np.float64)
    energy, exact = np.vdot(exact, exact), found - exact
    return float(np.vdot(exact, exact)), float(energy)


def _numpy_slope(
    found: Array, wanted: Array, least: Any, share: Any, steep: Any, lowest: Any, by: Array
) -> None:
    difference = found - wanted
    by[:] = (share * np.sign(difference) / (found + least) + steep * difference) / found
    by[found <= lowest] = 0


def _numpy_scale(spectrum: Array, by: Array) -> None:
    spectrum[::2] *= by
    spectrum[1::2] *= by


def _numpy_overlap(parts: Array, window: Array, hop: int, total: Array) -> None:
    # windows that do not overlap are added together
    apart = -(-window.size // hop)
    for first in range(min(apart, parts.shape[1])):
        some = parts[:, first::apart] * window
        pitch = apart * hop
        begin, count = first * hop, some.shape[1]
        gap = np.zeros((*some.shape[:2], pitch), some.dtype)
        gap[..., : window.size] = some
        end = begin + (count - 1) * pitch + window.size
        total[:, begin:end] += gap.reshape(len(parts), -1)[:, : end - begin]


class Loops(NamedTuple):
    """One implementation: each writes its last array."""

    # the magnitudes of a spectrum, not below `lowest`
    magnitude: Any
    # the energies of what is wrong and of what is wanted; ratios of magnitudes, both raised by `least`
    compare: Any
    # over the magnitude: `share` of the logarithm's sign, and `steep` times what is wrong; none at `lowest`
    slope: Any
    # a spectrum times one number for each of its bins
    scale: Any
    # windows (rows, windows, size), each times `window` and `hop` after the one before, added to (rows, frames)
    overlap: Any


BACKENDS = {
    "scipy": Loops(_numpy_magnitude, _numpy_compare, _numpy_slope, _numpy_scale, _numpy_overlap)
}
if njit is not None:
    # order does not matter to a sum of magnitudes, and a processor adds several at once; what is not a number counts
    _fast = njit(nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
    BACKENDS["numba"] = Loops(*(_fast(f) for f in (_magnitude, _compare, _slope, _scale, _overlap)))
