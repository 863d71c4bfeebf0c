"""Synthetic chains of which it is known what does it: what ablation and counterfactuals are to find again.

Three kinds of cause: a part that does nearly all of the work among parts that barely move, a part that spoils what
should come out, and a parameter that was moved from where it should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from models_registry.engine import Chain
from models_registry.engine.ablation import Clip, effects, outputs
from models_registry.engine.counterfactual import (
    SAME_DB,
    Variation,
    apart_db,
    dips,
    handles,
    measured,
    scored,
    sloped,
)
from models_registry.engine.crossing import Answer, Crossing, Target, cross
from models_registry.engine.shapley import shares

RATE = 16_000
FRAMES = 8_000
# what a moved parameter must change to be a cause that anybody can hear: energy of the difference, of the whole
HEARD = 1e-2
# of the error that it makes, what mending may leave
MENDED = 1e-4
# of the range, how far it is moved
MOVED = (0.15, 0.5)

# by kind: what works hard, by parameter
STRONG: dict[str, dict[str, tuple[float, float]]] = {
    "biquad": {"frequency": (300, 3_000), "gain": (9, 18), "q": (0.5, 2)},
    "clipper": {"drive": (15, 30)},
    "compressor": {"threshold": (-50, -35), "ratio": (6, 20), "attack": (1, 20)},
    "echo": {"time": (30, 200), "feedback": (0.3, 0.6), "level": (0.6, 1)},
    "polynomial": {"drive": (9, 15)},
}
# and what barely does
MILD: dict[str, dict[str, tuple[float, float]]] = {
    "biquad": {"frequency": (300, 3_000), "gain": (-0.5, 0.5)},
    "transient-shaper": {"attack": (-0.05, 0.05), "sustain": (-0.05, 0.05)},
    "compressor": {"threshold": (-4, 0), "ratio": (1.1, 2)},
    "echo": {"time": (30, 200), "feedback": (0, 0.1), "level": (0.005, 0.02)},
    "gain": {"level": (-0.2, 0.2)},
}
# what stands in chains whose parameters are moved: each does what the others do not, but for a make-up gain before a
# curve, which is as good as its drive
APART = ("biquad", "asymmetric-clipper", "echo", "compressor")


def clips(draw: Generator, count: int = 2) -> list[Clip]:
    """Bursts of noise that die away, at levels that differ."""
    found = []
    for _ in range(count):
        envelope = np.exp(-np.arange(FRAMES) % (FRAMES // 4) / draw.uniform(400, 1_500))
        sound = 0.4 * draw.uniform(0.5, 1) * envelope * draw.standard_normal(FRAMES)
        found.append(Clip(torch.from_numpy(sound[None])))
    return found


def _block(
    draw: Generator, name: str, kind: str, ranges: dict[str, tuple[float, float]]
) -> dict[str, Any]:
    params = {key: float(draw.uniform(*ends)) for key, ends in ranges.items()}
    return {"id": name, "kind": kind, "params": params}


def _chain(blocks: list[dict[str, Any]]) -> Chain:
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": blocks}).double()


@dataclass(frozen=True)
class Recovered:
    """What the cause is, and what was found in its place; whether the two make the `same` sound, and are both named."""

    cause: str
    found: str
    same: bool = False

    def __bool__(self) -> bool:
        return self.cause == self.found


def worker(seed: int) -> tuple[Recovered, Recovered]:
    """One part of three to six works hard: what does most by Shapley's shares, and what is missed most."""
    draw = np.random.default_rng([seed, 1])
    count = int(draw.integers(3, 7))
    cause = int(draw.integers(count))
    blocks = []
    for n in range(count):
        table = STRONG if n == cause else MILD
        kind = str(draw.choice(sorted(table)))
        blocks.append(_block(draw, f"b{n}", kind, table[kind]))
    chain, tried = _chain(blocks), clips(draw)
    most = shares(chain, tried)[0].part
    removed = [one for one in effects(chain, tried) if one.treatment == "removed"]
    missed = max(removed, key=lambda one: one.difference_db).parts[0]
    return Recovered(f"b{cause}", most), Recovered(f"b{cause}", missed)


