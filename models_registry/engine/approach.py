"""Ways across a target: the smallest of the changes of one number, and of several together, that reach it.

Changes of one number are looked for outwards from where it stands; those of several by going, again and again, to the
nearest place at which the score's tangent crosses (`nearest_across`, which is where sparsity comes in), then by
sequential quadratic programming on the boundary itself; and where neither finds one, by dividing the whole ranges.

Conventions: a change is (handles,), in shares of the numbers' ranges, 0 where a number stays; nothing leaves its range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Place = NDArray[np.float64]
# a score, NaN where there is none, at a place (handles,), each number a control from 0 to 1
Score = Callable[[Place], float]
# the score at a place and its derivatives there
Slope = Callable[[Place], tuple[float, Place]]
Progress = Callable[[float, str], None]
# three controls, rising, with a dip of the score between them
Dip = tuple[float, float, float]

# shares of the range at which a number is tried, from near to far
RINGS = (1 / 256, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1.0)
# share of the range to which a crossing is found
PRECISION = 1e-4
# share of the range over which a slope is taken where the score has no derivative: above a metric's own rounding
DIFFERENCE = 1e-2
# of the range, how far a tangent is trusted at first and at most
TRUSTED = 0.25
STEPS = 24
# a change below it counts for none
NONE = 1e-3
# weight of the sum of the shares beside half the sum of their squares: few numbers move
SPARSITY = 1.0
# places at which each number is tried where none of these crosses
FINE = 33
# of the places that are likely, how many are looked into
LOOKED_INTO = 3
# trials for each number where neither single changes nor the tangents cross
BLIND = 40
# a shortfall of so many of the first is as bad as any
HOPELESS = 1e6


@dataclass(frozen=True)
class Target:
    """A score of `value` or more (`above`), or of `value` or less."""

    value: float
    above: bool

    def short(self, score: float) -> float:
        """How far `score` is from the target: 0 or less where it is reached, infinite for no score."""
        missing = self.value - score if self.above else score - self.value
        return missing if math.isfinite(missing) else math.inf

    def __str__(self) -> str:
        return f"{'≥' if self.above else '≤'} {self.value:g}"


class Spent(Exception):
    """No trial is left."""


@dataclass
class Trials:
    """Scores of changes from `start` (handles,), each taken once, `most` at most; `scale` is the first shortfall."""

    score: Score
    start: Place
    target: Target
    slope: Slope | None
    most: int
    progress: Progress
    scale: float = 1.0
    taken: int = 0
    closest: float = math.nan
    known: dict[bytes, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.low, self.high = -self.start, 1 - self.start

    @property
    def moved(self) -> bool:
        """Whether any trial found another score."""
        finite = [one for one in self.known.values() if math.isfinite(one)]
        return max(finite) - min(finite) > 1e-12 * max(map(abs, finite))

    def at(self, change: Place) -> float:
        key = change.tobytes()
        if key not in self.known:
            self._count()
            self.known[key] = self._note(float(self.score(self.place(change))))
        return self.known[key]

    def short(self, change: Place) -> float:
        """How far the target is: 1 at the start, 0 or less where it is reached."""
        return self.target.short(self.at(change)) / self.scale

    def fall(self, change: Place) -> Place:
        """Derivatives (handles,) of what is gained, the shortfall's negative, by each number's share."""
        if self.slope is not None:
            self._count()
            value, slope = self.slope(self.place(change))
            self.known[change.tobytes()] = self._note(value)
            gained = slope if self.target.above else -slope
            return np.nan_to_num(gained / self.scale, posinf=0.0, neginf=0.0)
        here, found = self.short(change), np.zeros(len(change))
        for n, share in enumerate(change):
            if self.high[n] - self.low[n] < DIFFERENCE:
                continue
            step = DIFFERENCE if share + DIFFERENCE <= self.high[n] else -DIFFERENCE
            aside = change.copy()
            aside[n] += step
            slope_here = (here - self.short(aside)) / step
            found[n] = slope_here if math.isfinite(slope_here) else 0.0
        return found

    def smallest(self, low: Place, high: Place) -> Place | None:
        """The smallest change between `low` and `high` of those that were tried and cross."""
        found = [
            change
            for key, value in self.known.items()
            if self.target.short(value) <= 0
            for change in [np.frombuffer(key)]
            if ((low <= change) & (change <= high)).all()
        ]
        return min(found, key=lambda one: float(np.linalg.norm(one)), default=None)

    def place(self, change: Place) -> Place:
        return np.asarray(np.clip(self.start + change, 0, 1))

    def _count(self) -> None:
        if self.taken >= self.most:
            raise Spent
        self.taken += 1
        self.progress(min(self.taken / self.most, 1.0), f"trial {self.taken}")

    def _note(self, value: float) -> float:
        if not self.target.short(value) >= self.target.short(self.closest):
            self.closest = value
        return value


# one number at a time


def singles(trials: Trials, wanted: int) -> list[Place]:
    """The smallest changes of one number in one direction that cross, the smallest first, up to `wanted`."""
    count = len(trials.start)
    ways = [(n, sign) for n in range(count) for sign in (1.0, -1.0)]
    reach = {(n, sign): float(trials.high[n] if sign > 0 else -trials.low[n]) for n, sign in ways}
    tried: dict[int, list[float]] = {n: [0.0] for n in range(count)}
    found: list[Place] = []
    for ring in RINGS:
        for n, sign in list(ways):
            outside, share = (
                max((sign * one for one in tried[n]), default=0.0),
                min(ring, reach[n, sign]),
            )
            if share <= outside:
                continue
            tried[n].append(sign * share)
            if trials.short(_single(count, n, sign * share)) <= 0:
                ends = (_single(count, n, sign * one) for one in (max(outside, 0.0), share))
                found.append(_bisected(trials, *ends))
                ways.remove((n, sign))
        if len(found) >= wanted:
            break
    for n in sorted({n for n, _ in ways}):
        found += _in_valleys(trials, n, sorted(tried[n]))
    return sorted(found, key=lambda one: float(np.abs(one).max()))[:wanted]


def likely(trials: Trials, places: Mapping[int, Sequence[Dip]]) -> list[Place]:
    """The smallest changes of one number in one direction that cross within dips of the score that are known of, by
    number; of each number's the most promising are looked into."""
    found = []
    for n, dips in places.items():
        shares = [[float(end - trials.start[n]) for end in dip] for dip in dips]
        shares.sort(key=lambda dip: trials.short(_single(len(trials.start), n, dip[1])))
        for dip in shares[:LOOKED_INTO]:
            found += _in_valleys(trials, n, dip)
    return apart(found)


