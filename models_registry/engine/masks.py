"""Objectives of levels by band that an adapter sets, from spectra alone: many times faster than through sounds.

Conventions: powers are (rows, steps, bins), levels in dB (rows, steps, bands); every term is a scalar without unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models_registry.engine.auditory import LOUDNESS_POWER
from models_registry.engine.blocks import FramedBlock, SpectralGains
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.disturbance import CEILING, disturbance
from models_registry.engine.rules import power_of
from models_registry.engine.spectrogram import ENERGY_FLOOR

# Magnitudes as the ear compresses them; −80 dB of the clip is silence.
BIN_POWER, BIN_FLOOR = 0.3, 1e-4


@dataclass(frozen=True)
class Masked:
    """Powers (rows, steps, bins) of noisy and clean clips by a chain's block of gains, and the levels that its adapter
    sets in dB (rows, steps, bands): what is learned from without a sound, many times faster than through spectra."""

    block: SpectralGains
    heard: Tensor
    wanted: Tensor
    level: Tensor

    @cached_property
    def factors(self) -> Tensor:
        """What each bin's magnitude is multiplied by, between its two bands."""
        return torch.pow(10.0, self.level / 20) @ self.block.weights.to(self.level.dtype)


def masked(chain: Chain, noisy: Tensor, clean: Tensor, *, emphasis: float = 1.0) -> Masked:
    """What the terms `band_gain`, `bin_gain` and `disturbance` compare: the levels in dB divided by `emphasis`.

    Who is unsure says the mean of what might be right and so leaves noise; what was learned as the mean may be played
    with emphasis.

    Raises `EngineError` for a chain without spectral gains that an adapter moves, or with more before them than one
    block of the same frames.
    """
    name, block = next(
        ((name, one) for name, one in chain.blocks.items() if isinstance(one, SpectralGains)),
        ("", None),
    )
    moves = chain.moves(noisy)
    if block is None or f"{name}.gains" not in moves:
        raise EngineError(
            "loss.band_gain, bin_gain or disturbance: expected a chain with a block of kind 'spectral-gains' whose "
            "gains an adapter moves, found none"
        )
    heard, late = _before(chain, name, block, moves, noisy)
    level = moved(chain, name, moves)["gains"].flatten(0, 1)
    level = level[:, late + block.ahead : late + block.ahead + heard.shape[1]] / emphasis
    with torch.no_grad():
        wanted = power_of(block.spectra(clean))[:, : level.shape[1]]
    return Masked(block, heard[:, : level.shape[1]], wanted, level)


def moved(chain: Chain, name: str, moves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The physical values of the block `name` with what adapters add to them."""
    controls = {
        key: (control.to(offset.dtype) + offset).clamp(0, 1)
        if (offset := moves.get(f"{name}.{key}")) is not None
        else control
        for key, control in chain.controls(name).items()
    }
    return chain.blocks[name].physical(controls)


def _before(
    chain: Chain, name: str, gains: SpectralGains, moves: Mapping[str, Tensor], noisy: Tensor
) -> tuple[Tensor, int]:
    """Power (rows, steps, bins) of what reaches the block `name`, and by how many frames it is late there.

    Another block of short-time spectra ahead of it is followed from frame to frame without a sound between.
    """
    earlier = list(chain.blocks)[: list(chain.blocks).index(name)]
    if not earlier:
        with torch.no_grad():
            return power_of(gains.spectra(noisy)), 0
    first = chain.blocks[earlier[0]]
    alike = isinstance(first, FramedBlock) and (first.size, first.hop) == (gains.size, gains.hop)
    if len(earlier) > 1 or not alike:
        raise EngineError(
            f"loss.band_gain, bin_gain or disturbance: expected at most one block before '{name}', of short-time "
            f"spectra with the same window and overlap, found {', '.join(earlier)}"
        )
    assert isinstance(first, FramedBlock)
    made, _ = first.made(first.frames(noisy), moved(chain, earlier[0], moves), None)
    ahead = (first.outlet.latency + 1 - first.size) // first.hop
    # a sample less than whole frames, which no band notices
    return power_of(made[:, ahead:]), round(first.outlet.latency / first.hop)


def band_gain_distance(of: Masked) -> Tensor:
    """Mean squared difference of compressed band magnitudes, between what the chain's level per band makes of the noisy
    and the clean, over the mean square of the clean ones.

    The power is Zwicker's for loudness, 0.23 of energy.
    """
    shares = of.block.shares.T.to(of.level.dtype)
    heard = of.heard @ shares
    with torch.no_grad():
        compressed = (of.wanted @ shares + ENERGY_FLOOR).pow(LOUDNESS_POWER)
        weight = compressed.square().mean((1, 2), keepdim=True)
    found = (heard * torch.pow(10.0, of.level / 10) + ENERGY_FLOOR).pow(LOUDNESS_POWER)
    return ((found - compressed).square() / weight).mean()


def bin_gain_distance(of: Masked) -> Tensor:
    """As `band_gain_distance`, of every bin of the spectrum by itself with the gain that it gets between its two bands,
    and of magnitudes to the power 0.3 relative to the clean clip's effective value.

    S. Braun, I. Tashev, A Consolidated View of Loss Functions for Supervised Deep Learning-Based Speech Enhancement,
    TSP 2021 (compressed magnitudes, levels taken out). A gain per band then learns what is best for all its bins,
    harmonics and the noise between them.
    """
    with torch.no_grad():
        scale = of.wanted.mean((1, 2), keepdim=True) + ENERGY_FLOOR
        wanted = (of.wanted / scale + BIN_FLOOR**2).pow(BIN_POWER / 2)
        weight = wanted.square().mean()
    heard = (of.heard / scale + BIN_FLOOR**2).pow(BIN_POWER / 2)
    return (heard * of.factors.pow(BIN_POWER) - wanted).square().mean() / weight


def disturbance_distance(of: Masked) -> Tensor:
    """Mean disturbance of a listener by what the chain's level per band leaves of the noise and takes from the clean, 0
    to about 1: the full scale of `disturbance`, whose model is that of ITU-T P.862.

    J. M. Martín-Doñas et al., A Deep Learning Loss Function Based on the Perceptual Evaluation of the Speech Quality,
    IEEE Signal Process. Lett. 25(11), 2018.
    """
    block = of.block
    found = disturbance(
        of.heard * of.factors.square(),
        of.wanted,
        weights=block.weights,
        centres=block.centres,
        rate=block.rate,
    )
    return found.mean() / CEILING
