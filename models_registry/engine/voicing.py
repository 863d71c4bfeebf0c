"""The period of a voice in noise, and how much of each band repeats with it, from power spectra alone.

Conventions: power spectra (..., bins) of windowed frames, transformed to `points` samples; periods in samples. What
repeats in a frame shows as a peak of its autocorrelation, the transform of its power spectrum (Wiener, Khinchin).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d

# Hz of the harmonics that tell the period
PITCH_HZ = (40.0, 1_000.0)
# candidates, evenly spaced in octaves
CANDIDATES = 112
# Each harmonic counts by its level over what lies this near (Hz), to this power: no noise of any colour, and no single
# formant, decides.
AROUND_HZ, COMPRESSION = 300.0, 0.33
# a window that covers less of itself a period later tells nothing of it
COVERED = 0.2
SILENCE = 1e-12


class Periods:
    """Candidates from `lowest` to `highest` Hz for frames of `size` samples under a Hann window."""

    def __init__(self, rate: int, size: int, points: int, lowest: float, highest: float) -> None:
        self.points = points
        step = rate / points
        self.first, self.last = (max(1, round(edge / step)) for edge in PITCH_HZ)
        self.around = 2 * max(1, round(AROUND_HZ / step / 2)) + 1
        places = torch.linspace(
            math.log2(lowest), math.log2(highest), CANDIDATES, dtype=torch.float64
        )
        self.samples = rate / torch.pow(2.0, places)
        bins = torch.arange(self.first, self.last + 1, dtype=torch.float64)
        self.turns = torch.cos(2 * math.pi / points * bins[:, None] * self.samples)
        window = torch.hann_window(size, dtype=torch.float64)
        alone = torch.fft.irfft(torch.fft.rfft(window, 2 * size).abs().square())
        later = alone[self.samples.round().long().clamp_max(size - 1)] / alone[0]
        self.scale = later.clamp_min(COVERED).rsqrt()

    def score(self, power: Tensor) -> Tensor:
        """How well each candidate (rows, steps, candidates) fits `power`, float64: about 1 at best, 0 for noise."""
        power = power[..., : self.last + self.around]
        near = avg_pool1d(power, self.around, 1, self.around // 2, count_include_pad=False)
        flat = (power / (near + SILENCE)).pow(COMPRESSION)[..., self.first : self.last + 1].double()
        score = (flat - flat.mean(-1, keepdim=True)) @ self.turns * self.scale
        return score / (flat.sum(-1, keepdim=True) + SILENCE)

    def of(self, score: Tensor) -> Tensor:
        """The periods (rows, steps) in samples at the largest `score`, by the parabola through it and its
        neighbours."""
        best = score.argmax(-1, keepdim=True).clamp(1, CANDIDATES - 2)
        before, middle, after = (score.gather(-1, best + side) for side in (-1, 0, 1))
        bend = before - 2 * middle + after
        aside = torch.where(bend < 0, (before - after) / (2 * bend.clamp_max(-SILENCE)), 0.0)
        ratio = self.samples[1] / self.samples[0]
        periods = self.samples[best] * ratio ** aside.clamp(-0.5, 0.5)
        return periods[..., 0]


def repeating(power: Tensor, periods: Tensor, weights: Tensor, points: int) -> Tensor:
    """How much of each band (rows, steps, bands) repeats after `periods` (rows, steps), −1 to 1; `weights` (bins,
    bands)."""
    bins = torch.arange(power.shape[-1], dtype=power.dtype)
    turned = torch.cos(2 * math.pi / points * periods.to(power.dtype)[..., None] * bins)
    return ((power * turned) @ weights) / (power @ weights + SILENCE)
