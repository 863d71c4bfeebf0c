"""The best linear filter is least squares' (numpy.linalg.lstsq on the written-out system)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from models_registry.engine.baseline import fit_fir, linear_baseline
from models_registry.engine.data import Clips, Dataset

from .cast import noise

SKIP, TAPS = 50, 12


def clips(seed=0, distortion=0.0):
    dry = noise(4, 1, 400, seed=seed)
    wet = lfilter([0.1, -0.7, 0.3], [1.0, -0.2], dry, axis=-1) + distortion * dry**3 + 0.05
    return Clips(torch.from_numpy(dry), torch.from_numpy(wet.astype(np.float32)))


@pytest.mark.parametrize("remove_mean", [False, True])
def test_the_filter_is_the_least_squares_solution(remove_mean):
    given = clips(distortion=3.0)
    rows, targets = [], []
    for dry, wet in zip(given.dry[:, 0].numpy(), given.wet[:, 0].numpy(), strict=True):
        delayed = np.stack(
            [np.concatenate([np.zeros(k), dry[: dry.size - k]]) for k in range(TAPS)]
        )
        block, target = delayed[:, SKIP:].T.astype(np.float64), wet[SKIP:].astype(np.float64)
        if remove_mean:
            block, target = block - block.mean(0), target - target.mean()
        rows.append(block)
        targets.append(target)
    expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets))[0]
    found = fit_fir(given, taps=TAPS, skip=SKIP, remove_mean=remove_mean)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_linear_device_leaves_nothing():
    data = Dataset(clips(0), clips(1), 44_100, SKIP, True)
    assert linear_baseline(data, taps=TAPS) < 1e-9
