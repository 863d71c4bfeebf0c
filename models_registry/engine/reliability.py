"""Which configurations of a search are reliably better: the same seeds for each, differences pair by pair, intervals.

A seed decides at what a training begins and what it hears in which order, so two configurations are compared seed by
seed (paired Student t). The intervals hold together over all the pairs that are looked at (Bonferroni), with seeds that
had no part in choosing: the best of many is not as good as it looked (the winner's curse). A difference is shown where
its interval leaves out 0; anything else is "not shown", which is not the same as "none".

Conventions: differences are in the unit of the quality, below 0 where the first is better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models_registry.engine.search import DONE, QUALITY, Plan, Trial, confirming_seeds

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Repeated:
    """A configuration's quality over the confirming seeds: the mean and its own 95 % interval (Student t)."""

    configuration: int
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """How much lower the quality figure of `better` is than that of `worse` (`difference` ≥ 0) over the `n` seeds that
    both finished, with an interval that holds together with those of all pairs; `shown` where that leaves out 0."""

    better: int
    worse: int
    difference: float
    low: float
    high: float
    n: int

    @property
    def shown(self) -> bool:
        return self.n > 1 and self.low > 0


def repeated(plan: Plan, trials: Sequence[Trial]) -> list[Repeated]:
    """Each finalist over the confirming seeds, the best first."""
    found = []
    for configuration, by_seed in _by_seed(plan, trials).items():
        values = np.array(list(by_seed.values()))
        mean, n = float(values.mean()), len(values)
        margin = math.nan
        if n > 1:
            spread = float(values.std(ddof=1)) / math.sqrt(n)
            margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread
        found.append(Repeated(configuration, mean, mean - margin, mean + margin, n))
    return sorted(found, key=lambda one: one.mean)


def comparisons(plan: Plan, trials: Sequence[Trial]) -> list[Comparison]:
    """Every pair of finalists."""
    known = _by_seed(plan, trials)
    pairs = list(itertools.combinations(known, 2))
    level = 1 - (1 - CONFIDENCE) / max(1, len(pairs))
    found = []
    for one, other in pairs:
        shared = sorted(known[one].keys() & known[other].keys())
        if shared:
            a, b = ([known[each][seed] for seed in shared] for each in (one, other))
            found.append(paired(one, a, other, b, level=level))
    return found


def paired(
    one: int, values: Sequence[float], other: int, others: Sequence[float], *, level: float
) -> Comparison:
    """The configurations `one` and `other`, whose `values` and `others` are of the same seeds in the same order."""
    difference = np.asarray(others, dtype=np.float64) - np.asarray(values, dtype=np.float64)
    if difference.mean() < 0:
        return paired(other, others, one, values, level=level)
    mean, low, high = float(difference.mean()), math.nan, math.nan
    if len(difference) > 1:
        if np.ptp(difference) == 0:
            low = high = mean
        else:
            spread = float(stats.sem(difference))
            low, high = map(float, stats.t.interval(level, len(difference) - 1, mean, spread))
    return Comparison(one, other, mean, low, high, len(difference))


def _by_seed(plan: Plan, trials: Sequence[Trial]) -> Mapping[int, Mapping[int, float]]:
    """Quality by configuration and confirming seed, where it was reached."""
    seeds = confirming_seeds(plan)
    found: dict[int, dict[int, float]] = {}
    for one in trials:
        if not one.explores and one.seed in seeds and one.state == DONE:
            found.setdefault(one.configuration, {})[one.seed] = one.values[QUALITY]
    return found