def apart(changes: Sequence[Place]) -> list[Place]:
    """Of `changes` of one number the smallest for each number and direction, the smallest first."""
    smallest: dict[tuple[int, float], Place] = {}
    for change in sorted(changes, key=lambda one: float(np.abs(one).max())):
        n = int(np.abs(change).argmax())
        smallest.setdefault((n, float(np.sign(change[n]))), change)
    return list(smallest.values())


def finely(trials: Trials) -> list[Place]:
    """The smallest change of one number that crosses where the whole range of each is tried in small steps, if any."""
    found = []
    for n, (low, high) in enumerate(zip(trials.low, trials.high, strict=True)):
        found += _in_valleys(trials, n, np.linspace(low, high, FINE).tolist())
    return sorted(found, key=lambda one: float(np.abs(one).max()))[:1]


def _in_valleys(trials: Trials, n: int, shares: list[float]) -> list[Place]:
    """Where changes of number `n` cross, the nearest of those that lie in a dip of the shortfall between the rising
    `shares`, where it was tried."""
    count = len(trials.start)

    def short(share: float) -> float:
        return trials.short(_single(count, n, share))

    found = []
    for before, here, after in zip(shares, shares[1:], shares[2:], strict=False):
        if not (short(here) < short(before) and short(here) <= short(after)):
            continue
        dip = optimize.minimize_scalar(
            lambda share: max(short(share), 0.0),
            bounds=(before, after),
            method="bounded",
            options={"xatol": min(PRECISION, (after - before) / 2_000), "maxiter": STEPS},
        )
        if short(float(dip.x)) <= 0:
            near = min(before, after, key=abs)
            outside = 0.0 if before < 0 < after or short(near) <= 0 else near
            ends = (_single(count, n, one) for one in (outside, float(dip.x)))
            found.append(_bisected(trials, *ends))
    return sorted(found, key=lambda one: float(np.abs(one).max()))[:1]


def _single(count: int, n: int, share: float) -> Place:
    change = np.zeros(count)
    change[n] = share
    return change


def _bisected(trials: Trials, outside: Place, inside: Place) -> Place:
    """The place between `outside` and `inside`, which crosses, from which on it does."""
    while np.abs(inside - outside).max() > PRECISION:
        middle = (outside + inside) / 2
        if trials.short(middle) <= 0:
            inside = middle
        else:
            outside = middle
    return inside


# several together


