"""Transformed up-down staircases: the difference at which a listener, or what stands in for one, is right a known share
of the time.

H. Levitt, Transformed Up-Down Methods in Psychoacoustics, J. Acoust. Soc. Am. 49(2B), 1971: after `down` right answers
in a row the difference gets smaller, after each wrong one larger; both are as likely where the share of right answers
is 0.5 to the power 1 / `down` (70.7 % for two, 79.4 % for three).

Conventions: a difference is a place on a ladder of equal ratios, the higher the easier; `PER_OCTAVE` rungs double it.
Many tracks climb at once, each by its own answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.engine.contract import EngineError

Rungs = NDArray[np.int64]
Answers = NDArray[np.bool_]

PER_OCTAVE = 8
# rungs at a time: coarse until the region is found (four reversals each), then as fine as the ladder
STEPS = (8, 4, 2, 1)
REVERSALS_EACH = 4
# at the last step, an even number so that peaks and valleys weigh alike
REVERSALS_KEPT = 12
MOST_TRIALS = 400


def convergence(down: int) -> float:
    """The share of right answers to which `down` right answers down, one wrong up leads (Levitt, table I)."""
    if down < 1:
        raise EngineError(f"expected one right answer or more before a step down, found {down}")
    return float(0.5 ** (1 / down))


@dataclass(frozen=True)
class Climb:
    """Where tracks came to: the mean rung (tracks,) of their last reversals, NaN where a track stayed at the top of the
    ladder; the rungs (trials, tracks) that were tried, −1 where a track was over; and the answers there."""

    rungs: NDArray[np.float64]
    tried: Rungs
    right: Answers

    @property
    def trials(self) -> int:
        """Answers given in all tracks together."""
        return int((self.tried >= 0).sum())


def climb(
    answer: Callable[[Rungs], Answers], *, top: int, start: int, tracks: int, down: int = 2
) -> Climb:
    """Lead `tracks` staircases on a ladder from rung 0 to `top`, beginning at `start`, by what `answer` says: whether
    each track's listener was right at its rung (tracks,) → (tracks,).

    A track ends after `REVERSALS_KEPT` reversals at the finest step, or without a threshold after `MOST_TRIALS`.
    """
    convergence(down)
    if not 0 <= start <= top or tracks < 1:
        raise EngineError(
            f"expected a start from 0 to {top} and a track or more, found {start} and {tracks}"
        )
    rung = np.full(tracks, start, dtype=np.int64)
    streak, heading, reversals = (np.zeros(tracks, dtype=np.int64) for _ in range(3))
    kept: list[list[int]] = [[] for _ in range(tracks)]
    tried, right = [], []
    for _ in range(MOST_TRIALS):
        active = np.array([len(one) < REVERSALS_KEPT for one in kept])
        if not active.any():
            break
        was_right = np.asarray(answer(rung.copy()), dtype=np.bool_)
        tried.append(np.where(active, rung, -1))
        right.append(was_right)
        streak = np.where(was_right, streak + 1, 0)
        turn = np.where(~was_right, 1, np.where(streak == down, -1, 0))
        streak[streak == down] = 0
        for track in np.flatnonzero(active & (turn != 0)):
            if heading[track] and turn[track] != heading[track]:
                reversals[track] += 1
                if reversals[track] > REVERSALS_EACH * (len(STEPS) - 1):
                    kept[track].append(int(rung[track]))
            heading[track] = turn[track]
            size = STEPS[min(reversals[track] // REVERSALS_EACH, len(STEPS) - 1)]
            rung[track] = np.clip(rung[track] + turn[track] * size, 0, top)
    # a track that ended at the top, or went on and on, found nothing that could be told apart
    found = [
        float(np.mean(one)) if len(one) == REVERSALS_KEPT and min(one) < top else np.nan
        for one in kept
    ]
    return Climb(np.array(found), np.array(tried), np.array(right))
