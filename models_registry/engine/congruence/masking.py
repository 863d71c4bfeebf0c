"""How much of an error is not heard: its share below the threshold that the wanted sound masks.

Conventions: signals are (channels, frames), the estimate first, the target second; power behind outer and middle ear
by band and frame (see `ear`), at a level where a sine of full scale has `ear.FULL_SCALE` dB SPL. An error in a band and
frame counts as masked where its power is below the threshold there (ITU-R BS.1387-2 annex 2, 2.1.9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine import ear
from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]

# Bark; finer bands only cost time
STEP = 0.5
RESAMPLES = 1_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Masking:
    """The share of the error's energy, and of its time-frequency cells, below the masked threshold, 0 to 1; intervals
    by resampling clips (None for fewer than three); the noise-to-mask ratio in dB; and by band (centres in Hz) the mean
    levels of error and threshold in dB SPL and the share of the energy that is masked there."""

    energy: float
    energy_low: float | None
    energy_high: float | None
    cells: float
    cells_low: float | None
    cells_high: float | None
    noise_to_mask: float
    clips: int
    centres: tuple[float, ...]
    error_level: tuple[float, ...]
    threshold_level: tuple[float, ...]
    by_band: tuple[float, ...]


def masking(pairs: Sequence[tuple[Tensor, Tensor]], *, rate: int, seed: int = 0) -> Masking:
    """What of the errors of `pairs` (estimate, target) is masked; raises `EngineError` where there is no error."""
    if not pairs:
        raise EngineError("expected at least one output with its target, found none")
    by = ear.scale(rate, STEP)
    sums = [_sums(estimate, target, by) for estimate, target in pairs]
    error, masked, threshold = (np.stack([one[k] for one in sums]) for k in range(3))
    cells = np.array([[one[3], one[4], one[5]] for one in sums])
    if not error.sum() > len(pairs) * len(by.centres) * 2 * ear.LEAST * cells[:, 1].sum():
        raise EngineError("expected outputs that differ from their targets, found none that do")
    energy = np.stack([masked.sum(1), error.sum(1)], axis=1)
    ends = _interval(energy, seed)
    cell_ends = _interval(cells[:, :2], seed)
    frames = cells[:, 1].sum() / len(by.centres)
    return Masking(
        energy=_ratio(energy),
        energy_low=ends[0],
        energy_high=ends[1],
        cells=_ratio(cells[:, :2]),
        cells_low=cell_ends[0],
        cells_high=cell_ends[1],
        noise_to_mask=float(10 * np.log10(cells[:, 2].sum() / cells[:, 1].sum())),
        clips=len(pairs),
        centres=tuple(by.centres.tolist()),
        error_level=_levels(error.sum(0) / frames),
        threshold_level=_levels(threshold.sum(0) / frames),
        by_band=tuple((masked.sum(0) / np.maximum(error.sum(0), ear.LEAST)).tolist()),
    )


def _sums(
    estimate: Tensor, target: Tensor, by: ear.Scale
) -> tuple[Array, Array, Array, float, float, float]:
    """By band: energy of the error, of what of it is masked, of the threshold; cells that are masked, all cells, and
    the sum of noise-to-mask ratios over all."""
    if estimate.shape != target.shape:
        raise EngineError(
            f"expected output and target of one shape, found {tuple(estimate.shape)} and {tuple(target.shape)}"
        )
    with torch.no_grad():
        power = ear.band_power((estimate - target).double(), by)
        pattern = ear.smeared(ear.excitation(ear.band_power(target.double(), by), by), by)
        threshold = ear.masked_threshold(pattern, by)
        below = power < threshold
        return (
            power.sum((0, 1)).numpy(),
            (power * below).sum((0, 1)).numpy(),
            threshold.sum((0, 1)).numpy(),
            float(below.sum()),
            float(below.numel()),
            float((power / threshold).sum()),
        )


def _ratio(parts: Array) -> float:
    return float(parts[:, 0].sum() / parts[:, 1].sum())


def _interval(parts: Array, seed: int) -> tuple[float | None, float | None]:
    """Percentiles of the ratio of sums over resampled rows."""
    if len(parts) < 3:
        return None, None
    drawn = np.random.default_rng(seed).integers(len(parts), size=(RESAMPLES, len(parts)))
    sums = parts[drawn].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _levels(power: Array) -> tuple[float, ...]:
    return tuple((10 * np.log10(np.maximum(power, ear.LEAST))).tolist())
