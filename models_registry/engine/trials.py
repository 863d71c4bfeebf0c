"""One trial of a search: a recipe trained with a seed, what it cost, and how much of it can be read.

Conventions: as in search.py; cost is processor seconds per second of sound on this machine, the least of several goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models_registry.engine import ablation, checkpoints, shapley
from models_registry.engine.chain import Chain
from models_registry.engine.material import data_of
from models_registry.engine.recipe import Recipe
from models_registry.engine.search import (
    COST,
    DONE,
    INTERPRETABILITY,
    PARTS,
    PRUNED,
    QUALITY,
    RUNNING,
)
from models_registry.engine.training import train

# what is timed: long enough for every window, short enough to be tried often
SECONDS, GOES = 1.0, 5
# clips over which shares are taken, and how much of each
CLIPS, CLIP_SECONDS = 4, 1.0

Told = Callable[[float, str], None]
# after each validation: the history so far, and what of the chain is known before it is trained
Judge = Callable[[tuple[tuple[int, float], ...], dict[str, float]], bool]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: done, pruned, or still running where it was asked to stop (its checkpoint is kept)."""

    state: str
    values: dict[str, float]
    history: tuple[tuple[int, float], ...]


def attempt(
    recipe: Recipe,
    *,
    seed: int,
    objectives: Sequence[str],
    directory: Path,
    begun: Sequence[tuple[int, float]] = (),
    hopeless: Judge = lambda history, known: False,
    progress: Told = lambda share, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train `recipe` in `directory`, from its checkpoint there, whose history so far is `begun`; `hopeless` is asked
    after each validation whether to give it up. Raises `EngineError` or `AudioError` where it cannot be followed."""
    with checkpoints.one_thread():
        known = known_before(Chain.from_spec(recipe.chain), objectives)
    history = list(begun)
    given_up = False

    def told(share: float, message: str, row: object) -> None:
        nonlocal given_up
        progress(share, message)
        if isinstance(row, dict) and "step" in row and row["step"] not in dict(history):
            history.append((row["step"], row[f"validation_{recipe.measure}"]))
            given_up = hopeless(tuple(history), known)

    result = train(
        recipe,
        seed=seed,
        directory=directory,
        progress=told,
        should_stop=lambda: given_up or should_stop(),
    )
    every = tuple((row["step"], row[f"validation_{recipe.measure}"]) for row in result.history)
    if result.stopped:
        return Outcome(PRUNED if given_up else RUNNING, known, every)
    assert result.validation is not None
    values = {**known, QUALITY: result.validation}
    if INTERPRETABILITY in objectives:
        values[INTERPRETABILITY] = readable(result.chain, recipe, seed=seed)
    return Outcome(DONE, values, every)


def known_before(chain: Chain, objectives: Sequence[str]) -> dict[str, float]:
    """What of `chain` is known before it is trained: how many parts, networks and learned numbers it has, and its cost
    where that is an objective."""
    found = {
        PARTS: float(len(ablation.parts_of(chain))),
        "networks": float(len(chain.adapters)),
        "numbers": float(sum(one.numel() for one in chain.parameters() if one.requires_grad)),
    }
    return found | ({COST: cost(chain)} if COST in objectives else {})


def cost(chain: Chain) -> float:
    """Processor seconds per second of one channel of noise (full scale −20 dB), the least of five goes."""
    draw = torch.Generator().manual_seed(0)
    sound = 0.1 * torch.randn(1, 1, round(SECONDS * chain.rate), generator=draw)
    least = float("inf")
    with torch.no_grad(), checkpoints.one_thread():
        chain(sound)
        for _ in range(GOES):
            began = time.process_time()
            chain(sound)
            least = min(least, time.process_time() - began)
    return least / SECONDS


def readable(chain: Chain, recipe: Recipe, *, seed: int) -> float:
    """The share of what `chain` does to its test clips that is done by its blocks, whose parameters have names and
    units, and not by its networks: 1 less the networks' Shapley shares, within 0 to 1."""
    if not chain.adapters:
        return 1.0
    data = data_of(recipe, seed=seed)
    frames = data.skip + round(CLIP_SECONDS * recipe.chain["rate"])
    clips = [
        ablation.Clip(one.signal[..., :frames], None, one.condition, one.judged)
        for one in ablation.clips_of(data, most=CLIPS)
    ]
    networks = sum(
        one.share for one in shapley.shares(chain, clips) if one.part.startswith("adapter ")
    )
    return min(1.0, max(0.0, 1.0 - networks))
