"""What the ear makes of a sound: excitation with spreading, masking threshold, specific loudness, modulation.

Conventions: signals are tensors (rows, frames of samples); patterns are (rows, frames, bands), as power, where 1
stands for 0 dB SPL; a sine of full scale has `full_scale` dB SPL. Bands are even in Bark from 80 Hz on, frames are 43
ms long and overlap by half. Everything is differentiable: features for adapters, losses and views may be made of it.
ITU-R BS.1387-2 annex 2, section 2.1 (the ear of PEAQ's basic version), at any rate, in any number of bands.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from models_registry.engine.contract import EngineError

FULL_SCALE = 92.0
LOWEST, HIGHEST = 80.0, 18_000.0
# 2.1.5: no band holds less than this
LEAST = 1e-12
SPREADING = 0.4
# 3.3: loudness grows with excitation to this power
LOUDNESS_POWER, LOUDNESS_SCALE = 0.23, 1.07664
# centres (Hz) of the octaves in which fluctuations are told apart; speech lives around 4 Hz
MODULATIONS = (2.0, 4.0, 8.0)


def bark(frequency: Tensor) -> Tensor:
    """Bark as BS.1387 counts them (eq. 8; Schroeder's formula)."""
    return 7 * torch.asinh(frequency / 650)


def weighting(frequency: Tensor) -> Tensor:
    """Power gain of the outer and middle ear at `frequency` (Hz, above 0), eq. 7."""
    khz = frequency.double() / 1_000
    level = (
        -2.184 * khz.pow(-0.8) + 6.5 * torch.exp(-0.6 * (khz - 3.3).square()) - 1e-3 * khz.pow(3.6)
    )
    return torch.pow(10.0, level / 10)


class Scale(NamedTuple):
    """What follows from the rate and the width of a band."""

    size: int
    window: Tensor
    weights: Tensor
    centres: Tensor
    noise: Tensor
    step: float
    smearing: Tensor


@lru_cache(maxsize=8)
def scale(rate: int, step: float = 0.25, full_scale: float = FULL_SCALE) -> Scale:
    """The bands `step` Bark wide at `rate` Hz, up to 18 kHz or half the rate."""
    if not 8_000 <= rate <= 192_000:
        raise EngineError(f"expected a rate from 8000 to 192000 Hz, found {rate}")
    size = 2 * round(rate * 1_024 / 48_000)
    ends = bark(torch.tensor([LOWEST, min(HIGHEST, rate / 2)], dtype=torch.float64))
    count = math.ceil((ends[1] - ends[0]).item() / step - 1e-9)
    places = torch.cat([ends[0] + step * torch.arange(count, dtype=torch.float64), ends[1:]])
    edges = 650 * torch.sinh(places / 7)
    centres = 650 * torch.sinh((places[1:] + places[:-1]) / 14)
    width = rate / size
    bins = width * torch.arange(size // 2 + 1, dtype=torch.float64)[:, None]
    share = torch.minimum(edges[1:], bins + width / 2) - torch.maximum(edges[:-1], bins - width / 2)
    ear = weighting(bins[1:])
    weights = (share / width).clamp_min(0) * torch.cat([torch.zeros_like(ear[:1]), ear])
    # 2.1.3: the peak that the nearest bin shows of a sine of 1019.5 Hz has the playback level
    place = 1_019.5 * size / rate
    off = abs(place - round(place)) * (size - 1) / size
    peak = float(torch.sinc(torch.tensor(off, dtype=torch.float64))) / (1 - off**2) * (size - 1) / 4
    window = torch.hann_window(size, periodic=False, dtype=torch.float64)
    times = 0.008 + 100 / centres * (0.030 - 0.008)
    return Scale(
        size,
        window * (10 ** (full_scale / 20) / peak),
        weights,
        centres,
        torch.pow(10.0, 0.1456 * (centres / 1_000).pow(-0.8)),
        step,
        torch.exp(-size / 2 / (rate * times)),
    )


def band_power(signal: Tensor, by: Scale) -> Tensor:
    """Power (rows, frames, bands) behind outer and middle ear of `signal` (rows, samples), 2.1.3 to 2.1.5."""
    if signal.shape[-1] < by.size:
        raise EngineError(f"expected at least {by.size} samples, found {signal.shape[-1]}")
    spectra = torch.fft.rfft(signal.double().unfold(-1, by.size, by.size // 2) * by.window)
    power = spectra.real.square() + spectra.imag.square()
    return (power @ by.weights).clamp_min(LEAST)


def _spread(power: Tensor, by: Scale) -> Tensor:
    """`power` (…, bands) smeared over the bands, not yet normalised (2.1.7)."""
    count = len(by.centres)
    band = torch.arange(count, dtype=torch.float64)
    lower = 10 ** (-2.7 * by.step)
    # the slope upwards is the flatter, the louder the band
    falling = (-2.4 - 23 / by.centres + 0.2 * torch.log10(power)) * by.step
    upper = torch.pow(10.0, falling)
    area = (1 - lower ** (band + 1)) / (1 - lower)
    area = area + (1 - upper.pow(count - band)) / (1 - upper) - 1
    own = (power / area).pow(SPREADING)
    distance = band[:, None] - band
    # from each band (last but one axis) to every other (last axis)
    down = lower ** (SPREADING * (-distance.T).clamp_min(0))
    decades = SPREADING * falling[..., :, None] * distance.T.clamp_min(0)
    share = torch.where(distance.T > 0, torch.pow(10.0, decades), down)
    return (own[..., None, :] @ share).squeeze(-2).pow(1 / SPREADING)


def excitation(power: Tensor, by: Scale) -> Tensor:
    """The excitation of each frame by itself: with the ear's own noise, and spread (2.1.6, 2.1.7)."""
    return _spread(power + by.noise, by) / _spread(torch.ones_like(by.centres), by)


def smeared(pattern: Tensor, by: Scale) -> Tensor:
    """An excitation as it dies away over frames: forward masking (2.1.8)."""
    decaying, state = [], torch.zeros_like(pattern[..., 0, :])
    for frame in pattern.unbind(-2):
        state = by.smearing * state + (1 - by.smearing) * frame
        decaying.append(state)
    return torch.maximum(torch.stack(decaying, -2), pattern)


def masked_threshold(pattern: Tensor, by: Scale) -> Tensor:
    """The power below which something else is not heard beside an excitation (2.1.9)."""
    place = by.step * torch.arange(len(by.centres), dtype=torch.float64)
    return pattern * torch.pow(10.0, -torch.maximum(torch.tensor(3.0), by.step * place) / 10)


def specific_loudness(pattern: Tensor, by: Scale) -> Tensor:
    """Loudness in sone per Bark of an excitation (3.3, eqs. 58 to 60; Zwicker's formula)."""
    khz = by.centres / 1_000
    index = -2 - 2.05 * torch.atan(khz / 4) - 0.75 * torch.atan((khz / 1.6).square())
    share = torch.pow(10.0, index / 10)
    quiet = torch.pow(10.0, 0.364 * khz.pow(-0.8))
    factor = LOUDNESS_SCALE * (quiet / (share * 1e4)).pow(LOUDNESS_POWER)
    above = (1 - share + share * pattern / quiet).pow(LOUDNESS_POWER) - 1
    return factor * above.clamp_min(0)


def loudness(pattern: Tensor, by: Scale) -> Tensor:
    """Loudness (…, frames) in sone of an excitation: specific loudness summed up over Bark."""
    return 24 * specific_loudness(pattern, by).mean(-1)


def modulation_span(rate: int) -> int:
    """Samples at `rate` Hz of which `modulation` can be told: two periods of the slowest of `MODULATIONS`."""
    size = scale(rate).size
    return size + (math.ceil(2 * (2 * rate / size) / MODULATIONS[0]) - 1) * (size // 2)


def modulation(pattern: Tensor, by: Scale, *, rate: int) -> Tensor:
    """How much each band of `pattern` (rows, frames, bands) fluctuates in octaves around `MODULATIONS`: the root of the
    fluctuating power over the mean (rows, bands, octaves), for a sinusoidal one of depth m, m / √2."""
    frames = pattern.shape[-2]
    pace = 2 * rate / by.size
    if frames * MODULATIONS[0] < 2 * pace:
        raise EngineError(
            f"expected at least {math.ceil(2 * pace / MODULATIONS[0])} frames, found {frames}"
        )
    envelope = pattern.sqrt().transpose(-1, -2)
    mean = envelope.mean(-1, keepdim=True)
    window = torch.hann_window(frames, dtype=torch.float64)
    spectrum = torch.fft.rfft((envelope - mean) * window)
    power = spectrum.real.square() + spectrum.imag.square()
    # Parseval: bins but the first stand for two
    power = 2 * power / (frames * window.square().sum())
    at = torch.arange(power.shape[-1], dtype=torch.float64) * pace / frames
    octaves = torch.stack(
        [(at >= f / math.sqrt(2)) & (at < f * math.sqrt(2)) for f in MODULATIONS], dim=1
    )
    return ((power @ octaves.double()) + LEAST).sqrt() / mean
