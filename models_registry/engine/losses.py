"""What training minimises: error of the waveform, of the spectrogram, and of physics.

Conventions: signals are tensors (..., frames); the estimate comes first, the target second; every term is a scalar
without unit, 0 when the estimate equals the target (or, for smoothness, when the response is flat).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models_registry.engine.auditory import band_energy
from models_registry.engine.blocks import Gain, LinearBlock, Waveshaper
from models_registry.engine.chain import Chain

# Error below the floor is noise that no parameter explains; with an absolute floor a noisy target ruins training.
LOG_FLOOR = 0.02
# Below −120 dB full scale a target holds nothing to compare with.
ENERGY_FLOOR = 1e-12
SMOOTHNESS_GRID = (30.0, 16_000.0, 128)


def error_to_signal(estimate: Tensor, target: Tensor) -> Tensor:
    """Energy of the error over energy of the target (ESR), over all signals together.

    Damskägg, Juvela, Thuillier, Välimäki, ICASSP 2019, eq. 9, without pre-emphasis.
    """
    return (estimate - target).square().sum() / (target.square().sum() + ENERGY_FLOOR)


def _magnitude(signal: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, dtype=signal.dtype)
    spectrum = torch.stft(
        signal.reshape(-1, signal.shape[-1]),
        size,
        size // 4,
        window=window,
        center=False,
        return_complex=True,
    )
    # the square root's slope at zero is infinite
    power = spectrum.real.square() + spectrum.imag.square()
    return power.clamp_min(ENERGY_FLOOR).sqrt()


def spectral_distance(estimate: Tensor, target: Tensor, *, sizes: Sequence[int]) -> Tensor:
    """Multi-resolution STFT loss: spectral convergence plus mean log-magnitude difference, averaged over `sizes`.

    Yamamoto, Song, Kim, ICASSP 2020, eqs. 4 to 7; Hann windows of `sizes` samples, hop a quarter, no padding. The log
    term is floored at `LOG_FLOOR` of the target's largest magnitude.
    """
    total = estimate.new_zeros(())
    for size in sizes:
        with torch.no_grad():
            wanted = _magnitude(target, size)
            floor = LOG_FLOOR * wanted.max()
        found = _magnitude(estimate, size)
        convergence = torch.linalg.norm(wanted - found) / torch.linalg.norm(wanted)
        difference = torch.log((found + floor) / (wanted + floor)).abs().mean()
        total = total + convergence + difference
    return total / len(sizes)


def band_distance(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean difference of log energy in bands of the ear's scale, in units of 10 dB.

    The ear adds energy within a band, so phase within it does not count. Floored like `spectral_distance`.
    """
    size = min(2_048, 2 ** (target.shape[-1].bit_length() - 1))
    with torch.no_grad():
        wanted = band_energy(target, rate=rate, bands=bands, size=size)
        floor = LOG_FLOOR**2 * wanted.max() + ENERGY_FLOOR
    found = band_energy(estimate, rate=rate, bands=bands, size=size)
    return torch.log10((found + floor) / (wanted + floor)).abs().mean()


def _grid(rate: int) -> Tensor:
    low, high, count = SMOOTHNESS_GRID
    return torch.logspace(
        torch.log10(torch.tensor(low)).item(),
        torch.log10(torch.tensor(min(high, 0.45 * rate))).item(),
        count,
        dtype=torch.float64,
    )


def amplification(chain: Chain) -> Tensor:
    """Physical regulariser: mean squared level above 0 dB of every linear block's response, in dB².

    A network of resistors, coils and capacitors returns no more energy than it gets; only a gain may amplify, and it
    costs nothing here.
    """
    total = torch.zeros((), dtype=torch.float64)
    for name, block in chain.blocks.items():
        if isinstance(block, LinearBlock) and not isinstance(block, Gain):
            level = 20 * torch.log10(block.response(chain.values(name), _grid(chain.rate)).abs())
            total = total + torch.relu(level).square().mean()
    return total


def response_roughness(chain: Chain) -> Tensor:
    """Physical regulariser: mean squared second difference of every linear block's response, in (dB/octave²)².

    Tone circuits are smooth over an octave; resonances that only fit noise in the training clips are not.
    Straight slopes and level cost nothing.
    """
    grid = _grid(chain.rate)
    step = torch.log2(grid[1] / grid[0])
    total = torch.zeros((), dtype=torch.float64)
    for name, block in chain.blocks.items():
        if isinstance(block, LinearBlock):
            level = 20 * torch.log10(block.response(chain.values(name), grid).abs())
            total = total + (level.diff(n=2) / step**2).square().mean()
    return total


def curve_roughness(chain: Chain) -> Tensor:
    """Physical regulariser: mean squared second difference of neighbouring control points of every learned curve.

    A semiconductor's characteristic bends once or twice; ripple from point to point is noise learned by heart.
    Straight lines cost nothing.
    """
    total = torch.zeros((), dtype=torch.float64)
    for name, block in chain.blocks.items():
        if isinstance(block, Waveshaper):
            total = total + chain.values(name)["curve"].diff(n=2).square().mean()
    return total
