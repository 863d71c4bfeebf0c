"""How much a listener is disturbed by what differs between two short-time spectra: the perceptual model of ITU-T P.862
without its alignment in time and without its cut-offs, smooth enough to learn from.

Conventions: `found` and `wanted` are powers of spectra (rows, steps, bins); `weights` (bands, bins) adds bins up to
bands at `centres` (Hz). Powers within are on the scale of P.862, 1 at 0 dB SPL. No gradient reaches `wanted`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.auditory import LOUDNESS_POWER, bark
from models_registry.engine.spectrogram import ENERGY_FLOOR

# Hz between which the clean speech has the mean power of SPEECH_POWER: 60 dB, 10 softer than P.862 has it, where fewer
# frames are so disturbed that nothing more is to be learned of them (r = 0.95 with the PESQ of 144 clips either way)
SPEECH_HZ, SPEECH_POWER = (350.0, 3_250.0), 1e6
# P.862 10.2: differences below this share of the softer loudness are masked
MASKED = 0.25
# P.862 10.2: what was added disturbs more than what was left out, by the ratio of powers (50 added) to the power of
# 1.2, nothing below 3, 12 at most; weighed by 0.0309 where the difference itself is weighed by 0.1
ASYMMETRY, LEAST, MOST, ADDED_SHARE = 1.2, 3.0, 12.0, 0.309
OFFSET = 50.0
# P.862 10.2: soft frames count a little more
SOFT_POWER, FULL_POWER, SOFTNESS = 1e5, 1e7, 0.04
# a frame disturbs at most so much (45 in P.862, by a cut that has no slope)
CEILING = 20.0
STILL = 1e-3


def disturbance(
    found: Tensor, wanted: Tensor, *, weights: Tensor, centres: Tensor, rate: int
) -> Tensor:
    """The root of the mean squared disturbance over the frames of each row (rows,).

    From 0.7 where nothing differs, since the root is kept smooth there, to `CEILING`.
    """
    bands = weights.T.to(found.dtype).contiguous()
    threshold = torch.pow(10.0, _quiet(centres) / 10).to(found.dtype)
    widths = torch.gradient(bark(centres))[0].to(found.dtype)
    with torch.no_grad():
        bins = torch.arange(wanted.shape[-1], device=wanted.device) * (
            rate / (2 * (wanted.shape[-1] - 1))
        )
        speech = wanted[..., (bins > SPEECH_HZ[0]) & (bins < SPEECH_HZ[1])].sum(-1)
        scale = (SPEECH_POWER / (speech.mean(1) + ENERGY_FLOOR))[:, None, None]
        clean = (wanted * scale) @ bands
        loud = _loudness(clean, threshold)
        softness = ((clean.sum(-1) + SOFT_POWER) / FULL_POWER).pow(-SOFTNESS)
    power = (found * scale) @ bands
    heard = _loudness(power, threshold)
    differing = torch.relu((heard - loud).abs() - MASKED * torch.minimum(heard, loud))
    ratio = ((power + OFFSET) / (clean + OFFSET)).pow(ASYMMETRY)
    added = torch.where(ratio < LEAST, torch.zeros_like(ratio), ratio).clamp_max(MOST)
    # the root's slope at zero is infinite
    plain = ((differing * widths).square().sum(-1) / widths.sum() + STILL).sqrt() * widths.sum()
    frames = softness * (plain + ADDED_SHARE * (differing * added * widths).sum(-1))
    frames = CEILING * -torch.expm1(-frames / CEILING)
    return (frames.square().mean(1) + STILL).sqrt()


def _quiet(frequency: Tensor) -> Tensor:
    """Threshold in quiet (dB SPL, 60 at most) at `frequency` (Hz); E. Terhardt, Hearing Research 1, 1979, eq. 1."""
    khz = frequency.clamp_min(40) / 1_000
    level = 3.64 * khz**-0.8 - 6.5 * torch.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return level.clamp_max(60)


def _loudness(power: Tensor, threshold: Tensor) -> Tensor:
    """Zwicker's loudness by band above the threshold in quiet (P.862 10.2), without its constant factor."""
    raised = (0.5 + 0.5 * torch.maximum(power, threshold) / threshold).pow(LOUDNESS_POWER)
    return (2 * threshold).pow(LOUDNESS_POWER) * (raised - 1)
