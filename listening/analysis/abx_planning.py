"""How many trials an ABX or triangle test needs, and how many right answers it then takes.

Answers are counted, so a test at 5 % has a true level somewhat below 5 %, and power does not grow with every
trial: it drops where one more right answer becomes necessary (a saw-tooth).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.sequential_abx import Sprt

MOST_TRIALS = 5000
# a saw-tooth is over when power has held for so many further trials
HELD_FOR = 25


@dataclass(frozen=True)
class Trials:
    """Numbers of trials: `first` reaches the power, from `safely` on it does not fall below it again."""

    first: int
    safely: int


def critical_count(trials: int, *, alpha: float = 0.05, chance: float = 0.5) -> int:
    """The fewest right answers with P(X ≥ them | chance) ≤ alpha; trials + 1 where no number suffices."""
    return int(stats.binom.isf(alpha, trials, chance)) + 1


def level(trials: int, *, alpha: float = 0.05, chance: float = 0.5) -> float:
    """The true level of the test: P(X ≥ critical count | chance)."""
    return power(trials, chance, alpha=alpha, chance=chance)


def power(trials: int, proportion: float, *, alpha: float = 0.05, chance: float = 0.5) -> float:
    """The chance that the test at `alpha` finds a listener who is right with probability `proportion`."""
    return float(
        stats.binom.sf(critical_count(trials, alpha=alpha, chance=chance) - 1, trials, proportion)
    )


def trials_needed(
    proportion: float, *, target: float = 0.8, alpha: float = 0.05, chance: float = 0.5
) -> Trials:
    """How many trials find a listener who is right with probability `proportion` at the power `target`.

    Raises `AnalysisError` for a proportion not between chance and 1, or when 5,000 trials do not suffice.
    """
    if not chance < proportion < 1:
        raise AnalysisError(
            f"expected a proportion between {chance:.3g} (chance) and 1, found {proportion:g}"
        )
    n = np.arange(1, MOST_TRIALS + HELD_FOR + 1)
    reached = stats.binom.sf(stats.binom.isf(alpha, n, chance), n, proportion) >= target
    held = np.lib.stride_tricks.sliding_window_view(reached, HELD_FOR + 1).all(axis=1)
    if not held.any():
        raise AnalysisError(
            f"expected a proportion that {MOST_TRIALS} trials can tell from {chance:.3g}, found {proportion:g}"
        )
    return Trials(first=int(n[np.argmax(reached)]), safely=int(n[np.argmax(held)]))


@dataclass(frozen=True)
class Course:
    """How a sequential test ends: the chance of each ending, and how many trials it takes on average."""

    heard: float
    not_heard: float
    undecided: float
    mean_trials: float


def course(proportion: float, *, test: Sprt, maximum: int) -> Course:
    """How `test`, with at most `maximum` trials, ends for a listener who is right with probability `proportion`.

    Exact, by following the number of right answers from trial to trial (operating characteristic and average sample
    number; A. Wald, Sequential Analysis, 1947). Raises `AnalysisError` for a proportion outside 0 … 1 or no trial.
    """
    if not 0 <= proportion <= 1 or maximum < 1:
        raise AnalysisError(
            f"expected a proportion from 0 to 1 and at least one trial, found {proportion:g} and {maximum}"
        )
    (low, high), (wrong, right) = test.bounds, test.steps
    going = np.ones(1)  # the chance of still listening with k right answers
    heard = not_heard = trials = 0.0
    for n in range(1, maximum + 1):
        trials += float(going.sum())
        going = np.append((1 - proportion) * going, 0) + np.append(0, proportion * going)
        k = np.arange(n + 1)
        ratio = k * right + (n - k) * wrong
        heard += float(going[ratio >= high].sum())
        not_heard += float(going[ratio <= low].sum())
        going = np.where((low < ratio) & (ratio < high), going, 0.0)
    return Course(heard, not_heard, float(going.sum()), trials)


def critical_table(
    trials: list[int], *, proportions: tuple[float, ...] = (0.7, 0.75, 0.9), chance: float = 0.5
) -> pd.DataFrame:
    """One row per number of trials: critical_05, level_05, critical_01, level_01, and the power at 5 % for each
    of `proportions` (power_0.7 …)."""
    rows = []
    for n in trials:
        row: dict[str, float] = {"trials": n}
        for alpha in (0.05, 0.01):
            name = f"{100 * alpha:02.0f}"
            row[f"critical_{name}"] = critical_count(n, alpha=alpha, chance=chance)
            row[f"level_{name}"] = level(n, alpha=alpha, chance=chance)
        row |= {f"power_{p:g}": power(n, p, chance=chance) for p in proportions}
        rows.append(row)
    return pd.DataFrame(rows)
