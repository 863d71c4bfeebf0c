"""Physical regularisers: what a circuit or a controller would not do, as numbers to keep small while training.

Conventions: of a chain as it stands, or of what its adapters add (`moves`, in fractions of the ranges); every term is a
scalar, 0 where nothing offends.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models_registry.engine.blocks import Gain, LinearBlock, Waveshaper
from models_registry.engine.chain import Chain

# from, to (Hz) and how many frequencies a response is looked at
SMOOTHNESS_GRID = (30.0, 16_000.0, 128)
# Hz, over which a group delay is the slope of the phase.
DELAY_STEP = 1.0


def _grid(rate: int) -> Tensor:
    low, high, count = SMOOTHNESS_GRID
    return torch.logspace(
        torch.log10(torch.tensor(low)).item(),
        torch.log10(torch.tensor(min(high, 0.45 * rate))).item(),
        count,
        dtype=torch.float64,
    )


def amplification(chain: Chain) -> Tensor:
    """Mean squared level above 0 dB of every linear block's response, in dB².

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
    """Mean squared second difference of every linear block's response, in (dB/octave²)².

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
    """Mean squared second difference of neighbouring control points of every learned curve.

    A semiconductor's characteristic bends once or twice; ripple from point to point is noise learned by heart.
    Straight lines cost nothing.
    """
    total = torch.zeros((), dtype=torch.float64)
    for name, block in chain.blocks.items():
        if isinstance(block, Waveshaper):
            total = total + chain.values(name)["curve"].diff(n=2).square().mean()
    return total


def delay_roughness(chain: Chain) -> Tensor:
    """Mean squared difference of neighbouring group delays of every linear block, in ms².

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
