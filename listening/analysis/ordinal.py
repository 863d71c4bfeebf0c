"""Category ratings as what they are: an order, not distances (cumulative logit model).

logit P(rating ≤ category j of system s) = θ_j − b_s, b of the first system 0. The votes enter as counts per system
and category, which is all that the likelihood sees. Its own standard errors take votes for independent; a bootstrap
that draws listeners does not, and is what to quote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.tools.numdiff import approx_hess_cs

from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 500
SEED = 500
ITERATIONS = 100
CONVERGED = 1e-10
# beyond it an estimate is on its way to infinity
UNBOUNDED = 30.0


@dataclass(frozen=True)
class Ordinal:
    """`systems`: system, estimate b_s (log odds of a higher rating against the first system), se, z, p, and from the
    listener bootstrap se_listener, ci_low, ci_high; `thresholds`: threshold ('1|2'), estimate, se; `resamples` that
    had a fit."""

    systems: pd.DataFrame
    thresholds: pd.DataFrame
    loglik: float
    resamples: int


def cumulative_logit(
    data: pd.DataFrame, *, by: str = "condition", resamples: int = RESAMPLES, seed: int = SEED
) -> Ordinal:
    """Fit `data` (listener, rating, and `by`, the system) and draw its listeners `resamples` times.

    Raises `AnalysisError` for fewer than two systems or two categories, or for a system whose votes are all in the
    first, or all in the last category, or that shares no category with the others (it has no finite strength).
    """
    systems, listeners = (pd.factorize(data[c].astype(str), sort=True) for c in (by, "listener"))
    categories, code = np.unique(data["rating"].to_numpy(dtype=float), return_inverse=True)
    shape = (len(listeners[1]), len(systems[1]), len(categories))
    counts = np.zeros(shape)
    np.add.at(counts, (listeners[0], systems[0], code), 1)
    names = list(systems[1])
    _check(counts.sum(axis=0), names, categories)
    try:
        estimate = _fit(counts.sum(axis=0), None)
    except np.linalg.LinAlgError as error:
        raise AnalysisError(
            "ordinal model: expected systems whose votes overlap, found some that share no category: "
            "their distance has no bound"
        ) from error
    hessian = approx_hess_cs(estimate, lambda b: _loglik(b, counts.sum(axis=0)))
    se = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    drawn = _resampled(counts, estimate, resamples, seed)
    cut = len(categories) - 1
    table = pd.DataFrame({"system": names, "estimate": [0.0, *estimate[cut:]]})
    table["se"] = [np.nan, *se[cut:]]
    table["z"] = table["estimate"] / table["se"]
    table["p"] = 2 * stats.norm.sf(table["z"].abs())
    spread, ends = np.full(len(names), np.nan), np.full((2, len(names)), np.nan)
    if len(drawn) > 1:
        tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
        spread[1:] = drawn[:, cut:].std(axis=0, ddof=1)
        ends[:, 1:] = np.quantile(drawn[:, cut:], tails, axis=0)
    table["se_listener"], (table["ci_low"], table["ci_high"]) = spread, ends
    between = [f"{a:g}|{b:g}" for a, b in zip(categories, categories[1:], strict=False)]
    thresholds = pd.DataFrame({"threshold": between, "estimate": estimate[:cut], "se": se[:cut]})
    loglik = float(np.real(_loglik(estimate, counts.sum(axis=0))))
    return Ordinal(table, thresholds, loglik, len(drawn))


def _check(counts: Values, names: list[str], categories: Values) -> None:
    if len(names) < 2 or len(categories) < 2:
        raise AnalysisError(
            "cumulative logit: expected at least two systems and two categories, "
            f"found {len(names)} and {len(categories)}"
        )
    for edge, word in ((0, "least"), (-1, "greatest")):
        at_edge = counts[:, edge] == counts.sum(axis=1)
        if at_edge.any():
            raise AnalysisError(
                f"cumulative logit: expected votes in several categories, found all of "
                f"{names[int(np.argmax(at_edge))]} in the {word} ({categories[edge]:g}): no finite strength"
            )


def _resampled(counts: Values, start: Values, resamples: int, seed: int) -> Values:
    """Estimates of resamples of listeners (those that have one); none for a single listener."""
    n = len(counts)
    if n < 2:
        return np.empty((0, len(start)))
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    found = []
    for table in np.tensordot(drawn.astype(float), counts, axes=1):
        try:
            found.append(_fit(table, start))
        except np.linalg.LinAlgError:
            continue
    return np.array(found).reshape(-1, len(start))


def _probabilities(parameters: NDArray, systems: int, categories: int) -> NDArray:
    """P(system, category); of complex parameters for the complex-step Hessian."""
    cuts = parameters[: categories - 1]
    strengths = np.concatenate([np.zeros(1), parameters[categories - 1 :]])
    cumulative = 1 / (1 + np.exp(strengths[:, None] - cuts))
    edge = np.zeros((systems, 1))
    return np.diff(np.concatenate([edge, cumulative, edge + 1], axis=1), axis=1)


def _loglik(parameters: NDArray, counts: Values) -> NDArray:
    p = _probabilities(parameters, *counts.shape)
    voted = counts > 0
    return (counts[voted] * np.log(p[voted])).sum()


def _fit(counts: Values, start: Values | None) -> Values:
    """Fisher's scoring; `LinAlgError` where the likelihood has no maximum."""
    systems, categories = counts.shape
    cut = categories - 1
    if start is None:
        share = np.cumsum(counts.sum(axis=0))[:-1] / counts.sum()
        start = np.concatenate([special.logit(share), np.zeros(systems - 1)])
    estimate = start
    design = np.zeros((systems, cut, cut + systems - 1))
    design[:, np.arange(cut), np.arange(cut)] = 1
    for s in range(1, systems):
        design[s, :, cut + s - 1] = -1
    n = counts.sum(axis=1)
    for _ in range(ITERATIONS):
        p = np.maximum(_probabilities(estimate, systems, categories), 1e-300)
        cumulative = np.cumsum(p, axis=1)[:, :-1]
        slope = (cumulative * (1 - cumulative))[:, :, None] * design
        edge = np.zeros((systems, 1, slope.shape[2]))
        change = np.diff(np.concatenate([edge, slope, edge], axis=1), axis=1)
        gradient = np.einsum("sc,sck->k", counts / p, change)
        information = np.einsum("sc,sck,scl->kl", n[:, None] / p, change, change)
        step = np.linalg.solve(information, gradient)
        estimate = estimate + step * min(1.0, 1.0 / np.abs(step).max(initial=1e-300))
        if not np.isfinite(estimate).all() or np.abs(estimate).max() > UNBOUNDED:
            break
        if np.abs(step).max() < CONVERGED:
            return estimate
    raise np.linalg.LinAlgError("no maximum")
