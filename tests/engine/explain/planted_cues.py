"""Models in which the right answer is known although the signal does not tell it: one band is heard, and of it only
what is loud; in other bands there is as much, and louder, that the model does not hear."""

from __future__ import annotations

import math

import numpy as np
import torch

from models_registry.engine import Chain
from models_registry.engine.explain import Question, Tiles, explain, target
from models_registry.engine.explain.plane import Plane
from models_registry.engine.explain.planted import Planted, tally

RATE, SECONDS, BANDS, STEPS = 8_000, 1.0, 8, 5
# dB: what the model leaves of bands that it does not hear, the noise under the cue, and cue and distractors over it
DEAF, QUIET, LOUD, LOUDER = -60.0, -50.0, 25.0, 35.0


def model(tiles: Tiles, band: int) -> Chain:
    """Gains that pass `band`, an expander that passes what is loud, and a curve."""
    low, high = tiles.edges_hz()[band : band + 2]
    entry = {"id": "bands", "kind": "spectral-gains", "options": {"bands": 40, "window": 32}}
    blocks = [
        entry,
        {"id": "gate", "kind": "expander", "params": {"threshold": QUIET + LOUD / 2, "ratio": 4}},
        {"id": "drive", "kind": "clipper", "params": {"drive": 6}},
    ]
    chain = Chain.from_spec({"version": 1, "rate": RATE, "blocks": blocks})
    centres, _ = chain.profile("bands")
    inside = (centres >= low) & (centres <= high)
    entry["params"] = {"gains": [0.0 if one else DEAF for one in inside]}
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": blocks})


def case(draw: np.random.Generator) -> tuple[Question, Tiles, tuple[int, int]]:
    """A model, a signal and where its cue is."""
    tiles = Tiles.over(Plane(RATE, round(RATE * SECONDS)), bands=BANDS, steps=STEPS)
    bands = draw.permutation(np.arange(1, tiles.shape[0]))
    steps = draw.permutation(tiles.shape[1])
    cue = int(bands[0]), int(steps[0])
    level = np.zeros(tiles.shape)
    level[cue] = LOUD
    # in other bands, at the cue's time and at others
    for band, step in zip(bands[1:5], [steps[0], *steps[1:4]], strict=True):
        level[band, step] = LOUDER
    noise = torch.from_numpy(draw.normal(size=(1, tiles.plane.frames)))
    spectra = tiles.plane.spectra(noise) * tiles.spread(10 ** (level / 20))
    signal = tiles.plane.signal(spectra).numpy() * 10 ** (QUIET / 20)
    chain = model(tiles, cue[0])
    return Question.about(chain, signal, target("energy", chain)), tiles, cue


def found_in(method: str, *, cases: int, seed: int = 0) -> Planted:
    """In how many of so many cases `method` ranks the cue's tile first."""
    draw = np.random.default_rng(seed)
    right = 0
    for _ in range(cases):
        question, tiles, cue = case(draw)
        map_ = explain(question, method, tiles=tiles).tiles
        right += int(map_.argmax()) == cue[0] * tiles.shape[1] + cue[1]
    assert math.isfinite(right)
    return tally(right, cases)
