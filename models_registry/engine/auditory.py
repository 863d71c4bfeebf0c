"""Bands on the ear's frequency scale, for losses and monitors.

Conventions: frequencies in Hz; the ERB-rate scale counts equivalent rectangular bandwidths (Cams). Signals are tensors
(..., frames).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

LOWEST, HIGHEST = 50.0, 15_000.0
# Specific loudness grows with excitation to this power (Zwicker, Fastl, Psychoacoustics, 3rd ed., 2007, eq. 8.4).
LOUDNESS_POWER = 0.23
SILENCE = 1e-8


def erb_rate(frequency: Tensor) -> Tensor:
    """Cams at `frequency` (Glasberg, Moore, Hearing Research 47, 1990, eq. 4)."""
    return 21.4 * torch.log10(1 + 0.00437 * frequency)


def frequency_of(cams: Tensor) -> Tensor:
    """The inverse of `erb_rate`."""
    return (torch.pow(10.0, cams / 21.4) - 1) / 0.00437


def bark(frequency: Tensor) -> Tensor:
    """Critical-band rate at `frequency` (Zwicker, Terhardt, J. Acoust. Soc. Am. 68(5), 1980, eq. 1)."""
    return 13 * torch.atan(0.76e-3 * frequency) + 3.5 * torch.atan((frequency / 7_500).square())


# BS.1770-5 annex 1, tables 1 and 2: the K-weighting at 48 kHz, as sections b0 b1 b2 a1 a2
K_WEIGHTING = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621),
)


def k_weighting(rate: int) -> Tensor:
    """The sections (2, 5) of BS.1770's K-weighting at `rate` Hz: those of the standard at 48 kHz, elsewhere the same
    analogue filters under the bilinear transform."""
    r = (48_000 - rate) / (48_000 + rate)
    # z at 48 kHz is (z + r) / (1 + r z) at the other rate
    powers = torch.tensor(
        [[1, 2 * r, r * r], [r, 1 + r * r, r], [r * r, 2 * r, 1]], dtype=torch.float64
    )
    given = torch.tensor(K_WEIGHTING, dtype=torch.float64)
    b = given[:, :3] @ powers
    a = torch.cat([torch.ones(2, 1, dtype=torch.float64), given[:, 3:]], dim=1) @ powers
    return torch.cat([b, a[:, 1:]], dim=1) / a[:, :1]


def centres(rate: int, bands: int, highest: float = HIGHEST) -> Tensor:
    """`bands` frequencies (Hz) evenly spaced in Cams from 50 Hz to `highest` or 0.45 of the rate."""
    ends = erb_rate(torch.tensor([LOWEST, min(highest, 0.45 * rate)], dtype=torch.float64))
    return frequency_of(torch.linspace(ends[0].item(), ends[1].item(), bands, dtype=torch.float64))


@lru_cache(maxsize=16)
def band_weights(rate: int, size: int, bands: int, highest: float = HIGHEST) -> Tensor:
    """Weights (bands, size / 2 + 1) of a transform's bins: triangles in Cams that add to 1 at every bin."""
    grid = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
    places = erb_rate(centres(rate, bands, highest))
    step = places[1] - places[0]
    at = ((erb_rate(grid) - places[0]) / step).clamp(0, bands - 1)
    return (1 - (at[None] - torch.arange(bands)[:, None]).abs()).clamp_min(0)


def band_energy(signal: Tensor, *, rate: int, bands: int, size: int = 2_048) -> Tensor:
    """Energy (rows, bands, frames) of the Hann-windowed spectra of `signal`, hop a quarter of `size`."""
    spectrum = torch.stft(
        signal.reshape(-1, signal.shape[-1]),
        size,
        size // 4,
        window=torch.hann_window(size, dtype=signal.dtype),
        center=False,
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()
    return band_weights(rate, size, bands).to(power.dtype) @ power


@lru_cache(maxsize=16)
def spreading(rate: int, bands: int) -> Tensor:
    """Factors (bands, bands) by which the energy of each band (column) excites every other (row).

    Schroeder, Atal, Hall, J. Acoust. Soc. Am. 66(6), 1979: the level at a distance in Bark.
    """
    places = bark(centres(rate, bands))
    distance = places[:, None] - places[None] + 0.474
    level = 15.81 + 7.5 * distance - 17.5 * torch.sqrt(1 + distance.square())
    return torch.pow(10.0, level / 10)


def masked_threshold(energy: Tensor, *, rate: int) -> Tensor:
    """Energy below which an error is not heard beside `energy` (rows, bands, frames) of a signal.

    Johnston, IEEE J. Sel. Areas Commun. 6(2), 1988, for a masker that is a tone, the careful case: 14.5 dB and one
    more per Bark below the excitation.
    """
    bands = energy.shape[1]
    offset = 14.5 + bark(centres(rate, bands)).clamp_min(0)
    excitation = spreading(rate, bands).to(energy.dtype) @ energy
    return excitation * torch.pow(10.0, -offset / 10).to(energy.dtype)[:, None]


def excitation_level(signal: Tensor, *, rate: int, bands: int, size: int) -> Tensor:
    """Decades (rows, bands, frames) by which `signal` excites each band above silence, 80 dB below full scale."""
    energy = band_energy(signal, rate=rate, bands=bands, size=size)
    # a Hann window has a mean square of 3/8
    power = 2 * energy / (0.375 * size**2)
    return torch.log10(spreading(rate, bands).to(power.dtype) @ power / SILENCE + 1)


def specific_loudness(energy: Tensor, *, rate: int) -> Tensor:
    """Loudness by band, in units that leave the level of full scale open, of `energy` (rows, bands, frames)."""
    excitation = spreading(rate, energy.shape[1]).to(energy.dtype) @ energy
    # the root's slope at zero is infinite
    return (excitation + 1e-9).pow(LOUDNESS_POWER)
