"""Loudness, true peak and offset of a signal that comes in pieces; what is kept is a number per tenth of a second.

Conventions: samples are (channels, frames) with full scale at −1…1; loudness in LUFS, true peak in dBTP (both ITU-R
BS.1770-5), the offset as the largest mean of a channel. Channels are mono, L R, L R C Ls Rs or L R C LFE Ls Rs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import firwin, upfirdn

from models_registry.engine import kernels
from models_registry.engine.auditory import k_weighting
from models_registry.engine.blocks.cascade import filtered

# BS.1770-5, annex 1, table 3
WEIGHTS = {1: (1.0,), 2: (1.0, 1.0), 5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
# tenths of a second in a gating block
BLOCK = 4
# annex 2 reads the peak at 192 kHz or more; a value between two samples is read off so many to either side
PEAK_RATE, REACH = 192_000, 10


@dataclass(frozen=True)
class Report:
    """What a rendering measures: None is a loudness that does not exist (too short, too soft, an unknown layout)."""

    seconds: float
    loudness: float | None
    true_peak: float
    offset: float

    def __str__(self) -> str:
        loudness = "no loudness" if self.loudness is None else f"{self.loudness:.1f} LUFS"
        return f"{self.seconds:.1f} s, {loudness}, true peak {self.true_peak:.1f} dBTP"


@lru_cache(maxsize=8)
def _between(factor: int) -> NDArray[np.float64]:
    taps = firwin(2 * REACH * factor + 1, 1 / factor, window=("kaiser", 9.0))
    return np.asarray(factor * taps)


class Meter:
    """Takes pieces by `add` and reads out by `report`."""

    def __init__(self, channels: int, rate: int) -> None:
        self.rate, self.frames = rate, 0
        self.weights = WEIGHTS.get(channels)
        self.factor = -(-PEAK_RATE // rate)
        self.peak, self.total = 0.0, np.zeros(channels)
        self._weighting, self._state = k_weighting(rate), None
        self._hop, self._begun = round(rate / 10), np.zeros((channels, 0))
        self._tenths: list[float] = []
        self._before = np.zeros((channels, 2 * REACH))

    def add(self, samples: NDArray[np.floating[Any]]) -> None:
        """Go on with `samples` (channels, frames)."""
        if not samples.shape[1]:
            return
        exact = samples.astype(np.float64)
        self.frames += exact.shape[1]
        self.total += exact.sum(1)
        self._add_peak(exact)
        if self.weights is not None:
            with torch.no_grad():
                weighted, self._state = filtered(
                    torch.from_numpy(exact), self._weighting, self._state, kernels.DEFAULT
                )
            power = np.concatenate([self._begun, weighted.numpy() ** 2], axis=1)
            count = power.shape[1] // self._hop
            whole = power[:, : count * self._hop].reshape(len(power), count, self._hop).mean(2)
            self._tenths += (np.asarray(self.weights) @ whole).tolist()
            self._begun = power[:, count * self._hop :].copy()

    def _add_peak(self, samples: NDArray[np.float64]) -> None:
        heard = np.concatenate([self._before, samples], axis=1)
        self._before = heard[:, -2 * REACH :].copy()
        self.peak = max(self.peak, float(np.abs(samples).max()))
        if self.factor > 1:
            dense = upfirdn(_between(self.factor), heard, up=self.factor, axis=1)
            # where all samples that a value is read off are there
            inner = dense[:, 2 * REACH * self.factor : heard.shape[1] * self.factor]
            self.peak = max(self.peak, float(np.abs(inner).max()))

    def loudness(self) -> float | None:
        """Integrated loudness: gated blocks of 0.4 s, a new one every 0.1 s."""
        tenths = np.asarray(self._tenths)
        if tenths.size < BLOCK:
            return None
        power = np.convolve(tenths, np.full(BLOCK, 1 / BLOCK), mode="valid")
        loud = power[power > _power(ABSOLUTE_GATE)]
        if not loud.size:
            return None
        # eqs. 6 and 7
        gate = loud.mean() * 10 ** (RELATIVE_GATE / 10)
        return -0.691 + 10 * math.log10(loud[loud > gate].mean())

    def report(self) -> Report:
        """What has been measured so far; the signal is taken to be over."""
        self._add_peak(np.zeros((len(self.total), 2 * REACH)))
        return Report(
            seconds=self.frames / self.rate,
            loudness=self.loudness(),
            true_peak=20 * math.log10(self.peak) if self.peak else -math.inf,
            offset=float(np.abs(self.total).max() / max(1, self.frames)),
        )


def metered(samples: NDArray[np.floating[Any]], rate: int) -> Report:
    """What the whole of `samples` (channels, frames) measures."""
    meter = Meter(len(samples), rate)
    meter.add(samples)
    return meter.report()


def _power(loudness: float) -> float:
    """Eq. 2 turned round."""
    return float(10 ** ((loudness + 0.691) / 10))
