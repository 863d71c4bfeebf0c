"""Explanations: whether they find what was planted, how far deletion beats chance, what is lost, what it costs.

python -m tests.benchmarks.bench_explaining

Wanted are the cue in the top-ranked tile in 95 % of cases, deletion curves 5 standard errors better than random orders,
at most 1 % of relevance lost in any shipped chain, and 20 s for integrated gradients (50 steps) of 4 s at 16 kHz
through the chain of noise reduction, on two cores.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from models_registry.engine import Chain, Recipe
from models_registry.engine.explain import METHODS, Question, curves, explain, propagated, target
from tests.engine.cast import awake, noise
from tests.engine.explain.planted_cues import case, found_in

CASES, COURSES = 100, 20
RECIPES = (
    "compressor",
    "denoise",
    "device",
    "overdrive",
    "overdrive-adapter",
    "overdrive-diodes",
    "overdrive-parallel",
    "resynthesis",
)


def main() -> None:
    torch.manual_seed(0)
    for method in METHODS:
        found = found_in(method, cases=CASES, seed=1)
        draw, beyond = np.random.default_rng(5), []
        for _ in range(COURSES):
            question, tiles, _ = case(draw)
            map_ = explain(question, method, tiles=tiles).tiles
            beyond.append(curves(question, tiles, map_).deletion_z)
        print(
            f"{method}: cue ranked first in {found.found} of {found.cases} (95 % {found.low:.3f} to {found.high:.3f}); "
            f"deletion {min(beyond):.1f} standard errors better at least, {np.median(beyond):.1f} in the median",
            flush=True,
        )
    for name in RECIPES:
        chain = _made(name)
        question = Question.about(chain, noise(1, 2 * chain.rate), target("energy", chain))
        lost = propagated(question)
        print(
            f"{name}: {100 * lost.error:.1e} % of relevance lost, {100 * lost.absorbed:.3g} % of no sample"
        )
    chain = _made("denoise")
    question = Question.about(chain, noise(1, 4 * chain.rate), target("energy", chain))
    for turn in ("first", "second"):
        begun = time.perf_counter()
        error = explain(question, "integrated-gradients").error or 0.0
        print(
            f"integrated gradients, {turn} time: {time.perf_counter() - begun:.2f} s, {100 * error:.1e} % missed"
        )


def _made(name: str) -> Chain:
    chain = Chain.from_spec(Recipe.load(name).chain)
    # as it is at the start an adapter says nothing; a device's point has no head
    return awake(chain) if all(hasattr(one, "head") for one in chain.adapters) else chain


if __name__ == "__main__":
    main()
