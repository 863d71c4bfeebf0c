"""Planted cues: the right answer is known, because all but one tile of the signal is kept from the chain.

What the chain hears is one tile of noise, and the method is asked about the whole noise: its top-ranked tile has to be
that one (compare Yang, Kim, Benchmarking Attribution Methods with Relative Feature Importance, 2019). All tiles are as
loud for their width, so that the noise itself does not tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from models_registry.engine.contract import EngineError
from models_registry.engine.explain.methods import explain
from models_registry.engine.explain.plane import Plane, Tiles
from models_registry.engine.explain.question import Question
from models_registry.engine.explain.target import Energy

CASES = 10
SECONDS = 1.0
BANDS, STEPS = 8, 5
TILES = BANDS * STEPS
# what is to be found, and how sure one is
WANTED, CONFIDENCE = 0.95, 0.95

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Planted:
    """In how many of `cases` the top-ranked tile was the cue, and the 95 % interval of the share (Wilson)."""

    found: int
    cases: int
    low: float
    high: float

    @property
    def passed(self) -> bool:
        return self.found >= WANTED * self.cases


def tally(found: int, cases: int) -> Planted:
    """With its interval."""
    interval = stats.binomtest(found, cases).proportion_ci(CONFIDENCE, method="wilson")
    return Planted(found, cases, float(interval.low), float(interval.high))


def planted(
    question: Question,
    method: str,
    *,
    cases: int = CASES,
    seed: int = 0,
    progress: Progress = lambda share, message: None,
) -> Planted:
    """How often `method` finds the one tile that the question's chain hears, in noise as loud as the question's signal.

    Asked is about the energy of the output, or about the move that the question is about.
    """
    chain = question.chain
    frames = round(SECONDS * chain.rate)
    tiles = Tiles.over(Plane(chain.rate, frames), bands=BANDS, steps=STEPS)
    level = question.signal.square().mean().sqrt().item()
    target = question.target
    if not target.of_moves:
        target = Energy(chain.rate, 0, chain.rate / 2, 0, math.inf)
    draw = np.random.default_rng(seed)
    right = 0
    for number in range(cases):
        progress(number / cases, f"planted cue {number + 1} of {cases}")
        # the lowest band may be below what a chain passes, the highest above
        cue = int(draw.integers(1, tiles.shape[0] - 1)), int(draw.integers(tiles.shape[1]))
        noise = level * torch.from_numpy(draw.normal(size=(question.signal.shape[0], frames)))
        asked = replace(question, signal=noise, target=target, front=hole(tiles, cue))
        try:
            map_ = explain(asked, method, tiles=tiles).tiles
        except EngineError:
            continue
        ranked = np.abs(map_) if target.of_moves else map_
        right += int(ranked.argmax()) == cue[0] * tiles.shape[1] + cue[1]
    return tally(right, cases)


def hole(tiles: Tiles, cue: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """Lets through the tile `cue` of a signal, and nothing else."""
    mask = np.zeros(tiles.shape)
    mask[cue] = 1
    let = tiles.spread(mask)
    return lambda signal: tiles.plane.signal(tiles.plane.spectra(signal) * let)
