"""What training minimises: error of the waveform, of the spectrogram, and of what is heard.

Conventions: signals are tensors (..., frames); the estimate comes first, the target second; every term is a scalar
without unit, 0 when the estimate equals the target. What physics wants besides is in `regularisers`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from models_registry.engine import ear, kernels
from models_registry.engine.auditory import (
    band_energy,
    excitation_level,
    masked_threshold,
    specific_loudness,
)
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.spectrogram import ENERGY_FLOOR, Distance, magnitudes, spectra

# Error below the floor is noise that no parameter explains; with an absolute floor a noisy target ruins training.
LOG_FLOOR = 0.02
# s and bands in which hearing is held against adapters
FRAME_S, CAMS = 0.032, 40


def error_to_signal(estimate: Tensor, target: Tensor) -> Tensor:
    """Energy of the error over energy of the target (ESR), over all signals together.

    Damskägg, Juvela, Thuillier, Välimäki, ICASSP 2019, eq. 9, without pre-emphasis.
    """
    return (estimate - target).square().sum() / (target.square().sum() + ENERGY_FLOOR)


def _rows(signal: Tensor) -> Tensor:
    return signal.reshape(-1, signal.shape[-1])


def spectral_distance(
    estimate: Tensor,
    target: Tensor,
    *,
    sizes: Sequence[int],
    floor: float = LOG_FLOOR,
    backend: str = kernels.DEFAULT,
) -> Tensor:
    """Multi-resolution STFT loss: spectral convergence plus mean log-magnitude difference, averaged over `sizes`.

    Yamamoto, Song, Kim, ICASSP 2020, eqs. 4 to 7; Hann windows of `sizes` samples, hop a quarter, no padding. The log
    term is floored at `floor` of the target's largest magnitude; 0 is the paper's.
    """
    rows = _rows(estimate), _rows(target)
    total: Tensor = Distance.apply(*rows, sizes, floor, backend)  # type: ignore[no-untyped-call]
    return total / len(sizes)


def band_distance(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean difference of log energy in bands of the ear's scale, in units of 10 dB.

    The ear adds energy within a band, so phase within it does not count. Floored like `spectral_distance`.
    """
    size = _size(target)
    with torch.no_grad():
        wanted = band_energy(target, rate=rate, bands=bands, size=size)
        floor = LOG_FLOOR**2 * wanted.max() + ENERGY_FLOOR
    found = band_energy(estimate, rate=rate, bands=bands, size=size)
    return torch.log10((found + floor) / (wanted + floor)).abs().mean()


