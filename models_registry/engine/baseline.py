"""The best linear filter: what a trained chain has to beat.

Conventions: the filter is causal, `taps` long at the data's rate, fitted by least squares (the covariance
method) to the judged part of all training clips together; the figure is the error-to-signal ratio.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.signal import fftconvolve

from models_registry.engine.data import Clips, Dataset

# −100 dB of the input's energy: a clip without energy at some frequency leaves that tap undetermined.
RIDGE = 1e-10


def fit_fir(clips: Clips, *, taps: int, skip: int, remove_mean: bool) -> NDArray[np.float64]:
    """Impulse response (taps,) that least squares gives for wet from dry; frames before a clip count as silent."""
    dry = clips.dry[:, 0].double().numpy()
    wet = clips.wet[:, 0, skip:].double().numpy()
    count = wet.shape[1]
    padded = np.pad(dry, ((0, 0), (taps, 0)))
    correlation = np.empty((taps, taps))
    cross = np.empty(taps)
    for lag in range(taps):
        delayed = padded[:, taps + skip - lag : taps + skip - lag + count]
        correlation[0, lag] = np.vdot(padded[:, taps + skip : taps + skip + count], delayed)
        cross[lag] = np.vdot(wet, delayed)
    correlation[:, 0] = correlation[0]
    # moving both delays by one gains the frame before the judged part and loses its last
    before = padded[:, taps + skip - taps : taps + skip][:, ::-1]
    last = padded[:, skip + count : taps + skip + count][:, ::-1]
    edge = before.T @ before - last.T @ last
    for lag in range(1, taps):
        correlation[lag, 1:] = correlation[lag - 1, :-1] + edge[lag - 1, :-1]
    if remove_mean:
        sums = np.stack(
            [padded[:, taps + skip - k : taps + skip - k + count].sum(1) for k in range(taps)]
        )
        correlation -= sums @ sums.T / count
        cross -= sums @ wet.sum(1) / count
    correlation[np.diag_indices(taps)] += RIDGE * correlation[0, 0]
    return solve(correlation, cross, assume_a="pos")


def linear_baseline(data: Dataset, *, taps: int = 512) -> float:
    """Error-to-signal ratio on the test clips of the FIR filter fitted to the training clips."""
    impulse = fit_fir(data.train, taps=taps, skip=data.skip, remove_mean=data.remove_mean)
    dry = data.test.dry[:, 0].double().numpy()
    estimate = fftconvolve(dry, impulse[None], axes=1)[:, data.skip : dry.shape[1]]
    target = data.judged(data.test.wet)[:, 0].double().numpy()
    if data.remove_mean:
        estimate = estimate - estimate.mean(1, keepdims=True)
    return float(np.sum((estimate - target) ** 2) / np.sum(target**2))
