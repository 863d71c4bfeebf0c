"""The fundamental frequency of one voice or instrument, frame by frame, and how sure that is.

A. de Cheveigné, H. Kawahara, YIN, a fundamental frequency estimator for speech and music, JASA 111(4), 2002: the
equations and steps are those of the paper.

Conventions: frames are tensors (..., samples), each judged by itself, anchored at its newest sample. Frequencies are in
Hz; aperiodicity is 0 for what repeats exactly and about 1 for noise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models_registry.engine.contract import EngineError

# Step 4: the first dip that is deep enough, so that no multiple of the period is taken for it.
THRESHOLD = 0.1
# s over which differences are summed up (the paper's 25 ms): more than one period of any voice
WINDOW_S = 0.025
# s: signals are smoothed before periods are looked for, as in the paper (which takes twice that), so that sharp pulses
# are found between samples
SMOOTHING_S = 0.0005
# −100 dB of full scale: what is softer has no pitch; nor has a sound that fell by 20 dB within the frame: it has ended
SILENCE, ENDED = 1e-10, 1e-2


class Pitch(NamedTuple):
    """Fundamental frequency (Hz) and aperiodicity (0 to about 1) of each frame."""

    frequency: Tensor
    aperiodicity: Tensor


class Yin:
    """Pitch from `lowest` to `highest` Hz at `rate` Hz; `size` samples make a frame."""

    def __init__(self, rate: int, *, lowest: float = 60.0, highest: float = 1_000.0) -> None:
        if not 0 < lowest < highest <= rate / 4:
            raise EngineError(
                f"pitch: expected 0 < lowest < highest of at most a quarter of {rate} Hz, "
                f"found {lowest:g} to {highest:g} Hz"
            )
        self.rate, self.lowest, self.highest = rate, lowest, highest
        self.window = round(WINDOW_S * rate)
        self.longest, self.shortest = math.ceil(rate / lowest) + 1, math.floor(rate / highest) - 1
        self.smoothed = max(1, round(SMOOTHING_S * rate))
        needed = self.window + self.longest + 1
        self.size = needed + self.smoothed - 1
        self.points = 2 ** (2 * needed - 1).bit_length()

    def difference(self, frames: Tensor) -> Tensor:
        """d(τ) (eq. 6, summed backwards from the newest sample) for τ of 0 to `longest` + 1: (..., longest + 2)."""
        sums = torch.nn.functional.pad(frames.double().flip(-1).cumsum(-1), (1, 0))
        newest_first = (sums[..., self.smoothed :] - sums[..., : -self.smoothed]) / self.smoothed
        head = newest_first[..., : self.window]
        count = self.longest + 2
        product = torch.fft.rfft(head, n=self.points).conj()
        product = product * torch.fft.rfft(newest_first, n=self.points)
        correlation = torch.fft.irfft(product, n=self.points)[..., :count]
        sums = torch.nn.functional.pad(newest_first.square().cumsum(-1), (1, 0))
        energy = sums[..., self.window : self.window + count] - sums[..., :count]
        return (energy[..., :1] + energy - 2 * correlation).clamp_min(0)

    def __call__(self, frames: Tensor) -> Pitch:
        """The pitch of `frames` (..., size)."""
        if frames.shape[-1] != self.size:
            raise EngineError(
                f"pitch: expected frames of {self.size} samples, found {frames.shape[-1]}"
            )
        raw = self.difference(frames)
        lags = torch.arange(raw.shape[-1], dtype=torch.float64)
        loud = raw.new_tensor(SILENCE * self.window)
        # eq. 8
        means = raw[..., 1:].cumsum(-1) / lags[1:]
        dips = torch.nn.functional.pad(raw[..., 1:] / (means + loud), (1, 0), value=1.0)
        inner = dips[..., self.shortest : -1]
        least = (inner <= dips[..., self.shortest - 1 : -2]) & (
            inner < dips[..., self.shortest + 1 :]
        )
        deep = least & (inner < THRESHOLD)
        first = torch.where(
            deep.any(-1),
            deep.to(torch.int8).argmax(-1),
            torch.where(least, inner, inner + 2).argmin(-1),
        )
        at = (first + self.shortest)[..., None]
        # step 5, on d itself as the paper's appendix wants it: the mean's slope would draw the dip aside
        before, middle, after = (raw.gather(-1, at + side)[..., 0] for side in (-1, 0, 1))
        bend = before - 2 * middle + after
        shift = torch.where(bend > 0, (before - after) / (2 * bend.clamp_min(1e-300)), 0.0)
        period = at[..., 0] + shift.clamp(-1, 1)
        power = frames.double().square()
        least_power = (ENDED * power.mean(-1)).clamp_min(SILENCE)
        silent = power[..., -self.window :].mean(-1) < least_power
        aperiodicity = torch.where(silent, 1.0, dips.gather(-1, at)[..., 0].clamp(0, 1))
        return Pitch((self.rate / period).clamp(self.lowest, self.highest), aperiodicity)