def absolute_error(estimate: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error over mean absolute target."""
    return (estimate - target).abs().mean() / (target.abs().mean() + ENERGY_FLOOR)


def scale_invariant_error(estimate: Tensor, target: Tensor) -> Tensor:
    """Energy of what is not the target at any level, over that of what is: the inverse of SI-SDR's ratio.

    Le Roux, Wisdom, Erdogan, Hershey, SDR: Half-Baked or Well Done?, ICASSP 2019, eq. 3.
    """
    scale = (estimate * target).sum(-1, keepdim=True) / (
        target.square().sum(-1, keepdim=True) + ENERGY_FLOOR
    )
    aimed = scale * target
    error = (estimate - aimed).square().sum(-1)
    return (error / (aimed.square().sum(-1) + ENERGY_FLOOR)).mean()


def complex_distance(estimate: Tensor, target: Tensor, *, sizes: Sequence[int]) -> Tensor:
    """Mean distance of complex spectra over mean magnitude of the target's, averaged over `sizes`: phase counts."""
    total = estimate.new_zeros(())
    for size in sizes:
        with torch.no_grad():
            wanted = magnitudes(spectra(_rows(target), size)).mean()
        total = total + magnitudes(spectra(_rows(estimate - target), size)).mean() / wanted
    return total / len(sizes)


def offset(estimate: Tensor, target: Tensor) -> Tensor:
    """Squared difference of means over the target's mean square."""
    difference = estimate.mean(-1) - target.mean(-1)
    return difference.square().mean() / (target.square().mean() + ENERGY_FLOOR)


def _size(target: Tensor) -> int:
    return int(min(2_048, 2 ** (target.shape[-1].bit_length() - 1)))


def loudness_distance(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean difference of specific loudness over the target's mean, by band and frame."""
    size = _size(target)
    with torch.no_grad():
        energy = band_energy(target, rate=rate, bands=bands, size=size)
        wanted = specific_loudness(energy, rate=rate)
    found = specific_loudness(band_energy(estimate, rate=rate, bands=bands, size=size), rate=rate)
    return (found - wanted).abs().mean() / wanted.mean()


def audible_error(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean of log10(1 + energy of the error over the threshold that the target masks): what is masked costs little."""
    size = _size(target)
    with torch.no_grad():
        energy = band_energy(target, rate=rate, bands=bands, size=size)
        threshold = masked_threshold(energy, rate=rate) + LOG_FLOOR**4 * energy.max() + ENERGY_FLOOR
    error = band_energy(estimate - target, rate=rate, bands=bands, size=size)
    return torch.log10(1 + error / threshold).mean()


def modulation_distance(estimate: Tensor, target: Tensor, *, rate: int) -> Tensor:
    """Mean difference of how much each band, a Bark wide, fluctuates about its mean at 2, 4 and 8 Hz, the octaves in
    which speech does; over the mean of the target's. Level counts by how far bands spread, and near the threshold.

    The envelopes are the excitation of ITU-R BS.1387-2, their fluctuation that of `ear.modulation`. Raises
    `EngineError` for less than a second.
    """
    by = ear.scale(rate, step=1.0)
    with torch.no_grad():
        pattern = ear.excitation(ear.band_power(_rows(target), by), by)
        wanted = ear.modulation(pattern, by, rate=rate)
    pattern = ear.excitation(ear.band_power(_rows(estimate), by), by)
    found = ear.modulation(pattern, by, rate=rate)
    return (found - wanted).abs().mean() / (wanted.mean() + ENERGY_FLOOR)


def long_term_distance(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean squared difference of long-term levels by band, in (10 dB)²: for signals that are not of the same
    programme."""
    size = _size(target)
    with torch.no_grad():
        wanted = band_energy(target, rate=rate, bands=bands, size=size).mean((0, 2))
        floor = 1e-7 * wanted.max() + ENERGY_FLOOR
    found = band_energy(estimate, rate=rate, bands=bands, size=size).mean((0, 2))
    return torch.log10((found + floor) / (wanted + floor)).square().mean()


def unlike_hearing(chain: Chain, signal: Tensor) -> Tensor:
    """Perceptual regulariser: 1 less the linear CKA of what each adapter makes of `signal` with its excitation levels,
    averaged over the adapters that listen; 0 where the hidden units are the ear's pattern, turned and scaled.

    S. Kornblith et al., ICML 2019, eq. 3. Raises `EngineError` for a chain whose adapters hear no signal.
    """
    size = min(_size(signal), 2 ** round(math.log2(FRAME_S * chain.rate)))
    with torch.no_grad():
        pattern = excitation_level(signal, rate=chain.rate, bands=CAMS, size=size).transpose(1, 2)
        middles = size / 2 + torch.arange(pattern.shape[1]) * (size // 4)
    distances = []
    for adapter in chain.adapters:
        hidden = adapter.insight(signal)  # type: ignore[operator]
        if hidden is not None:
            # the step in the middle of which each frame has its own
            steps = ((middles + adapter.span / 2) / adapter.hop - 1).round().long()  # type: ignore[operator]
            units = hidden[:, steps.clamp(0, hidden.shape[1] - 1)]
            distances.append(1 - _alignment(units, pattern.to(units.dtype)))
    if not distances:
        raise EngineError("loss.hearing: expected a chain with an adapter that listens, found none")
    return torch.stack(distances).mean()


def _alignment(a: Tensor, b: Tensor) -> Tensor:
    """Linear CKA of (rows, steps, units) and (rows, steps, bands) over all rows together."""
    a, b = (one.flatten(0, 1) - one.flatten(0, 1).mean(0) for one in (a, b))
    scale = (a.T @ a).square().sum().sqrt() * (b.T @ b).square().sum().sqrt()
    return (a.T @ b).square().sum() / (scale + ENERGY_FLOOR)


# The terms that a recipe may weigh beside those that every recipe has.
OPTIONAL_TERMS = (
    "band_gain",
    "bin_gain",
    "disturbance",
    "l1",
    "si_sdr",
    "complex_stft",
    "erb",
    "loudness",
    "audible",
    "modulation",
    "dc",
    "long_term",
    "passivity",
    "group_delay",
    "sparsity",
    "control_rate",
    "authority",
    "hearing",
)
