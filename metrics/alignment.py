"""How a degraded signal lies to its reference: lag, gain, polarity and drift, estimated and, where asked, undone.

Conventions: signals are (channels, frames) in −1…1 at one rate. The estimate reads the mean of the channels (of
channels that cancel, the strongest) of the first two minutes. Only the lag is ever undone, by whole samples: the
signals are cut to what they share and never interpolated, stretched or amplified, so that whatever is compared is
what was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import theilslopes

from metrics.contract import MetricError, Status
from models_registry.audio import SILENCE_PEAK

Array = NDArray[np.float64]
Samples = NDArray[np.floating[Any]]

# The beginning tells how the whole lies; an hour's spectrum would fill the memory.
MOST_S = 120
# A degraded signal that correlates less at its best lag is, by more than half of its power, something else: neural
# codecs that make every wave anew come to 0.1…0.6, at lags that mean nothing; others to 0.8 and more.
LEAST_CORRELATION = 0.7
# Drift is read off pieces of this length, and needs some of them to be told from noise.
PIECE_S, LEAST_PIECES = 1.0, 4
# A clock that is further off than this is another recording; pieces are searched no further than it could shift them.
MOST_DRIFT = 1e-3
# A piece that correlates less says nothing of time.
LEAST_PIECE_CORRELATION = 0.5
# Pieces that lie further (samples) off the common line do not tell of a clock: codecs shift tones by whole periods.
MOST_ASTRAY = 0.5


@dataclass(frozen=True)
class Alignment:
    """What would have to be done to the reference to lie under the degraded signal.

    lag: samples by which the degraded signal comes later.
    gain_db: its level over the reference's, of the part that correlates.
    polarity: 1 or −1.
    drift_ppm: how much slower it runs; None where the signals are too short or too different to tell.
    correlation: 0…1, of the two where they overlap, once aligned.
    """

    lag: int
    gain_db: float
    polarity: int
    drift_ppm: float | None
    correlation: float


def estimate(reference: Samples, degraded: Samples, rate: int) -> Alignment | None:
    """Return how `degraded` lies to `reference`, or None where one is silent in what they share."""
    x, y = (_one_channel(signal[:, : MOST_S * rate]) for signal in (reference, degraded))
    lag = _lag(x, y)
    x, y = x[max(-lag, 0) :], y[max(lag, 0) :]
    x, y = x[: len(y)], y[: len(x)]
    power, product = float(x @ x), float(x @ y)
    if min(power, float(y @ y)) <= len(x) * SILENCE_PEAK**2 or product == 0:
        return None
    return Alignment(
        lag=lag,
        gain_db=20 * float(np.log10(abs(product) / power)),
        polarity=1 if product > 0 else -1,
        drift_ppm=_drift(x, y, rate),
        correlation=abs(product) / float(np.sqrt(power * (y @ y))),
    )


def can_be_told(alignment: Alignment | None) -> bool:
    """Return whether the signals have enough in common for their lag to mean anything."""
    return alignment is not None and alignment.correlation >= LEAST_CORRELATION


def aligned(
    reference: Samples, degraded: Samples, alignment: Alignment | None
) -> tuple[Samples, Samples]:
    """Return the parts of both signals that lie under each other, of equal length.

    Raises `MetricError` where the signals have too little in common to be aligned.
    """
    if alignment is None or not can_be_told(alignment):
        found = "silence" if alignment is None else f"{alignment.correlation:.2g}"
        raise MetricError(
            f"expected signals that correlate by {LEAST_CORRELATION:g} or more once aligned, found {found}",
            Status.MISMATCH,
        )
    lag = alignment.lag
    x, y = reference[:, max(-lag, 0) :], degraded[:, max(lag, 0) :]
    shared = min(x.shape[1], y.shape[1])
    return x[:, :shared], y[:, :shared]


def _one_channel(signal: Samples) -> Array:
    mean = signal.mean(axis=0, dtype=np.float64)
    if np.ptp(mean) / 2 >= SILENCE_PEAK:
        return mean
    return np.asarray(signal[np.argmax((signal**2).sum(axis=1))], dtype=np.float64)


def _correlation(x: Array, y: Array) -> Array:
    """Return Σ x[n]·y[n + lag] for lags −len(x) + 1 … len(y) − 1."""
    size = next_fast_len(len(x) + len(y) - 1, real=True)
    # Single precision finds the same peak in half the time.
    spectra = [rfft(signal.astype(np.float32), size) for signal in (x, y)]
    product = irfft(np.conj(spectra[0]) * spectra[1], size)
    return np.concatenate([product[size - len(x) + 1 :], product[: len(y)]])


def _lag(x: Array, y: Array) -> int:
    """Return the lag (samples) at which the signals correlate most, the smallest of several."""
    lags = np.arange(-len(x) + 1, len(y))
    # Less than half of the shorter one says nothing of the whole.
    shared = np.minimum(len(x), len(y) - lags) - np.maximum(0, -lags)
    strength = np.abs(_correlation(x, y))
    strength[shared < min(len(x), len(y)) / 2] = 0
    best = np.flatnonzero(strength >= strength.max() * (1 - 1e-5))
    return int(lags[best[np.argmin(np.abs(lags[best]))]])


def _drift(x: Array, y: Array, rate: int) -> float | None:
    """Return the slope of the pieces' lags over time in parts per million, if they lie on a line."""
    size = round(PIECE_S * rate)
    reach = int(np.ceil(MOST_DRIFT * len(x))) + 1
    around = np.pad(y, reach)
    starts = np.arange(0, len(x) - size + 1, size)
    shifts = np.array(
        [_shift(x[n : n + size], around[n : n + size + 2 * reach]) - reach for n in starts]
    )
    told = ~np.isnan(shifts)
    if np.count_nonzero(told) < LEAST_PIECES:
        return None
    starts, shifts = starts[told], shifts[told]
    slope, intercept, *_ = theilslopes(shifts, starts)
    astray = float(np.median(np.abs(shifts - intercept - slope * starts)))
    return 1e6 * float(slope) if astray <= MOST_ASTRAY and abs(slope) <= MOST_DRIFT else None


def _shift(piece: Array, around: Array) -> float:
    """Return where in `around`, to a fraction of a sample, `piece` lies; NaN where it is not to be found."""
    strength = np.abs(_correlation(piece, around)[len(piece) - 1 : len(around)])
    best = int(np.argmax(strength))
    under = around[best : best + len(piece)]
    energy = float(np.sqrt((piece @ piece) * (under @ under)))
    if (
        not 0 < best < len(strength) - 1
        or energy <= len(piece) * SILENCE_PEAK**2
        or strength[best] < LEAST_PIECE_CORRELATION * energy
    ):
        return np.nan
    before, peak, after = strength[best - 1 : best + 2].astype(np.float64)
    return best + (before - after) / (2 * (before - 2 * peak + after))
