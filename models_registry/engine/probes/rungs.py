"""Ladders of realism: sounds, damage by degrees, what a chain makes of them and what it should have made.

Conventions: mono sounds of `SECONDS` at the chain's rate; everything random follows from the rung's place, so that a
version and its parent hear the same samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from models_registry import devices, instruments
from models_registry.audio import Audio, resample
from models_registry.degradations import DEGRADATIONS
from models_registry.engine.chain import Chain
from models_registry.engine.data import SETTINGS_SEED
from models_registry.engine.probes.suite import Ladder
from models_registry.engine.rendering import render
from models_registry.engine.starts import scattered
from models_registry.instruments import PLAYERS

SECONDS = 2.0
PITCH = 118.0
# What the output should have been: the sound before the damage; what a device whose inside is known makes of what came
# in; or, where neither is known, the model's own output for the sound before the damage.
CLEAN, DEVICE, ITSELF = "clean", "device", "itself"
UNITS = {"pitch": "Hz", "speaker": "of the usual formants", "instrument": ""}


@dataclass(frozen=True)
class Truth:
    """What the output should have been (`kind`), and the chain that says so where it is a chain."""

    kind: str
    chain: Chain | None = None


def truth_of(recipe: Mapping[str, Any] | None, seed: int) -> Truth:
    """What is known of what a version trained by `recipe` should do."""
    source = recipe["data"]["source"] if recipe else ""
    if source in ("mixtures", "solo"):
        return Truth(CLEAN)
    if source == "synthetic":
        return Truth(DEVICE)
    if recipe and source == "settings":
        return Truth(
            DEVICE, scattered(Chain.from_spec(recipe["chain"]), seed=seed, number=SETTINGS_SEED)
        )
    return Truth(ITSELF)


@dataclass(frozen=True)
class Place:
    """One rung: the degree, by its number in the ladder, on one source."""

    ladder: int
    degree: int
    source: str


@dataclass(frozen=True)
class Heard:
    """What came in and out of a rung, and what should have come out; None where that is not known."""

    given: Audio
    output: Audio
    wanted: Audio | None


def degrees_of(ladder: Ladder) -> tuple[Any, ...]:
    return ladder.at or tuple(PLAYERS)


def unit_of(ladder: Ladder) -> str:
    return DEGRADATIONS[ladder.damage].unit if ladder.damage else UNITS[ladder.source]


def places_of(number: int, ladder: Ladder) -> list[Place]:
    """All rungs of the ladder of this `number`: on every source; where the source is what changes, one each."""
    sources = ladder.sources if ladder.damage else ("",)
    count = len(degrees_of(ladder))
    return [Place(number, degree, source) for degree in range(count) for source in sources]


def heard(chain: Chain, ladder: Ladder, place: Place, truth: Truth) -> Heard:
    """Go through one rung; raises `AudioError` and `EngineError`."""
    at = degrees_of(ladder)[place.degree]
    if ladder.source:
        clean = given = _voiced(ladder.source, at, chain.rate)
    else:
        clean = played(place.source, chain.rate)
        seed = [place.ladder, list(PLAYERS).index(place.source)]
        draw = int(np.random.default_rng(seed).integers(2**31))
        given = DEGRADATIONS[ladder.damage](clean, at, seed=draw)
    # a level is no damage that could be undone
    before = given if ladder.damage == "level" else clean
    output = Audio(render(chain, given.samples, chain.rate), chain.rate)
    return Heard(given, output, _wanted(chain, ladder, before, given, truth))


def _wanted(
    chain: Chain, ladder: Ladder, before: Audio, given: Audio, truth: Truth
) -> Audio | None:
    if truth.kind == CLEAN:
        return before
    if truth.kind == DEVICE:
        if truth.chain is None:
            return devices.overdrive(given)
        return Audio(render(truth.chain, given.samples, given.rate), given.rate)
    if ladder.source or ladder.damage == "level":
        return None
    return Audio(render(chain, before.samples, before.rate), before.rate)


@lru_cache(maxsize=32)
def played(name: str, rate: int) -> Audio:
    """A performance by the instrument `name`, peak at −3 dBFS."""
    number = list(PLAYERS).index(name)
    line = PLAYERS[name](SECONDS, rate, np.random.default_rng([0, number]))
    line = instruments.edged(line, rate)
    return Audio((line * instruments.PEAK / np.abs(line).max())[None].astype(np.float32), rate)


def _voiced(source: str, at: Any, rate: int) -> Audio:
    """The voice at the pitch `at`, or of a speaker whose formants are `at` times as high; or the instrument `at`."""
    if source == "instrument":
        return played(str(at), rate)
    pitch, formants = (at, 1.0) if source == "pitch" else (PITCH, at)
    # played faster it is higher in all; so that the pitch stays, it was that much lower before
    slow = instruments.voice(
        SECONDS * formants, rate, np.random.default_rng(0), pitch=pitch / formants
    )
    voice = resample(Audio(slow[None].astype(np.float32), round(rate * formants)), rate).samples[0]
    line = instruments.edged(voice.astype(np.float64), rate)
    return Audio((line * instruments.PEAK / np.abs(line).max())[None].astype(np.float32), rate)
