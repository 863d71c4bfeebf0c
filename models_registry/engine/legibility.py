"""How much of what a trained chain does can be read: by its named parameters alone, and by finding them again.

Conventions: clips are those of ablation.py; shares are 0 to 1, of the energy of the difference between output and
input; controls are in fractions of a parameter's range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from models_registry.engine.ablation import NOTHING, REMOVED, Clip, ablated, exactly, outputs
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips, Dataset
from models_registry.engine.polish import LeastSquares, descended

CONFIDENCE = 0.95
# what is asked of a recovery: from so far away (of the range), so often, in so many steps, to so near
AWAY, STARTS, STEPS, NEAR = 0.25, 2, 20, 0.05
# sounds that settings are found again from: enough for every band, few enough to wait for
MOST_CLIPS, SECONDS = 2, 0.25
# each is moved once in every step
MOST_NUMBERS = 250

Told = Callable[[float, str], None]


@dataclass(frozen=True)
class Explained:
    """The mean share over `n` clips, with a 95 % interval (Student t; missing for one clip)."""

    share: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Recovered:
    """How many of `count` numbers were found again within `NEAR` of their range, from each of `starts` starts, and the
    median distance that was left (fractions of the range)."""

    share: float
    median_error: float
    count: int
    starts: int


def explained(chain: Chain, clips: Sequence[Clip]) -> Explained:
    """The share of the output's change that the chain's named parameters explain, its networks kept silent.

    On each clip 1 − |y₀ − y|²/|x₀ − y|²: y is the chain's output, y₀ that of its blocks with their learned values
    alone, x₀ what comes out where no part does anything. Not below 0, where the networks only undo what the blocks did.
    Raises `EngineError` for a chain that changes nothing.
    """
    chain = exactly(chain)
    whole = outputs(chain, clips)
    idle = dict.fromkeys((*chain.blocks, *_networks(chain)), REMOVED)
    with ablated(chain, idle):
        untouched = outputs(chain, clips)
    with ablated(chain, dict.fromkeys(_networks(chain), REMOVED)):
        alone = outputs(chain, clips)
    found = []
    for y, before, after in zip(whole, untouched, alone, strict=True):
        change = float((before - y).square().sum())
        if not change > NOTHING * float(y.square().sum()):
            raise EngineError(
                "expected a chain that changes its input on every signal, found one that leaves it as it is"
            )
        found.append(max(0.0, 1 - float((after - y).square().sum()) / change))
    values = np.array(found)
    mean, n, margin = float(values.mean()), len(values), math.nan
    if n > 1:
        spread = float(values.std(ddof=1)) / math.sqrt(n)
        margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread
    low, high = np.clip([mean - margin, mean + margin], 0, 1)
    return Explained(mean, float(low), float(high), n)


def recovered(
    chain: Chain,
    clips: Sequence[Clip],
    *,
    seed: int = 0,
    told: Told = lambda share, message: None,
) -> Recovered:
    """Whether the chain's own settings, which are known, are found again from what goes in and what comes out.

    Every control of a block starts up to `AWAY` of its range off, either way, the networks as they are, and least
    squares (polish.py) leads back. Settings that trade off against each other, or that these sounds do not determine,
    are not found. Raises `EngineError` for more numbers than least squares is for, or none.
    """
    chain = exactly(chain)
    data = _own_data(chain, clips)
    squares = LeastSquares(chain, data, blocks_alone=True, most=MOST_NUMBERS)
    truth = 1 / (1 + np.exp(-squares.place()))
    draw = np.random.default_rng(seed)
    errors = []
    for number in range(STARTS):
        told(number / STARTS, f"finding settings again, start {number + 1} of {STARTS}")
        start = np.clip(truth + draw.uniform(-AWAY, AWAY, truth.size), 0.01, 0.99)
        place, _ = descended(squares, np.log(start / (1 - start)), STEPS)
        errors.append(np.abs(1 / (1 + np.exp(-place)) - truth))
    every = np.array(errors)
    return Recovered(float((every < NEAR).mean()), float(np.median(every)), int(truth.size), STARTS)


def _networks(chain: Chain) -> list[str]:
    return [f"adapter {n}" for n in range(1, len(chain.adapters) + 1)]


def _own_data(chain: Chain, clips: Sequence[Clip]) -> Dataset:
    frames = min(round(SECONDS * chain.rate), *(one.signal.shape[-1] for one in clips))
    # of each the loudest stretch: an item may begin in silence
    dry = torch.stack([_loudest(one.signal, frames) for one in clips[:MOST_CLIPS]])
    with torch.no_grad():
        wet, _ = chain.aligned(dry)
    both = Clips(dry, wet)
    return Dataset(both, both, chain.rate, 0, False)


def _loudest(signal: torch.Tensor, frames: int) -> torch.Tensor:
    """The loudest `frames` of one channel (1, frames)."""
    one = signal[:1]
    energy = one[0].square().cumsum(0)
    sums = energy[frames - 1 :] - torch.cat([energy.new_zeros(1), energy[: len(energy) - frames]])
    start = int(sums.argmax())
    return one[:, start : start + frames]
