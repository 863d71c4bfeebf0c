"""What training minimises: error of the waveform, of the spectrogram, and of physics.

Conventions: signals are tensors (..., frames); the estimate comes first, the target second; every term is a scalar
without unit, 0 when the estimate equals the target (or, for smoothness, when the response is flat).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.auditory import (
    band_energy,
    excitation_level,
    masked_threshold,
    specific_loudness,
)
from models_registry.engine.blocks import Gain, LinearBlock, Waveshaper
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.spectrogram import ENERGY_FLOOR, Distance, magnitudes, spectra

# Error below the floor is noise that no parameter explains; with an absolute floor a noisy target ruins training.
LOG_FLOOR = 0.02
# s and bands in which hearing is held against adapters
FRAME_S, CAMS = 0.032, 40
SMOOTHNESS_GRID = (30.0, 16_000.0, 128)
# Hz, over which a group delay is the slope of the phase.
DELAY_STEP = 1.0


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


def long_term_distance(estimate: Tensor, target: Tensor, *, rate: int, bands: int = 40) -> Tensor:
    """Mean squared difference of long-term levels by band, in (10 dB)²: for signals that are not of the same
    programme."""
    size = _size(target)
    with torch.no_grad():
        wanted = band_energy(target, rate=rate, bands=bands, size=size).mean((0, 2))
        floor = 1e-7 * wanted.max() + ENERGY_FLOOR
    found = band_energy(estimate, rate=rate, bands=bands, size=size).mean((0, 2))
    return torch.log10((found + floor) / (wanted + floor)).square().mean()


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


def delay_roughness(chain: Chain) -> Tensor:
    """Physical regulariser: mean squared difference of neighbouring group delays of every linear block, in ms².

    A delay that is the same at all frequencies costs nothing; energy smeared in time at some of them does.
    """
    grid = _grid(chain.rate)
    total = torch.zeros((), dtype=torch.float64)
    for name, block in chain.blocks.items():
        if isinstance(block, LinearBlock):
            values = chain.values(name)
            turned = block.response(values, grid + DELAY_STEP) * block.response(values, grid).conj()
            delay = -1_000 * torch.angle(turned) / (2 * torch.pi * DELAY_STEP)
            total = total + delay.diff().square().mean()
    return total


def departure(chain: Chain) -> Tensor:
    """Sparsity: mean distance of the learned controls from where they started, so that what need not move stays."""
    moved = [
        (control - start).abs().reshape(-1)
        for name in chain.blocks
        for key, control in chain.controls(name).items()
        if (start := chain.starts.get(f"{name}.{key}")) is not None
    ]
    return torch.cat(moved).mean()


def restlessness(moves: Mapping[str, Tensor]) -> Tensor:
    """Mean squared change of what adapters add from one value to the next, in fractions of the ranges."""
    if not moves:
        return torch.zeros((), dtype=torch.float64)
    along = [move.diff(dim=2) for move in moves.values()]
    return torch.stack([change.square().mean() for change in along]).sum()


def effort(moves: Mapping[str, Tensor]) -> Tensor:
    """Mean square of what adapters add, in fractions of the ranges: the less they do, the more the blocks explain."""
    if not moves:
        return torch.zeros((), dtype=torch.float64)
    return torch.stack([move.square().mean() for move in moves.values()]).sum()


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
    "dc",
    "long_term",
    "passivity",
    "group_delay",
    "sparsity",
    "control_rate",
    "authority",
    "hearing",
)
