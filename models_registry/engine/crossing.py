"""The smallest change of some numbers that takes a score across a target.

Wachter, Mittelstadt, Russell, Counterfactual Explanations Without Opening the Black Box, 2018; several answers that
differ: Mothilal, Sharma, Tan, DiCE, 2020. How they are looked for: approach.py.

Conventions: a change is measured in shares of each number's range, along its own scale; its size is the Euclidean norm
of those shares. A *place* is (handles,), each a control from 0 to 1; a score is a number, NaN where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models_registry.engine.approach import (
    Dip,
    Place,
    Progress,
    Score,
    Slope,
    Spent,
    Target,
    Trials,
    apart,
    blindly,
    finely,
    joint,
    likely,
    shrunk,
    singles,
)
from models_registry.engine.contract import EngineError, Parameter

MOST_TRIALS = 1_000

__all__ = ["Answer", "Change", "Crossing", "Handle", "Place", "Score", "Slope", "Target", "cross"]


@dataclass(frozen=True)
class Handle:
    """A number that may be changed: its name, what is declared of it, and the control (0 to 1) at which it stands."""

    name: str
    parameter: Parameter
    start: float

    def physical(self, control: float) -> float:
        """The value in the parameter's unit at `control`."""
        return float(self.parameter.physical(float(control)))


@dataclass(frozen=True)
class Change:
    """One number changed from `before` to `after`, in `unit`, by `share` of its range (−1 to 1)."""

    name: str
    unit: str
    before: float
    after: float
    share: float


@dataclass(frozen=True)
class Answer:
    """Changes that together reach the target, the greatest first, the score then, the size of the change, and the
    place (handles,) that it leads to."""

    changes: tuple[Change, ...]
    score: float
    size: float
    place: tuple[float, ...]


@dataclass(frozen=True)
class Crossing:
    """What the search found: the score as it is, answers (few changes or the smallest first), the score that came
    nearest to the target, where the search stopped early or found none why, and how often the score was taken."""

    before: float
    answers: tuple[Answer, ...]
    nearest: float
    reason: str
    trials: int


def cross(
    score: Score,
    handles: Sequence[Handle],
    target: Target,
    *,
    slope: Slope | None = None,
    dips: Mapping[int, Sequence[Dip]] | None = None,
    answers: int = 3,
    sparse: bool = False,
    most: int = MOST_TRIALS,
    progress: Progress = lambda share, message: None,
) -> Crossing:
    """The smallest changes of `handles` that take `score` across `target`, up to `answers` that differ.

    No two answers move the same number most in the same direction. With `sparse` those that change fewer numbers come
    first, else the smaller. `slope` gives the derivatives where there are any; without, they are differences. `dips`
    are places, by number, where the score may dip too narrowly to be found by steps. At most `most` scores are taken.
    Raises `EngineError` for nothing to change, no score at the start or a target that is met.
    """
    if not handles:
        raise EngineError("expected at least one number that may be changed, found none")
    start = np.array([one.start for one in handles], dtype=float)
    trials = Trials(score, start, target, slope, most, progress)
    before = trials.at(np.zeros(len(handles)))
    if not math.isfinite(before):
        raise EngineError("expected a score of things as they are, found none")
    if target.short(before) <= 0:
        raise EngineError(
            f"expected a target that is not reached yet, found {before:.6g}, which is {target} as it is: "
            "turn the target's direction round or move its value"
        )
    trials.scale = target.short(before)
    reason, found = "", list[Place]()
    try:
        _look(trials, found, answers, sparse, dips or {})
    except Spent:
        reason = f"the search was stopped after {most} trials"
        if not found and (best := trials.smallest(trials.low, trials.high)) is not None:
            found.append(best)
    if not found and not trials.moved:
        reason = "nothing that may be changed moves it"
    elif not found and not reason:
        reason = "none was found within the allowed ranges"
    told = [_answer(trials, handles, change) for change in found]
    told.sort(key=lambda one: (len(one.changes) if sparse else 0, one.size))
    return Crossing(before, tuple(told[:answers]), trials.closest, reason, trials.taken)


def _look(
    trials: Trials,
    found: list[Place],
    wanted: int,
    sparse: bool,
    dips: Mapping[int, Sequence[Dip]],
) -> None:
    """Look for `wanted` changes, single ones first; each forbids its main direction to the next."""
    low, high = trials.low.copy(), trials.high.copy()
    alone = apart([*likely(trials, dips), *singles(trials, wanted)])[:wanted]
    if sparse:
        for change in alone:
            found.append(change)
            _forbid(change, low, high)
    while len(found) < wanted:
        starts = [np.zeros(len(low))]
        if not sparse:
            starts += [one for one in alone if ((one >= low) & (one <= high)).all()]
        near = [joint(trials, start, low, high, sparse=sparse) for start in starts]
        across = [one for one in near if one is not None]
        if not across and not found:
            across = finely(trials)
        if not across and not found and (blind := blindly(trials)) is not None:
            across = [shrunk(trials, blind, low, high)]
        if not across:
            return
        best = min(across, key=lambda one: float(np.linalg.norm(one)))
        found.append(best)
        _forbid(best, low, high)


def _forbid(change: Place, low: Place, high: Place) -> None:
    """Let the number that `change` moves most not go the same way again."""
    n = int(np.abs(change).argmax())
    (high if change[n] > 0 else low)[n] = 0.0


def _answer(trials: Trials, handles: Sequence[Handle], change: Place) -> Answer:
    place = trials.place(change)
    changes = [
        Change(
            handle.name,
            handle.parameter.unit,
            handle.physical(handle.start),
            handle.physical(control),
            float(share),
        )
        for handle, control, share in zip(handles, place, change, strict=True)
        if share != 0
    ]
    changes.sort(key=lambda one: -abs(one.share))
    size = float(np.linalg.norm(change))
    return Answer(tuple(changes), trials.at(change), size, tuple(place.tolist()))
