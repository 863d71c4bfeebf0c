"""Restricted maximum likelihood of a crossed design: variance components, means and Satterthwaite's degrees of freedom.

The criterion is profiled over the means and σ² and minimised over the square roots of the variance ratios, as
lme4 does. A component whose best value is 0 is left out, and its neighbours are fitted without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi
from typing import TypeAlias

import numpy as np
from scipy import linalg, optimize, stats

from listening.analysis.crossed import TERMS, Codes, Design, Profile, Values
from listening.analysis.frames import AnalysisError

Criterion = Callable[[Values], float]
Found: TypeAlias = "tuple[Values, _Derivatives]"

# step of the central differences, in the logarithm of a variance ratio
STEP = 2e-3
# Newton's steps: how many, how far in a logarithm each may go, and when they have settled
ROUNDS, FARTHEST, SETTLED = 6, 0.5, 1e-4
# the variance of a ratio's logarithm from which on 0 is not far off
VAGUE = 0.25
# of θ = √γ: outside it a component is nothing, or all there is
SMALLEST, LARGEST = 1e-4, 1e5


@dataclass(frozen=True)
class Fit:
    """A fitted model. `ratios` of variance to `residual` are in the order of `TERMS`; `means` (K,) of the conditions.

    `unscaled` (K, K) is the covariance of the means over σ². `slopes` (terms fitted, K, K) are its derivatives by
    the logarithm of each ratio that is not 0, and `covariance` that of these logarithms and log σ² (the last).
    """

    design: Design
    ratios: Values
    residual: float
    means: Values
    unscaled: Values
    criterion: float
    slopes: Values
    covariance: Values

    def contrast(self, weights: Values) -> tuple[float, float, float]:
        """Estimate, standard error and Satterthwaite's degrees of freedom of `weights` · means.

        They are at least 1: no sum of variances is known less well than its least known part, and below that
        the curvature of the likelihood misleads.
        """
        variance = self.residual * float(weights @ self.unscaled @ weights)
        by_ratio = self.residual * np.einsum("i,tij,j->t", weights, self.slopes, weights)
        gradient = np.append(by_ratio, variance)
        df = 2 * variance**2 / float(gradient @ self.covariance @ gradient)
        return float(weights @ self.means), variance**0.5, max(df, 1.0)

    def equal_means(self) -> tuple[float, int, float, float]:
        """F, its two degrees of freedom and p of the hypothesis that all means are equal.

        The denominator's follow Fai & Cornelius (1996), as lmerTest takes them: from those of the independent
        contrasts that the covariance's eigenvectors make.
        """
        k = len(self.means)
        differences = np.eye(k)[1:] - np.eye(k)[0]
        values, vectors = linalg.eigh(differences @ self.unscaled @ differences.T)
        found = [self.contrast(v @ differences) for v in vectors.T]
        f = float(np.mean([(estimate / se) ** 2 for estimate, se, _ in found]))
        expected = sum(df / (df - 2) for _, _, df in found if df > 2)
        combined = k > 2 and expected > k - 1
        df = 2 * expected / (expected - (k - 1)) if combined else min(df for _, _, df in found)
        return f, k - 1, df, float(stats.f.sf(f, k - 1, df))


def restricted(design: Design, ratios: Values) -> float:
    """−2 log restricted likelihood at `ratios`, maximised over means and σ² (lme4's REML criterion)."""
    profile = design.at(ratios)
    _, rest, log_det = _solved(profile)
    free = design.n - design.conditions
    return profile.log_det + log_det + free * (1 + log(2 * pi * max(rest, 1e-300) / free))


def maximum_likelihood(design: Design, terms: tuple[str, ...], *, equal: bool = False) -> float:
    """The deviance of the ML fit, with one mean for all conditions if `equal`."""

    def deviance(ratios: Values) -> float:
        profile = design.at(ratios)
        rest = (
            profile.yy - profile.xy.sum() ** 2 / profile.xx.sum() if equal else _solved(profile)[1]
        )
        return profile.log_det + design.n * (1 + log(2 * pi * max(rest, 1e-300) / design.n))

    return deviance(_minimum(deviance, terms, design.guess))


def fit(design: Design, terms: tuple[str, ...]) -> Fit:
    """Fit `design` with random effects for `terms`.

    Raises `AnalysisError` when the ratings leave no residual variance, or the likelihood has no single best point.
    """

    def criterion(ratios: Values) -> float:
        return restricted(design, ratios)

    ratios, parts = _from_guess(design, terms) or _searched(design, terms, criterion)
    means, rest, _ = _solved(design.at(ratios))
    residual = rest / (design.n - design.conditions)
    return Fit(
        design,
        ratios,
        residual,
        means,
        parts.unscaled,
        criterion(ratios),
        parts.slopes,
        parts.covariance(),
    )


def _from_guess(design: Design, terms: tuple[str, ...]) -> Found | None:
    """Newton's steps from the mean squares' guess, which is near in large designs; none where they do not settle, or
    where a component could as well be 0, which lies infinitely far in the logarithm and must be tried."""
    active = np.array([place for place, term in enumerate(TERMS) if term in terms], dtype=np.intp)
    if len(active) == 0:
        return None
    ratios = np.zeros(len(TERMS))
    ratios[active] = design.guess[active]
    for _ in range(ROUNDS):
        parts = _derivatives(design, ratios, active)
        if not parts.sure():
            return None
        step = parts.newton()
        if np.abs(step).max() > FARTHEST:
            return None
        ratios = ratios.copy()
        ratios[active] *= np.exp(step)
        if np.abs(step).max() < SETTLED:
            return ratios, parts
    return None


def _searched(design: Design, terms: tuple[str, ...], criterion: Criterion) -> Found:
    """The best ratios wherever they are, 0 among them, and the derivatives there."""
    ratios = _minimum(criterion, terms, design.guess)
    if (ratios >= LARGEST**2 / 4).any():
        raise AnalysisError(
            "mixed model: expected ratings that vary beyond listeners, items and conditions, found none that do"
        )
    active = np.flatnonzero(ratios)
    # Newton's steps make the minimum exact; their last Hessian is what Satterthwaite needs
    for _ in range(4):
        parts = _derivatives(design, ratios, active)
        step = parts.newton()
        if len(active) == 0 or np.abs(step).max() > FARTHEST:
            break
        ratios = ratios.copy()
        ratios[active] *= np.exp(step)
        if np.abs(step).max() < SETTLED:
            break
    return ratios, parts


def _solved(profile: Profile) -> tuple[Values, float, float]:
    """Means, the residual yᵀH⁻¹y − meansᵀXᵀH⁻¹y, and log|XᵀH⁻¹X|."""
    factor = linalg.cholesky(profile.xx, lower=True, check_finite=False)
    half = linalg.solve_triangular(factor, profile.xy, lower=True, check_finite=False)
    means = linalg.solve_triangular(factor.T, half, check_finite=False)
    log_det = 2 * float(np.log(factor.diagonal()).sum())
    return means, profile.yy - float(half @ half), log_det


def _minimum(criterion: Criterion, terms: tuple[str, ...], guess: Values) -> Values:
    """The variance ratios that minimise `criterion`; those of absent terms, and of terms best without, are 0."""
    active = [place for place, term in enumerate(TERMS) if term in terms]
    theta = np.zeros(len(TERMS))
    theta[active] = np.sqrt(guess[active])
    theta = _descend(criterion, theta, active)
    for _ in range(len(TERMS)):
        best = criterion(theta**2)
        zero = [t for t in active if theta[t] and criterion(_without(theta, t) ** 2) <= best + 1e-8]
        # the derivative by the ratio itself tells whether a component at 0 should stay there
        small = 1e-4
        grow = [
            t
            for t in active
            if not theta[t] and criterion(theta**2 + small * np.eye(len(TERMS))[t]) < best - 1e-7
        ]
        if not zero and not grow:
            break
        for t in zero:
            theta[t] = 0.0
        for t in grow:
            theta[t] = small**0.5
        theta = _descend(criterion, theta, [t for t in active if theta[t]])
    return theta**2


def _without(theta: Values, term: int) -> Values:
    changed = theta.copy()
    changed[term] = 0.0
    return changed


def _descend(criterion: Criterion, theta: Values, active: list[int]) -> Values:
    if not active:
        return theta

    def at(values: Values) -> float:
        point = theta.copy()
        point[active] = values
        return float(criterion(point**2))

    found = optimize.minimize(
        at,
        theta[active],
        method="L-BFGS-B",
        jac="2-point",
        bounds=[(0.0, LARGEST)] * len(active),
        options={"ftol": 1e-10, "gtol": 1e-4, "maxiter": 200},
    )
    point = theta.copy()
    point[active] = np.where(found.x < SMALLEST, 0.0, found.x)
    return point


@dataclass(frozen=True)
class _Derivatives:
    """At the minimum: the Hessian by the logarithms of the active ratios and of σ², and what else depends on them."""

    gradient: Values
    hessian: Values
    unscaled: Values
    slopes: Values

    def newton(self) -> Values:
        """The step of the logarithms of the ratios to the minimum, σ² following."""
        if not len(self.gradient):
            return self.gradient
        inner, cross, outer = self.hessian[:-1, :-1], self.hessian[:-1, -1], self.hessian[-1, -1]
        return -np.linalg.solve(inner - np.outer(cross, cross) / outer, self.gradient)

    def sure(self) -> bool:
        """Whether this is a valley, and every component well away from 0."""
        if not np.isfinite(self.hessian).all() or np.linalg.eigvalsh(self.hessian)[0] <= 0:
            return False
        return bool((np.diag(np.linalg.inv(self.hessian))[:-1] * 2 < VAGUE).all())

    def covariance(self) -> Values:
        # the criterion is −2 log-likelihood
        values, vectors = np.linalg.eigh(self.hessian)
        sure = values > 1e-8 * values.max()
        return 2 * (vectors[:, sure] / values[sure]) @ vectors[:, sure].T


def _derivatives(design: Design, ratios: Values, active: Codes) -> _Derivatives:
    free = design.n - design.conditions
    count = len(active)

    def at(*moves: tuple[int, int]) -> tuple[float, float, Values]:
        """log|H| + log|XᵀH⁻¹X|, the residual and (XᵀH⁻¹X)⁻¹ with some ratios moved by a step or more."""
        moved = ratios.copy()
        for place, steps in moves:
            moved[active[place]] *= np.exp(steps * STEP)
        profile = design.at(moved)
        _, rest, log_det = _solved(profile)
        return profile.log_det + log_det, rest, np.asarray(np.linalg.inv(profile.xx), dtype=float)

    middle = at()
    sigma2 = middle[1] / free
    up, down = ([at((t, s)) for t in range(count)] for s in (1, -1))
    first = np.array(
        [[(u[i] - d[i]) / (2 * STEP) for u, d in zip(up, down, strict=True)] for i in (0, 1)]
    )
    hessian = np.empty((count + 1, count + 1))
    hessian[-1, -1] = free
    hessian[-1, :-1] = hessian[:-1, -1] = -first[1] / sigma2
    for t in range(count):
        second = [(up[t][i] - 2 * middle[i] + down[t][i]) / STEP**2 for i in (0, 1)]
        hessian[t, t] = second[0] + second[1] / sigma2
        for s in range(t):
            # two corners and what is known already: as exact as four corners, for half of the work
            corners = [at((t, side), (s, side)) for side in (1, -1)]
            mixed = [
                (
                    corners[0][i]
                    + corners[1][i]
                    - (up[t][i] + down[t][i] + up[s][i] + down[s][i])
                    + 2 * middle[i]
                )
                / (2 * STEP**2)
                for i in (0, 1)
            ]
            hessian[t, s] = hessian[s, t] = mixed[0] + mixed[1] / sigma2
    k = design.conditions
    slopes = np.array([(u[2] - d[2]) / (2 * STEP) for u, d in zip(up, down, strict=True)])
    return _Derivatives(
        first[0] + first[1] / sigma2, hessian, middle[2], slopes.reshape(count, k, k)
    )
