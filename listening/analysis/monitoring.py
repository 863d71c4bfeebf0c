"""Watching a comparison while listeners come in: intervals that hold at every look at once.

A t interval looked at after every listener is wrong far more often than it says. A confidence sequence is not: with
probability 1 − α it holds the true mean at all times together, so that a campaign may be watched daily and stopped
when it is decided. The stream has ONE value per listener, who must be finished, in order of arrival: ratings of one
listener are not independent, and a value that changes later undoes the guarantee.

Sequences, for values x in 0…1 and their running mean:
    betting              hedged capital (Waudby-Smith & Ramdas 2024), valid for any bounded values
    empirical-bernstein  theirs by predictable mixture, valid likewise, wider
    hoeffding            theirs, which does not use the variance
    asymptotic           Waudby-Smith et al. 2024: far narrower, valid in the limit, so not for the first dozen
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from listening.analysis.cells import cells, mean_by
from listening.analysis.frames import MUSHRA_RANGE, AnalysisError

Values = NDArray[np.float64]

ALPHA = 0.05
SEQUENCES = ("betting", "empirical-bernstein", "hoeffding", "asymptotic")
# the asymptotic sequence is narrowest for panels of this size
TUNED_FOR = 30
# and is not looked at before so many listeners
FIRST_LOOK = 12
# candidate means between which the ends of the betting interval are sought
GRID = np.linspace(0.0005, 0.9995, 1999)
# a longer wait is not foretold
FORESEEN = 10_000


@dataclass(frozen=True)
class Progress:
    """Where the comparison a − b stands after `n` listeners, in rating points.

    `state` is 'decided' (0 is outside the interval), 'equivalent' (all of it within ± `margin`) or 'open';
    `more` is about how many further listeners that takes if mean and spread stay as they are, None when unknown.
    """

    a: str
    b: str
    n: int
    mean: float
    low: float
    high: float
    state: str
    more: int | None
    sequence: str

    @property
    def sentence(self) -> str:
        between = f"{self.a} − {self.b}"
        interval = f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}] after {self.n} listeners"
        if self.state != "open":
            return f"{between} is {self.state}: {interval}"
        wait = (
            "how many more listeners it takes cannot be said yet"
            if self.more is None
            else f"about {self.more} more listeners at this rate"
        )
        return f"{between} is open: {interval}; {wait}"


def confidence_sequence(
    values: ArrayLike,
    *,
    sequence: str = "betting",
    alpha: float = ALPHA,
    tuned_for: int = TUNED_FOR,
) -> tuple[float, float]:
    """The interval of the mean of `values` (0…1, in order of arrival) after the last of them.

    The interval may leave 0…1, and that of 'asymptotic' is infinite for one value. Raises `AnalysisError` for no
    values, values outside 0…1 and an unknown sequence.
    """
    x = np.asarray(values, dtype=float)
    if len(x) == 0 or not ((x >= 0) & (x <= 1)).all():
        raise AnalysisError(
            f"confidence sequence: expected values from 0 to 1, found {len(x)} from "
            f"{x.min(initial=np.inf):g} to {x.max(initial=-np.inf):g}"
        )
    if sequence == "betting":
        return _betting(x, alpha)
    if sequence == "empirical-bernstein":
        return _empirical_bernstein(x, alpha)
    if sequence == "hoeffding":
        return _hoeffding(x, alpha)
    if sequence == "asymptotic":
        half = asymptotic_half_width(len(x), sd=float(x.std()), alpha=alpha, tuned_for=tuned_for)
        return float(x.mean()) - half, float(x.mean()) + half
    raise AnalysisError(
        f"confidence sequence: expected one of {', '.join(SEQUENCES)}, found {sequence!r}"
    )


def asymptotic_half_width(
    n: int, *, sd: float, alpha: float = ALPHA, tuned_for: int = TUNED_FOR
) -> float:
    """Half width of the asymptotic sequence after `n` values with standard deviation `sd` (over n)."""
    if n < 2:
        return np.inf
    rho2 = asymptotic_rho2(tuned_for, alpha=alpha)
    return sd * sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * log(sqrt(n * rho2 + 1) / alpha))


def asymptotic_rho2(tuned_for: int, *, alpha: float = ALPHA) -> float:
    """The ρ² that makes the asymptotic sequence narrowest about the `tuned_for`-th value."""
    return (-2 * log(alpha) + log(-2 * log(alpha)) + 1) / tuned_for


def normal_mixture_half_width(n: int, *, rho: float, alpha: float = ALPHA) -> float:
    """Half width of Robbins' normal mixture after `n` values in 0…1, taken for sub-Gaussian with variance 1/4."""
    v = n / 4
    return sqrt((v + rho) * log((v + rho) / (alpha**2 * rho))) / n


def progress(
    ratings: pd.DataFrame,
    a: str,
    b: str,
    *,
    margin: float | None = None,
    sequence: str = "asymptotic",
    alpha: float = ALPHA,
) -> Progress:
    """Where the comparison of conditions `a` and `b` stands, over the listeners who rated both.

    `ratings` holds finished sessions only, in order of arrival. `margin` (rating points), declared beforehand, is what
    counts as equal. Raises `AnalysisError` when nobody rated both.
    """
    stream = listener_differences(ratings, a, b)
    low, high = _interval(stream, sequence=sequence, alpha=alpha)
    mean, n = float(stream.mean()), len(stream)
    if low > 0 or high < 0:
        state = "decided"
    elif margin is not None and -margin < low and high < margin:
        state = "equivalent"
    else:
        state = "open"
    more = 0 if state != "open" else None
    if state == "open" and n > 1:
        more = _wait(n, mean, float(stream.std()), margin=margin, alpha=alpha)
        more = (
            more
            if more is None or sequence == "asymptotic"
            else _scaled(n, mean, low, high, margin)
        )
    return Progress(a, b, n, mean, low, high, state, more, sequence)


