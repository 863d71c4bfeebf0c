"""Ranks with what is known of them, and who is beaten by nobody in everything at once.

A rank is a claim about all others at once, and the bootstrap of ranks themselves does not hold where systems are about
as good as each other (Hall & Miller, Using the bootstrap to quantify the authority of an empirical ranking, Annals of
Statistics 37, 2009). So ranks are bounded by differences: the marginal confidence set of Mogstad, Romano, Shaikh &
Wilhelm (Inference for Ranks with Applications to Mobility across Neighbourhoods and Academic Achievement across
Countries, Review of Economic Studies 91, 2024). Whoever is shown to be better stands before, whoever is shown to be
worse behind; the differences are judged together, by the bootstrap distribution of the largest studentised one, which
draws whole items.

Conventions: values are (items, systems) without gaps; ranks begin at 1, the best; systems of one mean share the best
rank among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from listening.analysis.bootstrap import CONFIDENCE, RESAMPLES, SEED, tied
from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

# of fewer items no difference has a spread
FEWEST = 2
# of the greatest spread: below it, two systems differ by one constant on all items
CONSTANT = 1e-12


@dataclass(frozen=True)
class Rank:
    """A system's place by its mean over the items, and the places that the items do not rule out (95 %)."""

    rank: int
    low: int
    high: int
    mean: float


def ranks(
    values: Values,
    *,
    higher: bool,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Rank]:
    """Each system's rank and its confidence set; with a single item every place is possible.

    Raises `AnalysisError` where there is no item, no system, or a value that is not finite.
    """
    if values.ndim != 2 or not values.size:
        raise AnalysisError(
            f"ranks: expected items × systems, found an array shaped {values.shape}"
        )
    if not np.isfinite(values).all():
        raise AnalysisError("ranks: expected finite values, found others")
    signed = values if higher else -values
    n, systems = signed.shape
    means = signed.mean(axis=0)
    alike = tied(means)
    places = 1 + (alike[None, :] > alike[:, None]).sum(axis=1)
    low, high = np.ones(systems, dtype=int), np.full(systems, systems)
    if n >= FEWEST and systems > 1:
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
        for place in range(systems):
            better, worse = _shown(signed, place, drawn.astype(np.float64), confidence)
            low[place], high[place] = 1 + better, systems - worse
    shown = means if higher else -means
    return [
        Rank(int(p), int(a), int(b), float(m))
        for p, a, b, m in zip(places, low, high, shown, strict=True)
    ]


def _shown(signed: Values, place: int, drawn: Values, confidence: float) -> tuple[int, int]:
    """How many systems are shown to be better than the one at `place`, and how many worse."""
    differences = np.delete(signed, place, axis=1) - signed[:, [place]]
    mean, error = _moments(differences, np.ones((1, len(signed))))
    mean, error = mean[0], error[0]
    size = max(float(np.abs(signed).max()), 1e-300)
    varied = error > CONSTANT * size
    # a difference that is the same on every item needs no bootstrap
    better = int(((mean > CONSTANT * size) & ~varied).sum())
    worse = int(((mean < -CONSTANT * size) & ~varied).sum())
    if varied.any():
        limit = critical(differences[:, varied], drawn, confidence)
        ratio = mean[varied] / error[varied]
        better, worse = better + int((ratio > limit).sum()), worse + int((ratio < -limit).sum())
    return better, worse


def critical(differences: Values, drawn: Values, confidence: float = CONFIDENCE) -> float:
    """What the largest of the studentised mean differences (items, comparisons) exceeds in 1 − `confidence` of the
    resamples `drawn` (resamples, items), how often each item was drawn; infinite where too few items differ."""
    centred = differences - differences.mean(axis=0)
    mean, error = _moments(centred, drawn)
    with np.errstate(divide="ignore", invalid="ignore"):
        # a resample of one item alone has no spread: it speaks for no limit at all
        largest = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    return float(np.quantile(largest.max(axis=1), confidence, method="higher"))


def _moments(differences: Values, drawn: Values) -> tuple[Values, Values]:
    """Means and their standard errors (resamples, comparisons) of items drawn so often."""
    n = drawn.shape[1]
    mean = drawn @ differences / n
    square = drawn @ differences**2 / n
    left = square - mean**2
    # what rounding leaves of equal numbers is no spread
    variance = np.where(left > 1e-12 * square, left, 0.0) * n / max(1, n - 1)
    return mean, np.sqrt(variance / n)


def pareto_front(values: Sequence[Sequence[float | None]], *, higher: Sequence[bool]) -> list[bool]:
    """Whether no other of `values` (systems × objectives) is as good in every objective and better in one.

    A system that lacks a value (None) can neither be on the front nor keep another from it.
    """
    known = [all(one is not None for one in row) for row in values]
    signs = [1.0 if one else -1.0 for one in higher]
    points = {
        place: np.array([s * float(v) for s, v in zip(signs, row, strict=True) if v is not None])
        for place, row in enumerate(values)
        if known[place]
    }
    return [
        known[place]
        and not any(
            bool((other >= points[place]).all() and (other > points[place]).any())
            for other in points.values()
        )
        for place in range(len(values))
    ]
