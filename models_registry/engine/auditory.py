"""Bands on the ear's frequency scale, for losses and monitors.

Conventions: frequencies in Hz; the ERB-rate scale counts equivalent rectangular bandwidths (Cams). Signals are tensors
(..., frames).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

LOWEST, HIGHEST = 50.0, 15_000.0


def erb_rate(frequency: Tensor) -> Tensor:
    """Cams at `frequency` (Glasberg, Moore, Hearing Research 47, 1990, eq. 4)."""
    return 21.4 * torch.log10(1 + 0.00437 * frequency)


def frequency_of(cams: Tensor) -> Tensor:
    """The inverse of `erb_rate`."""
    return (torch.pow(10.0, cams / 21.4) - 1) / 0.00437


def centres(rate: int, bands: int) -> Tensor:
    """`bands` frequencies (Hz) evenly spaced in Cams from 50 Hz to 15 kHz or 0.45 of the rate."""
    ends = erb_rate(torch.tensor([LOWEST, min(HIGHEST, 0.45 * rate)], dtype=torch.float64))
    return frequency_of(torch.linspace(ends[0].item(), ends[1].item(), bands, dtype=torch.float64))


@lru_cache(maxsize=16)
def band_weights(rate: int, size: int, bands: int) -> Tensor:
    """Weights (bands, size / 2 + 1) of a transform's bins: triangles in Cams that add to 1 at every bin."""
    grid = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
    places = erb_rate(centres(rate, bands))
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