def track(
    ratings: pd.DataFrame, a: str, b: str, *, sequence: str = "asymptotic", alpha: float = ALPHA
) -> pd.DataFrame:
    """The way to `progress`: n, mean, low, high of a − b after each listener, in rating points."""
    stream = listener_differences(ratings, a, b)
    ends = [
        _interval(stream[:n], sequence=sequence, alpha=alpha) for n in range(1, len(stream) + 1)
    ]
    n = np.arange(1, len(stream) + 1)
    low, high = np.array(ends).T
    return pd.DataFrame({"n": n, "mean": np.cumsum(stream) / n, "low": low, "high": high})


def listener_differences(ratings: pd.DataFrame, a: str, b: str) -> Values:
    """One mean difference a − b per listener who rated both, in order of arrival.

    Raises `AnalysisError` when nobody did.
    """
    cell = cells(ratings[ratings["condition"].isin([a, b])])
    if set(cell.conditions) != {a, b}:
        raise AnalysisError(f"progress: expected ratings of {a} and {b}, found none of one of them")
    difference, listener = cell.differences(cell.conditions.index(a), cell.conditions.index(b))
    stream = mean_by(listener, difference, len(cell.listeners))
    stream = stream[~np.isnan(stream)]
    if len(stream) == 0:
        raise AnalysisError(f"progress: expected a listener who rated {a} and {b}, found none")
    return stream


def _interval(stream: Values, *, sequence: str, alpha: float) -> tuple[float, float]:
    """Of the mean of differences in rating points; all that is possible where it is too early to look."""
    span = MUSHRA_RANGE[1] - MUSHRA_RANGE[0]
    if len(stream) < FIRST_LOOK and sequence == "asymptotic":
        return -span, span
    ends = confidence_sequence((stream + span) / (2 * span), sequence=sequence, alpha=alpha)
    low, high = (2 * span * end - span for end in ends)
    return max(low, -span), min(high, span)


def _wait(n: int, mean: float, sd: float, *, margin: float | None, alpha: float) -> int | None:
    """Listeners until the asymptotic half width is below what mean and margin leave."""
    needed = max(abs(mean), (margin or 0.0) - abs(mean))
    if needed <= 0 or sd <= 0:
        return max(FIRST_LOOK - n, 1) if needed > 0 else None

    def over(total: float) -> float:
        return asymptotic_half_width(ceil(total), sd=sd, alpha=alpha) - needed

    if over(FORESEEN) > 0:
        return None
    first = max(n + 1, FIRST_LOOK)
    return (
        first - n
        if over(first) <= 0
        else ceil(optimize.bisect(over, first, FORESEEN, xtol=0.5)) - n
    )


def _scaled(n: int, mean: float, low: float, high: float, margin: float | None) -> int | None:
    """Listeners until the interval is as narrow as needed, if it narrows with the root of their number."""
    needed = max(abs(mean), (margin or 0.0) - abs(mean))
    total = n * ((high - low) / 2 / needed) ** 2 if needed > 0 else np.inf
    return max(ceil(total) - n, 1) if total <= FORESEEN else None


def _past(x: Values) -> tuple[Values, Values]:
    """Mean and variance of the values before each one, begun at 1/2 and 1/4; only the past may set a bet."""
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    return np.append(0.5, mean[:-1]), np.append(0.25, variance[:-1])


def _bets(x: Values, alpha: float) -> Values:
    t = np.arange(1, len(x) + 1)
    return np.sqrt(2 * log(2 / alpha) / (_past(x)[1] * t * np.log(t + 1)))


def _betting(x: Values, alpha: float) -> tuple[float, float]:
    bets = _bets(x, alpha)

    def log_capital(m: Values) -> Values:
        """Of the hypothesis that the mean is m: half of it bet on more, half on less, at most half the stake."""
        m = np.atleast_1d(m)[:, None]
        up = np.log1p(np.minimum(bets, 0.5 / m) * (x - m)).sum(axis=1)
        down = np.log1p(-np.minimum(bets, 0.5 / (1 - m)) * (x - m)).sum(axis=1)
        return log(0.5) + np.maximum(up, down)

    limit = log(1 / alpha)
    kept = GRID[log_capital(GRID) < limit]
    if len(kept) == 0:
        return float(x.mean()), float(x.mean())
    step = GRID[1] - GRID[0]

    def crossing(one: float, other: float) -> float:
        found = optimize.brentq(lambda m: float(log_capital(m)[0]) - limit, one, other, xtol=1e-13)
        return float(found)

    low = 0.0 if kept[0] == GRID[0] else crossing(kept[0] - step, kept[0])
    high = 1.0 if kept[-1] == GRID[-1] else crossing(kept[-1], kept[-1] + step)
    return low, high


def _empirical_bernstein(x: Values, alpha: float) -> tuple[float, float]:
    bets = np.minimum(_bets(x, alpha), 0.5)
    mean, _ = _past(x)
    cost = (x - mean) ** 2 * (-np.log1p(-bets) - bets)
    return _around(bets, x, float(cost.sum()), alpha)


def _hoeffding(x: Values, alpha: float) -> tuple[float, float]:
    t = np.arange(1, len(x) + 1)
    bets = np.minimum(np.sqrt(8 * log(2 / alpha) / (t * np.log(t + 1))), 1.0)
    return _around(bets, x, float((bets**2).sum()) / 8, alpha)


def _around(bets: Values, x: Values, cost: float, alpha: float) -> tuple[float, float]:
    centre, half = float(bets @ x / bets.sum()), (log(2 / alpha) + cost) / float(bets.sum())
    return centre - half, centre + half
