"""Lags at which one sound holds copies of another: where to look for a delay, whose error has a dip one sample wide.

Conventions: sounds are (channels, frames) at one rate; lags in samples, negative where the copy comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal
from torch import Tensor

Array = NDArray[np.float64]

# of the strongest bin, what is added below a spectrum before it divides
FLOOR = 1e-3


def copies(found: Sequence[Tensor], wanted: Sequence[Tensor], *, count: int) -> list[int]:
    """The `count` lags, the strongest first, of the linear filter that makes `wanted` of `found` best, 0 left out.

    The filter is the Wiener solution over all sounds and channels together (the cross spectrum over the power
    spectrum); fewer lags where it has fewer peaks.
    """
    frames = max(one.shape[-1] for one in found)
    length = fft.next_fast_len(2 * frames, real=True)
    cross = np.zeros(length // 2 + 1, dtype=complex)
    power = np.zeros(length // 2 + 1)
    for heard, goal in zip(found, wanted, strict=True):
        of, to = (fft.rfft(one.detach().double().numpy(), length) for one in (heard, goal))
        cross += (to * of.conj()).sum(0)
        power += np.square(np.abs(of)).sum(0)
    if not power.max() > 0:
        return []
    strength = np.abs(fft.irfft(cross / (power + FLOOR * power.max()), length))
    around = np.concatenate([strength[-frames:], strength[:frames]])
    around[frames - 1 : frames + 2] = 0
    peaks = signal.find_peaks(around)[0]
    strongest = peaks[np.argsort(-around[peaks], kind="stable")][:count]
    return [int(one) - frames for one in strongest]