def spoiler(seed: int) -> Recovered:
    """A part too much in a chain that works: without it the error, against a noisy recording, falls most."""
    draw = np.random.default_rng([seed, 2])
    count = int(draw.integers(2, 6))
    kinds = draw.choice(sorted(STRONG), count)
    blocks = [_block(draw, f"b{n}", str(kind), STRONG[str(kind)]) for n, kind in enumerate(kinds)]
    tried = clips(draw)
    wanted = outputs(_chain(blocks), tried)
    recorded = [
        one + 0.01 * one.std() * torch.from_numpy(draw.standard_normal(one.shape)) for one in wanted
    ]
    kind = str(draw.choice(sorted(STRONG)))
    blocks.insert(int(draw.integers(count + 1)), _block(draw, "spoiler", kind, STRONG[kind]))
    judged = [Clip(one.signal, target) for one, target in zip(tried, recorded, strict=True)]
    losses = [one for one in effects(_chain(blocks), judged) if one.treatment == "removed"]
    best = min(losses, key=lambda one: one.loss if one.loss is not None else 0.0)
    return Recovered("spoiler", best.parts[0])


def moved(seed: int) -> tuple[Recovered, Crossing]:
    """A parameter away from where it should be: what a sparse counterfactual of the error changes first;
    where that is another number, whether the cause is among three answers and makes the same sound."""
    draw = np.random.default_rng([seed, 3])
    kinds = draw.permutation(APART)[: int(draw.integers(2, 5))]
    blocks = []
    for n, kind in enumerate(map(str, kinds)):
        ranges = STRONG.get(kind, {"drive": (6, 18), "bias": (-0.3, 0.3)})
        blocks.append(_block(draw, f"b{n}", kind, ranges))
    chain, tried = _chain(blocks), clips(draw)
    every = handles(chain)
    right = np.array([one.start for one in every])
    wanted = Variation(chain, every).outputs(right, tried)
    energy = sum(float(one.square().sum()) for one in wanted)
    while True:
        n = int(draw.integers(len(every)))
        place = right.copy()
        place[n] += draw.choice([-1, 1]) * draw.uniform(*MOVED)
        if not 0 <= place[n] <= 1:
            continue
        heard = Variation(chain, every).outputs(place, tried)
        error = sum(float((a - b).square().sum()) for a, b in zip(heard, wanted, strict=True))
        if error > HEARD * energy:
            break
    wrong = Variation(chain, every).at(place)
    judged = [Clip(one.signal, target) for one, target in zip(tried, wanted, strict=True)]
    start = handles(wrong)
    variation = Variation(wrong, start)

    def asked(answers: int) -> Crossing:
        return cross(
            scored(variation, judged, measured(judged, "esr", rate=RATE)),
            start,
            Target(MENDED * error / energy, above=False),
            slope=sloped(variation, judged, "esr"),
            dips=dips(wrong, start, judged),
            answers=answers,
            sparse=True,
        )

    cause, crossing = every[n].name, asked(1)
    first = _changed(crossing.answers[0]) if crossing.answers else ""
    if first in ("", cause):
        return Recovered(cause, first), crossing
    # another number may do the very same, and then no sound tells which of the two was turned
    as_it_is = variation.outputs(np.array([one.start for one in start]), judged)
    sounds = {
        _changed(one): variation.outputs(np.array(one.place), judged) for one in asked(3).answers
    }
    same = {cause, first} <= set(sounds) and (
        apart_db(as_it_is, sounds[first], sounds[cause]) <= SAME_DB
    )
    return Recovered(cause, first, same=same), crossing


def _changed(answer: Answer) -> str:
    return " and ".join(one.name for one in answer.changes)
