"""Every method under one name each, and what it finds in one shape.

Conventions: what is found is in the target's unit. `parts` are (windows, bins) of the plane, `tiles` (bands, steps);
an error is relative to the change of the number that the parts are to add up to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.contract import EngineError
from models_registry.engine.explain import (
    gradient_input,
    integrated_gradients,
    occlusion,
    propagation,
    smoothgrad,
)
from models_registry.engine.explain.plane import Plane, Tiles
from models_registry.engine.explain.propagation import Entry
from models_registry.engine.explain.question import Question, over

INTEGRATED, GRADIENT, SMOOTH = "integrated-gradients", "gradient-input", "smoothgrad"
RELEVANCE, OCCLUSION = "relevance", "occlusion"
SLOPES: dict[str, Callable[[Question], Tensor]] = {
    GRADIENT: gradient_input.slope,
    SMOOTH: smoothgrad.slope,
}
# of the change that parts are to add up to
CLOSE = 0.01
METHODS = (INTEGRATED, GRADIENT, SMOOTH, RELEVANCE, OCCLUSION)


@dataclass(frozen=True)
class Found:
    """What each part of the signal makes of the number `value` (that of silence: `silent`).

    `samples` (channels, frames) and `parts` are missing for occlusion, which knows tiles alone. `total` is what all
    parts add up to; `error` how far that is from what they should (None where nothing is promised); `absorbed` the
    share of the number that no sample has made, by `ledger` (relevance only). `steps` are integrated gradients'.
    """

    method: str
    value: float
    silent: float
    total: float
    error: float | None
    tiles: NDArray[np.float64]
    samples: NDArray[np.float64] | None = None
    parts: Tensor | None = None
    absorbed: float | None = None
    ledger: tuple[Entry, ...] = ()
    steps: int | None = None


def grid_of(method: str, plane: Plane) -> Tiles:
    """The tiles that `method` tells of where nobody says otherwise."""
    return occlusion.grid(plane) if method == OCCLUSION else over(plane)


def explain(
    question: Question,
    method: str,
    *,
    tiles: Tiles | None = None,
    patient: bool = False,
    only: NDArray[np.intp] | None = None,
) -> Found:
    """What `method` finds; raises `EngineError`. Occlusion tries the tiles `only` (flat; None: all).

    Where one is `patient`, integrated gradients double their steps until their parts add up to `CLOSE`, eight times as
    many at most.
    """
    if method not in METHODS:
        raise EngineError(f"expected one of {', '.join(METHODS)}, found '{method}'")
    tiles = tiles or grid_of(method, question.plane)
    value, silent = question.worth(
        torch.stack([question.signal, torch.zeros_like(question.signal)])
    ).tolist()
    if method == OCCLUSION:
        occluded = occlusion.occluded(question, tiles, only)
        return Found(method, value, silent, float(occluded.sum()), None, occluded)
    if method == RELEVANCE:
        through = propagation.propagated(question)
        found = _spread(method, question, tiles, through.slope, value, silent)
        return replace(found, error=through.error, absorbed=through.absorbed, ledger=through.ledger)
    if method != INTEGRATED:
        return _spread(method, question, tiles, SLOPES[method](question), value, silent)
    steps, promised = integrated_gradients.STEPS, value - silent
    while True:
        slope = integrated_gradients.slope(question, steps=steps)
        found = _spread(method, question, tiles, slope, value, silent)
        error = abs(found.total - promised) / (abs(promised) or abs(value))
        if not patient or error <= CLOSE or steps >= integrated_gradients.MOST_STEPS:
            return replace(found, error=error, steps=steps)
        steps *= 2


def _spread(
    method: str, question: Question, tiles: Tiles, slope: Tensor, value: float, silent: float
) -> Found:
    samples = question.signal * slope
    parts = question.plane.divided(question.signal, slope)
    return Found(
        method,
        value,
        silent,
        samples.sum().item(),
        None,
        tiles.summed(parts),
        samples.numpy(),
        parts.sum(0),
    )
