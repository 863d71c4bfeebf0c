"""How many listeners and items a comparison takes, from the variances of a fitted mixed model.

For *these items* a paired t-test on listener means decides, and its power is known in closed form: more listeners
always help. For *items like these* the mixed model decides; its power is simulated, and its floor is what items
differ by: beyond some point only more items help. The simulation draws the mean squares of a complete design, which
are independent multiples of χ², instead of ratings, so that thousands of campaigns take a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.mixed import MixedModel
from listening.analysis.power import ALPHA, POWER, paired_t_power

Values = NDArray[np.float64]

SIMULATIONS = 4000
SEED = 1534
# sizes of panels to look at; beyond the last one nobody plans
LISTENERS = (*range(4, 41), *range(45, 101, 5), 120, 150, 200, 300, 500)


@dataclass(frozen=True)
class Variances:
    """What decides a comparison of `conditions`: variances in squared rating points."""

    listener_condition: float
    item_condition: float
    residual: float
    conditions: int = 2

    @classmethod
    def of(cls, model: MixedModel) -> Variances:
        return cls(
            model.variance("listener:condition"),
            model.variance("item:condition"),
            model.variance("residual"),
            len(model.conditions),
        )


@dataclass(frozen=True)
class Plan:
    """Listeners that find `difference` with `power`, for these `items` and for such items; None when none suffice."""

    difference: float
    items: int
    power: float
    for_these_items: int | None
    for_such_items: int | None

    @property
    def sentence(self) -> str:
        such = (
            f"about {self.for_such_items} listeners for items like these"
            if self.for_such_items
            else "no number of listeners for items like these: add items"
        )
        these = self.for_these_items or f"more than {LISTENERS[-1]}"
        return (
            f"to find a difference of {self.difference:g} points with probability {self.power:g} over "
            f"{self.items} items takes {these} listeners for these items, and {such}"
        )


def power_for_these_items(
    variances: Variances, *, listeners: int, items: int, difference: float, alpha: float = ALPHA
) -> float:
    """Power of the paired t-test on listener means, each over `items` items rated once."""
    sd = sqrt(2 * (variances.listener_condition + variances.residual / items))
    return paired_t_power(listeners, difference=difference, sd=sd, alpha=alpha)


def power_for_such_items(
    variances: Variances,
    *,
    listeners: int,
    items: int,
    difference: float,
    alpha: float = ALPHA,
    simulations: int = SIMULATIONS,
    seed: int = SEED,
) -> float:
    """Power of the crossed mixed model's test, by simulation of complete designs rated once.

    Components whose estimate falls to 0 are pooled with the residual, as the model does. Raises `AnalysisError`
    with fewer than two listeners or items.
    """
    if listeners < 2 or items < 2:
        raise AnalysisError(
            f"power: expected two listeners and two items or more, found {listeners} and {items}"
        )
    others = variances.conditions - 1
    df = np.array([(listeners - 1) * others, (items - 1) * others, 0], dtype=float)
    # everything but the means, listeners, items and their two interactions
    cells = listeners * items * variances.conditions
    df[2] = cells - 1 - others - (listeners - 1) - (items - 1) - df[0] - df[1]
    expected = np.array(
        [
            variances.residual + items * variances.listener_condition,
            variances.residual + listeners * variances.item_condition,
            variances.residual,
        ]
    )
    rng = np.random.default_rng(seed)
    squares = expected * rng.chisquare(df, (simulations, 3))
    scale = 2 / (listeners * items)
    true = (expected[0] + expected[1] - expected[2]) * scale
    estimates = rng.normal(difference, sqrt(true), simulations)
    variance, freedom = _contrast_variance(squares, df)
    critical = stats.t.isf(alpha / 2, freedom)
    return float((np.abs(estimates) > critical * np.sqrt(variance * scale)).mean())


def power_table(
    variances: Variances,
    *,
    difference: float,
    listeners: Sequence[int],
    items: Sequence[int],
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """Both powers for every number of listeners and items: listeners, items, for_these_items, for_such_items."""
    rows = [
        (
            n,
            m,
            power_for_these_items(
                variances, listeners=n, items=m, difference=difference, alpha=alpha
            ),
            power_for_such_items(
                variances, listeners=n, items=m, difference=difference, alpha=alpha
            ),
        )
        for m in items
        for n in listeners
    ]
    return pd.DataFrame(rows, columns=["listeners", "items", "for_these_items", "for_such_items"])


def plan(
    variances: Variances,
    *,
    difference: float,
    items: int,
    power: float = POWER,
    alpha: float = ALPHA,
) -> Plan:
    """The smallest panels of `LISTENERS` that find `difference` with `power`.

    Raises `AnalysisError` for a difference that is not above 0, or without any variance to plan from.
    """
    if not difference > 0 or not variances.residual > 0:
        raise AnalysisError(
            f"plan: expected a difference and a residual variance above 0, found {difference:g} and "
            f"{variances.residual:g}"
        )
    these = _first(
        lambda n: power_for_these_items(
            variances, listeners=n, items=items, difference=difference, alpha=alpha
        ),
        power,
    )
    such = None
    if items > 1:
        such = _first(
            lambda n: power_for_such_items(
                variances, listeners=n, items=items, difference=difference, alpha=alpha
            ),
            power,
        )
    return Plan(difference, items, power, these, such)


def _first(power_of: Callable[[int], float], wanted: float) -> int | None:
    """The first panel that reaches `wanted`; power grows with the panel, so halving finds it."""
    low, high = 0, len(LISTENERS)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(LISTENERS[middle]) >= wanted else (middle + 1, high)
    return LISTENERS[low] if low < len(LISTENERS) else None


def _contrast_variance(squares: Values, df: Values) -> tuple[Values, Values]:
    """The variance of a contrast (in units of 2/(listeners × items)) and its degrees of freedom, by restricted
    likelihood, from sums of squares (simulations, 3) of listener × condition, item × condition and residual."""
    of_l, of_i, rest = (squares / df).T
    without_i = (squares[:, 1] + squares[:, 2]) / (df[1] + df[2])
    without_l = (squares[:, 0] + squares[:, 2]) / (df[0] + df[2])
    pooled = squares.sum(axis=1) / df.sum()
    both = (of_l > rest) & (of_i > rest)
    only_l = ~both & (of_i <= rest) & (of_l > without_i)
    only_i = ~both & ~only_l & (of_l <= rest) & (of_i > without_l)
    whole = of_l + of_i - rest
    cases = [both, only_l, only_i]
    variance = np.select(cases, [whole, of_l, of_i], pooled)
    spread = of_l**2 / df[0] + of_i**2 / df[1] + rest**2 / df[2]
    freedom = np.select(
        cases, [whole**2 / spread, np.full_like(rest, df[0]), np.full_like(rest, df[1])], df.sum()
    )
    return variance, freedom
