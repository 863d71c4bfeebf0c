"""Who does what a chain does: each part's share, by Shapley's value.

Shapley, A Value for n-Person Games, 1953; for the parts of networks: Ghorbani & Zou, Neuron Shapley, 2020. What parts
do only together is counted to all of them, and the shares add up to one. Parts are those of ablation.py.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models_registry.engine.ablation import (
    CONFIDENCE,
    NOTHING,
    REMOVED,
    Clip,
    Progress,
    ablated,
    exactly,
    outputs,
    parts_of,
)
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError

# all of the 2^n sets of parts are rendered up to here, random orders of them beyond
EXACT_UP_TO = 6
ORDERS = 24


@dataclass(frozen=True)
class Share:
    """A part's Shapley share of what the chain does to its input (all shares add up to 1), with a 95 % interval over
    `n` clips (missing for one clip)."""

    part: str
    share: float
    low: float
    high: float
    n: int


def shares(
    chain: Chain,
    clips: Sequence[Clip],
    *,
    seed: int = 0,
    progress: Progress = lambda share, message: None,
) -> list[Share]:
    """Each part's Shapley share of what the chain does to its input, the largest first.

    The worth of a set of parts is how much of the difference between the whole chain's output and its input (energy)
    is gone when these parts alone are at work: 0 for none, 1 for all, below 0 where they lead away. Exact up to
    `EXACT_UP_TO` parts, else over `ORDERS` random orders and their reverses. Raises `EngineError` where the chain
    changes nothing.
    """
    chain = exactly(chain)
    parts = parts_of(chain)
    worth = _Worth(chain, clips, parts)
    if len(parts) <= EXACT_UP_TO:
        found = _exact(worth, len(parts), progress)
    else:
        found = _by_orders(worth, len(parts), seed, progress)
    mean = found.mean(axis=1)
    n = found.shape[1]
    margin = np.full(len(parts), np.nan)
    if n > 1:
        spread = found.std(axis=1, ddof=1) / math.sqrt(n)
        margin = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * spread
    table = [
        Share(part, float(m), float(m - d), float(m + d), n)
        for part, m, d in zip(parts, mean, margin, strict=True)
    ]
    return sorted(table, key=lambda one: -one.share)


class _Worth:
    """The worth of a set of parts on each clip (clips,), each set rendered once."""

    def __init__(self, chain: Chain, clips: Sequence[Clip], parts: list[str]) -> None:
        self.chain, self.clips, self.parts = chain, clips, parts
        self.whole = outputs(chain, clips)
        self.known: dict[frozenset[int], NDArray[np.float64]] = {}
        self.scale = np.ones(len(clips))
        self.scale = self._distance(frozenset())
        energy = np.array([float(one.square().sum()) for one in self.whole])
        if not (self.scale > NOTHING * energy).all():
            raise EngineError(
                "expected a chain that changes its input on every signal, found one that leaves it as it is"
            )

    def __call__(self, active: frozenset[int]) -> NDArray[np.float64]:
        if active not in self.known:
            self.known[active] = 1 - self._distance(active) / self.scale
        return self.known[active]

    def _distance(self, active: frozenset[int]) -> NDArray[np.float64]:
        idle = {part: REMOVED for place, part in enumerate(self.parts) if place not in active}
        with ablated(self.chain, idle):
            rest = outputs(self.chain, self.clips)
        return np.array(
            [float((a - b).square().sum()) for a, b in zip(rest, self.whole, strict=True)]
        )


def _exact(worth: _Worth, count: int, progress: Progress) -> NDArray[np.float64]:
    """Shapley's sum over all sets: (parts, clips)."""
    found = np.zeros((count, len(worth.clips)))
    sets = [frozenset(s) for r in range(count) for s in itertools.combinations(range(count), r)]
    for number, active in enumerate(sets):
        progress(number / len(sets), f"{len(active)} of {count} parts at work")
        weight = 1 / (count * math.comb(count - 1, len(active)))
        for part in set(range(count)) - active:
            found[part] += weight * (worth(active | {part}) - worth(active))
    return found


def _by_orders(worth: _Worth, count: int, seed: int, progress: Progress) -> NDArray[np.float64]:
    """The mean over random orders of what each part adds when it comes: (parts, clips)."""
    draw = np.random.default_rng(seed)
    found = np.zeros((count, len(worth.clips)))
    for number in range(ORDERS):
        progress(number / ORDERS, f"order {number + 1} of {ORDERS}")
        order = draw.permutation(count)
        # an order and its reverse together err less (Mitchell et al., Sampling Permutations for Shapley Values, 2022)
        for one in (order, order[::-1]):
            active: frozenset[int] = frozenset()
            for part in map(int, one):
                found[part] += worth(active | {part}) - worth(active)
                active |= {part}
    return found / (2 * ORDERS)