def nearest_across(
    slope: Place, needed: float, low: Place, high: Place, *, sparsity: float
) -> Place:
    """The change x (n,) that minimises ½|x|² + `sparsity` Σ|x| with slope·x ≥ `needed` and `low` ≤ x ≤ `high`.

    Exact: at the multiplier λ the minimiser is the proximal step of the sum, soft(λ slope, sparsity), projected to the
    box, and slope·x(λ) never falls. The furthest corner where even that is too near.
    """
    corner = np.where(slope > 0, high, np.where(slope < 0, low, np.clip(0.0, low, high)))

    def change(multiplier: float) -> Place:
        pull = multiplier * slope
        soft = np.sign(pull) * np.maximum(np.abs(pull) - sparsity, 0)
        return np.asarray(np.clip(soft, low, high))

    def missing(multiplier: float) -> float:
        return needed - float(slope @ change(multiplier))

    if slope @ corner <= needed:
        return corner
    if missing(0.0) <= 0:
        return change(0.0)
    most = 1.0
    while missing(most) > 0:
        most *= 2
    return change(float(optimize.brentq(missing, 0.0, most, xtol=1e-14 * most)))


def joint(trials: Trials, start: Place, low: Place, high: Place, *, sparse: bool) -> Place | None:
    """The smallest change of any numbers between `low` and `high` that crosses, near `start`; None where none is
    found. `sparse` lets few of them move."""
    across = _approached(trials, start, low, high, SPARSITY if sparse else 0.0)
    if across is None:
        return None
    if sparse:
        across = _pruned(trials, across)
        still = across == 0
        low, high = np.where(still, 0.0, low), np.where(still, 0.0, high)
    return shrunk(trials, across, low, high)


def _approached(
    trials: Trials, change: Place, low: Place, high: Place, sparsity: float
) -> Place | None:
    """Go where the tangent crosses, as far as it is trusted, until the score does."""
    trusted, short = TRUSTED, trials.short(change)
    for _ in range(STEPS):
        if short <= 0:
            return change
        slope = trials.fall(change)
        if not np.abs(slope).max() > 0:
            return None
        while True:
            near, far = np.maximum(low, change - trusted), np.minimum(high, change + trusted)
            needed = float(slope @ change) + 1.05 * short
            there = nearest_across(slope, needed, near, far, sparsity=sparsity)
            found = trials.short(there)
            if found < short:
                break
            trusted /= 4
            if trusted < NONE:
                return None
        change, short, trusted = there, found, min(2 * trusted, 2 * TRUSTED)
    return None


def blindly(trials: Trials) -> Place | None:
    """Any place that crosses, by dividing the whole ranges ever finer where it looks promising."""
    free = np.flatnonzero(trials.high > trials.low)

    def short(part: Place) -> float:
        change = np.zeros(len(trials.start))
        change[free] = part
        return min(max(trials.short(change), 0.0), HOPELESS)

    bounds = optimize.Bounds(trials.low[free], trials.high[free])
    most = BLIND * len(free)
    optimize.direct(short, bounds, maxfun=most, maxiter=most, locally_biased=False, f_min=0.0)
    return trials.smallest(trials.low, trials.high)


def _pruned(trials: Trials, across: Place) -> Place:
    """`across` without the changes that are not needed, the smallest first."""
    for n in np.argsort(np.abs(across)):
        bare = across.copy()
        bare[n] = 0.0
        if across[n] != 0 and bare.any() and trials.short(bare) <= 0:
            across = bare
    return across


def shrunk(trials: Trials, across: Place, low: Place, high: Place) -> Place:
    """The smallest change near `across` that still crosses."""
    free = np.flatnonzero(high > low)

    def whole(part: Place) -> Place:
        change = np.zeros(len(across))
        change[free] = np.clip(part, low[free], high[free])
        return change

    def size(part: Place) -> float:
        return 0.5 * float(part @ part)

    def gained(part: Place) -> float:
        return -min(trials.short(whole(part)), HOPELESS)

    def fall(part: Place) -> Place:
        return trials.fall(whole(part))[free]

    optimize.minimize(  # type: ignore[call-overload]
        size,
        across[free],
        jac=lambda part: part,
        bounds=optimize.Bounds(low[free], high[free]),
        constraints={"type": "ineq", "fun": gained, "jac": fall},
        method="SLSQP",
        options={"maxiter": STEPS, "ftol": PRECISION**2},
    )
    best = trials.smallest(low, high)
    assert best is not None, "across crosses"
    if _still(trials, best):
        best = np.where(np.abs(best) < NONE, 0.0, best)
    return _bisected(trials, np.zeros(len(best)), best)


def _still(trials: Trials, change: Place) -> bool:
    """Whether `change` crosses without what counts for none."""
    rounded = np.where(np.abs(change) < NONE, 0.0, change)
    return bool(rounded.any()) and trials.short(rounded) <= 0
