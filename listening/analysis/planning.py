"""How many listeners and items a comparison takes, from the variances of a fitted mixed model.

For *these items* a paired t-test on listener means decides, and its power is known in closed form: more listeners
always help. For *items like these* the mixed model decides; its power is simulated, and its floor is what items
differ by: beyond some point only more items help. The simulation draws the mean squares of a complete design, which
are independent multiples of χ², instead of ratings, so that thousands of campaigns take a moment. Where each listener
hears a share of the items, balanced over listeners, the mean squares are those of the share: approximately so, since
an item is then not heard by the same listeners as another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import ceil, sqrt
from typing import Any

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
MOST_ITEMS = 300
# sizes of panels to look at; beyond the last one nobody plans
LISTENERS = (*range(4, 41), *range(45, 101, 5), 120, 150, 200, 300, 500)


@dataclass(frozen=True)
class Variances:
    """What decides a comparison of `conditions`: variances in squared rating points."""

    listener_condition: float
    item_condition: float
    residual: float
    conditions: int = 2

    def scaled(self, by: float) -> Variances:
        """The same on a scale that is `by` times as long."""
        return replace(
            self,
            listener_condition=self.listener_condition * by**2,
            item_condition=self.item_condition * by**2,
            residual=self.residual * by**2,
        )

    @classmethod
    def of(cls, model: MixedModel) -> Variances:
        return cls(
            model.variance("listener:condition"),
            model.variance("item:condition"),
            model.variance("residual"),
            len(model.conditions),
        )


# Stahl, Windtner and Sontacchi (IEEE Access 12, 2024): speech of seven codecs by 19 listeners who passed the screening,
# 8 of 16 items each; this model's fit to their published ratings
PUBLISHED = Variances(35.56, 98.74, 300.03, 7)


@dataclass(frozen=True)
class Share:
    """What of a campaign each listener hears: so many items, and this part of the conditions of each."""

    items: int | None = None
    conditions: float = 1.0

    def heard(self, items: int) -> float:
        """How many items of a condition a listener hears, on average, where there are `items`."""
        return min(self.items or items, items) * self.conditions


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
    variances: Variances,
    *,
    listeners: int,
    items: int,
    difference: float,
    heard: float | None = None,
    alpha: float = ALPHA,
) -> float:
    """Power of the paired t-test on listener means, each over the items that a listener `heard` once (all of them)."""
    listeners, heard = _effective(listeners, items, heard)
    sd = sqrt(
        2
        * (
            variances.listener_condition
            # of all items nothing is left: they are the ones that the claim is about
            + variances.item_condition * (1 / heard - 1 / items)
            + variances.residual / heard
        )
    )
    return paired_t_power(max(listeners, 2), difference=difference, sd=sd, alpha=alpha)


def _effective(listeners: int, items: int, heard: float | None) -> tuple[int, float]:
    """Listeners who hear a condition, and how many items of it: less than one item each is fewer listeners."""
    heard = float(items) if heard is None else min(heard, float(items))
    return (listeners, heard) if heard >= 1 else (int(listeners * heard), 1.0)


def power_for_such_items(
    variances: Variances,
    *,
    listeners: int,
    items: int,
    difference: float,
    heard: float | None = None,
    alpha: float = ALPHA,
    simulations: int = SIMULATIONS,
    seed: int = SEED,
) -> float:
    """Power of the crossed mixed model's test, by simulation of complete designs rated once, or of balanced shares.

    `heard` is how many items of a condition each listener rates; all where nothing is said. Components whose estimate
    falls to 0 are pooled with the residual, as the model does. Raises `AnalysisError` with fewer than two listeners or
    items.
    """
    listeners, heard = _effective(listeners, items, heard)
    if listeners < 2 or items < 2:
        raise AnalysisError(
            f"power: expected two listeners and two items or more, found {listeners} and {items}"
        )
    others = variances.conditions - 1
    df = np.array([(listeners - 1) * others, (items - 1) * others, 0], dtype=float)
    # everything but the means, listeners, items and their two interactions
    cells = listeners * heard * variances.conditions
    df[2] = max(1.0, cells - 1 - others - (listeners - 1) - (items - 1) - df[0] - df[1])
    expected = np.array(
        [
            variances.residual + heard * variances.listener_condition,
            variances.residual + listeners * heard / items * variances.item_condition,
            variances.residual,
        ]
    )
    rng = np.random.default_rng(seed)
    squares = expected * rng.chisquare(df, (simulations, 3))
    scale = 2 / (listeners * heard)
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
    share: Share | None = None,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """Both powers for every number of listeners and items: listeners, items, for_these_items, for_such_items.

    such_low and such_high are the 95 % interval (Clopper and Pearson) that comes of the number of simulations.
    """
    share = share or Share()
    rows = []
    for m in items:
        for n in listeners:
            asked: dict[str, Any] = {"listeners": n, "items": m, "difference": difference}
            asked |= {"heard": share.heard(m), "alpha": alpha}
            these = power_for_these_items(variances, **asked)
            such = power_for_such_items(variances, **asked)
            rows.append((n, m, these, such, *_monte_carlo(such)))
    columns = ["listeners", "items", "for_these_items", "for_such_items", "such_low", "such_high"]
    return pd.DataFrame(rows, columns=columns)


def _monte_carlo(power: float, simulations: int = SIMULATIONS) -> tuple[float, float]:
    found = stats.binomtest(round(power * simulations), simulations).proportion_ci(0.95)
    return float(found.low), float(found.high)


def panels(
    variances: Variances,
    *,
    difference: float,
    items: Sequence[int],
    powers: Sequence[float],
    share: Share | None = None,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """The smallest panels of `LISTENERS` for each number of items and each power, with NaN where none suffices.

    Columns items, power, for_these_items, for_such_items, and such_low and such_high: the panels at which the
    simulation's 95 % interval begins to hold the power, and at which it lies above.
    """
    _check_plan(variances, difference)
    share = share or Share()
    rows = []
    for m in items:
        asked: dict[str, Any] = {"items": m, "difference": difference}
        asked |= {"heard": share.heard(m), "alpha": alpha}
        # fewer would not hear each condition twice
        least = ceil(2 / min(1.0, share.heard(m)))

        these = partial(_these, variances, asked)
        such = cache(partial(_such, variances, asked))
        for power in powers:
            sizes = [
                _first(these, power, least=least),
                # the power itself, and the upper and the lower end of its interval
                *(_first(partial(_end, such, end), power, least=least) for end in (0, 2, 1)),
            ]
            rows.append((m, power, *(float("nan") if n is None else float(n) for n in sizes)))
    columns = ["items", "power", "for_these_items", "for_such_items", "such_low", "such_high"]
    return pd.DataFrame(rows, columns=columns)


def _these(variances: Variances, asked: dict[str, Any], listeners: int) -> float:
    return power_for_these_items(variances, listeners=listeners, **asked)


def _such(
    variances: Variances, asked: dict[str, Any], listeners: int
) -> tuple[float, float, float]:
    power = power_for_such_items(variances, listeners=listeners, **asked)
    return power, *_monte_carlo(power)


def _end(such: Callable[[int], tuple[float, float, float]], end: int, listeners: int) -> float:
    return such(listeners)[end]


def fewest_items(
    variances: Variances,
    *,
    difference: float,
    power: float = POWER,
    share: Share | None = None,
    alpha: float = ALPHA,
) -> int | None:
    """How many items like these it takes for any panel of `LISTENERS` to find `difference`; None beyond 300."""
    _check_plan(variances, difference)
    share = share or Share()

    def with_most_listeners(items: int) -> float:
        heard = share.heard(items)
        return power_for_such_items(
            variances,
            listeners=LISTENERS[-1],
            items=items,
            difference=difference,
            heard=heard,
            alpha=alpha,
        )

    return _first(with_most_listeners, power, sizes=range(2, MOST_ITEMS + 1))


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
    _check_plan(variances, difference)
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


def _check_plan(variances: Variances, difference: float) -> None:
    if not difference > 0 or not variances.residual > 0:
        raise AnalysisError(
            f"plan: expected a difference and a residual variance above 0, found {difference:g} and "
            f"{variances.residual:g}"
        )


def _first(
    power_of: Callable[[int], float],
    wanted: float,
    *,
    sizes: Sequence[int] = LISTENERS,
    least: int = 2,
) -> int | None:
    """The first of `sizes` that reaches `wanted`; power grows with them, so halving finds it."""
    sizes = [n for n in sizes if n >= least]
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(sizes[middle]) >= wanted else (middle + 1, high)
    return sizes[low] if low < len(sizes) else None


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
