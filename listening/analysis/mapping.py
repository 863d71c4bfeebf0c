"""Mapping of a metric's scores onto the scale of the ratings (ITU-T P.1401, clause 7).

Four mappings, fitted per database at the level analysed: none, a line, a cubic, and a cubic that is kept from falling
anywhere between the least and the greatest score. The last is exact: the slope is a quadratic q that has to stay ≥ 0
on [−1, 1], and least squares under that convex constraint are either the free fit, or touch the constraint in one of
the ways q = c (u − t)² with t inside, q(−1) = 0, q(1) = 0, or both; the best of those that keep it is the solution.
Scores are scaled to u = (x − centre)/half_range in [−1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

# parameters that a mapping takes from the degrees of freedom: 1 unmapped and 4 cubic as in P.1401, 2 for the line
PARAMETERS = {"none": 1, "linear": 2, "cubic": 4, "monotone cubic": 4}
# a cubic through fewer points follows their noise
FEWEST_FOR_CUBIC = 20
FEWEST = 3
# places tried for the touching point before the search between them
PLACES = 401
# how far a slope may fall below 0, against the greatest, by rounding
ROUNDING = 1e-9


@dataclass(frozen=True)
class Mapping:
    """A fitted mapping: `coefficients` of 1, u, u², u³; `held`: the constraint changed the fit; `monotone`: the
    slope is nowhere below 0 between the least and the greatest score."""

    kind: str
    centre: float
    half_range: float
    coefficients: tuple[float, ...]
    held: bool
    monotone: bool

    def __call__(self, scores: ArrayLike) -> Values:
        u = (np.asarray(scores, dtype=float) - self.centre) / self.half_range
        return np.polynomial.polynomial.polyval(u, np.array(self.coefficients))

    @property
    def parameters(self) -> int:
        return PARAMETERS[self.kind]

    def in_scores(self) -> Values:
        """Coefficients of 1, x, x², x³ in the scores themselves."""
        scaled = np.polynomial.Polynomial(self.coefficients)
        line = np.polynomial.Polynomial([-self.centre / self.half_range, 1 / self.half_range])
        return np.asarray(scaled(line).coef, dtype=float)


def fit_mapping(scores: ArrayLike, ratings: ArrayLike, *, kind: str = "monotone cubic") -> Mapping:
    """Fit the mapping of `scores` (N,) to `ratings` (N,) by least squares.

    Raises `AnalysisError` for an unknown kind, scores that are all equal or not finite, fewer than 3 points, or fewer
    than 20 for a cubic.
    """
    x, y = np.asarray(scores, dtype=float), np.asarray(ratings, dtype=float)
    _check(x, y, kind)
    centre, half = (x.max() + x.min()) / 2, np.ptp(x) / 2
    if kind == "none":
        return Mapping(kind, float(centre), float(half), (float(centre), float(half)), False, True)
    u = (x - centre) / half
    free = _least_squares(u, y, 1 if kind == "linear" else 3)
    monotone = _rises(free)
    held = kind == "monotone cubic" and not monotone
    if held:
        free, monotone = _constrained(u, y), True
    coefficients = tuple(float(c) for c in free)
    return Mapping(kind, float(centre), float(half), coefficients, held, monotone)


def _check(x: Values, y: Values, kind: str) -> None:
    if kind not in PARAMETERS:
        raise AnalysisError(f"mapping: expected one of {', '.join(PARAMETERS)}, found {kind!r}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise AnalysisError("mapping: expected finite scores and ratings, found others")
    fewest = FEWEST_FOR_CUBIC if "cubic" in kind else FEWEST
    if len(x) < fewest:
        raise AnalysisError(f"{kind} mapping: expected at least {fewest} points, found {len(x)}")
    if np.ptp(x) == 0:
        raise AnalysisError(f"mapping: expected scores that vary, found {len(x)} times {x[0]:g}")


def _least_squares(u: Values, y: Values, degree: int) -> Values:
    found = np.linalg.lstsq(np.vander(u, degree + 1, increasing=True), y)[0]
    return np.asarray(found, dtype=float)


def _rises(coefficients: Values) -> bool:
    """Whether the slope is nowhere below 0 on [−1, 1], up to rounding."""
    slope = np.polynomial.polynomial.polyder(coefficients)
    places = [-1.0, 1.0]
    if len(slope) == 3 and slope[2] > 0 and abs(slope[1]) < 2 * slope[2]:
        places.append(-slope[1] / (2 * slope[2]))
    found = np.polynomial.polynomial.polyval(np.array(places), slope)
    return bool(found.min() >= -ROUNDING * max(float(np.abs(found).max()), 1e-300))


def _constrained(u: Values, y: Values) -> Values:
    """The cubic of least squares among those whose slope is at the constraint, and keeps it."""
    candidates = [np.array([y.mean(), 0.0, 0.0, 0.0]), _touching(u, y)]
    # slopes that vanish at one end or both, as integrals: (1 + u)(a + b u), (1 − u)(a + b u), a (1 − u²)
    rising = [np.array([0, 1, 0.5, 0]), np.array([0, 0, 0.5, 1 / 3])]
    falling = [np.array([0, 1, -0.5, 0]), np.array([0, 0, 0.5, -1 / 3])]
    both = [np.array([0, 1, 0, -1 / 3])]
    candidates += [_in_span(u, y, basis) for basis in (rising, falling, both)]
    return min(
        (c for c in candidates if _rises(c)),
        key=lambda c: float(((y - np.polynomial.polynomial.polyval(u, c)) ** 2).sum()),
    )


def _in_span(u: Values, y: Values, basis: list[Values]) -> Values:
    shapes = [np.polynomial.polynomial.polyval(u, b) for b in basis]
    weights = np.linalg.lstsq(np.column_stack([np.ones_like(u), *shapes]), y)[0]
    return np.array([weights[0], 0, 0, 0]) + sum(
        (w * b for w, b in zip(weights[1:], basis, strict=True)), np.zeros(4)
    )


def _touching(u: Values, y: Values) -> Values:
    """The best b + c (u − t)³/3 with c ≥ 0 and t in [−1, 1]."""
    dy = y - y.mean()

    def explained(t: Values) -> Values:
        distance = u - t[:, None]
        # three products cost a tenth of a power
        shape = distance * distance * distance
        shape -= shape.mean(axis=1, keepdims=True)
        return np.maximum(shape @ dy, 0) ** 2 / (shape**2).sum(axis=1)

    places = np.linspace(-1, 1, PLACES)
    best = int(np.argmax(explained(places)))
    found = optimize.minimize_scalar(
        lambda t: -explained(np.array([t]))[0],
        bounds=(places[max(best - 1, 0)], places[min(best + 1, PLACES - 1)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    t = float(found.x)
    return _in_span(u, y, [np.array([-(t**3), 3 * t**2, -3 * t, 1.0])])
