"""The crossed mixed model of ratings: what can be claimed for listeners, and items, like these.

    rating = condition + listener + item + listener × condition + item × condition + residual

The condition is fixed, all else random and normal: the maximal model for a design in which every listener rates
every condition of every item (Barr et al. 2013). Leaving the two interactions out makes differences between
conditions look far surer than they are. Missing ratings need no care: cells that nobody rated are simply not there.
Variances are estimated by restricted maximum likelihood, degrees of freedom are Satterthwaite's, as in R's lme4,
lmerTest and emmeans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis.adjustment import hochberg, holm, tukey
from listening.analysis.crossed import TERMS, Codes, Design, Values, design
from listening.analysis.description import CONFIDENCE
from listening.analysis.frames import AnalysisError
from listening.analysis.reml import Fit, fit

MEAN_COLUMNS = ["condition", "mean", "se", "df", "ci_low", "ci_high"]
PAIR_COLUMNS = ["a", "b", "difference", "se", "df", "t", "ci_low", "ci_high"]
PAIR_COLUMNS += ["p", "p_holm", "p_hochberg", "p_tukey"]


@dataclass(frozen=True)
class EqualMeans:
    """The test that all conditions have one mean: F with Satterthwaite's denominator."""

    f: float
    df1: int
    df2: float
    p: float


@dataclass(frozen=True)
class MixedModel:
    """A fitted model of `n_ratings` ratings.

    `components` has one row per random effect and one for the residual: term, levels, variance, sd, share of
    the sum of variances. `means` holds the estimated marginal mean of each condition, `pairs` their differences
    a − b; intervals are 95 %, not adjusted. Components with variance 0 are named in `zero`, those that the
    design cannot tell from others are not `terms`.
    """

    conditions: tuple[str, ...]
    n_ratings: int
    n_listeners: int
    n_items: int
    terms: tuple[str, ...]
    components: pd.DataFrame
    means: pd.DataFrame
    pairs: pd.DataFrame
    overall: EqualMeans | None
    reml_criterion: float
    zero: tuple[str, ...]
    scope: str
    caveats: tuple[str, ...]

    @property
    def singular(self) -> bool:
        return bool(self.zero)

    def variance(self, term: str) -> float:
        """The variance of `term` ('residual' for the rest), 0 where the model has none."""
        found = self.components.loc[self.components["term"] == term, "variance"]
        return float(found.iloc[0]) if len(found) else 0.0


def mixed_model(
    ratings: pd.DataFrame,
    *,
    roles: Sequence[str] = ("system",),
    terms: Sequence[str] = TERMS,
) -> MixedModel:
    """Fit the crossed mixed model to the conditions with one of `roles`; `terms` are its random effects.

    `ratings` needs the columns listener, item, condition, role and rating. A term that the design cannot tell
    from another (with one item, from the residual) is left out, with a caveat. Raises `AnalysisError` when there
    is nothing to estimate: no variation, or fewer ratings than the means and one variance need.
    """
    rated = ratings[ratings["role"].isin(roles)]
    (listeners, l_names), (items, i_names), (conditions, names) = (
        pd.factorize(rated[column]) for column in ("listener", "item", "condition")
    )
    y = rated["rating"].to_numpy(dtype=float)
    if len(y) <= len(names):
        raise AnalysisError(
            f"mixed model: expected more ratings than conditions, found {len(y)} of {len(names)}"
        )
    centre = float(y.mean())
    designed = design(listeners, items, conditions, y - centre)
    _check_variation(conditions, y)
    wanted = [term for term in TERMS if term in terms]
    known, caveats = _estimable(designed, wanted)
    try:
        found = fit(designed, known)
    except np.linalg.LinAlgError:
        raise AnalysisError(
            "mixed model: expected a likelihood with one best point, found none; more listeners or items are needed"
        ) from None
    zero = tuple(
        term for term, r in zip(TERMS, found.ratios, strict=True) if term in known and not r
    )
    if zero:
        caveats.append(
            "the model is singular: it estimates no variance of " + ", ".join(map(_words, zero))
        )
    labels = tuple(map(str, names))
    return MixedModel(
        labels,
        len(y),
        len(l_names),
        len(i_names),
        known,
        _components(designed, found, known),
        _means(found, labels, centre),
        _pairs(found, labels),
        EqualMeans(*found.equal_means()) if len(labels) > 1 else None,
        found.criterion,
        zero,
        _scope(wanted, len(l_names), len(i_names)),
        tuple(caveats),
    )


def _check_variation(conditions: Codes, y: Values) -> None:
    count = np.bincount(conditions)
    means = np.bincount(conditions, y) / count
    if np.abs(y - means[conditions]).max() < 1e-9:
        raise AnalysisError(
            "mixed model: expected ratings of a condition that vary, found all of them equal"
        )


def _estimable(designed: Design, terms: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The terms whose variance the design can tell from the others', and sentences on those it cannot."""
    levels, kept, caveats = designed.levels, [], []
    for term in terms:
        margin, _, interaction = term.partition(":")
        if levels[margin] == 1:
            if not interaction:
                caveats.append(f"one {margin} only: nothing can be said of other {margin}s")
        elif levels[term] == designed.n:
            caveats.append(f"{_words(term)} cannot be told from the residual: each was met once")
        elif not interaction or levels[term] > levels[margin]:
            kept.append(term)
    return tuple(kept), caveats


def _components(designed: Design, found: Fit, terms: Sequence[str]) -> pd.DataFrame:
    variances = dict(zip(TERMS, found.ratios * found.residual, strict=True))
    rows = [(term, designed.levels[term], variances[term]) for term in terms]
    table = pd.DataFrame(
        [*rows, ("residual", designed.n, found.residual)], columns=["term", "levels", "variance"]
    )
    return table.assign(
        sd=np.sqrt(table["variance"]), share=table["variance"] / table["variance"].sum()
    )


def _means(found: Fit, names: Sequence[str], centre: float) -> pd.DataFrame:
    rows = []
    for weights, name in zip(np.eye(len(names)), names, strict=True):
        estimate, se, df = found.contrast(weights)
        half = _half(se, df)
        mean = estimate + centre
        rows.append((name, mean, se, df, mean - half, mean + half))
    return pd.DataFrame(rows, columns=MEAN_COLUMNS)


def _pairs(found: Fit, names: Sequence[str]) -> pd.DataFrame:
    unit = np.eye(len(names))
    rows = []
    for a, b in combinations(range(len(names)), 2):
        estimate, se, df = found.contrast(unit[a] - unit[b])
        t, half = estimate / se, _half(se, df)
        p = float(2 * stats.t.sf(abs(t), df))
        rows.append((names[a], names[b], estimate, se, df, t, estimate - half, estimate + half, p))
    table = pd.DataFrame(rows, columns=PAIR_COLUMNS[:9])
    return table.assign(
        p_holm=holm(table["p"]),
        p_hochberg=hochberg(table["p"]),
        p_tukey=tukey(table["t"], table["df"], means=len(names)),
    )


def _half(se: float, df: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * se


def _scope(terms: Sequence[str], listeners: int, items: int) -> str:
    """A random factor stands for others like it, even where its variance is part of the residual's."""
    of_items = _like("item", items, random="item" in terms)
    of_listeners = _like("listener", listeners, random="listener" in terms)
    return f"for {of_items}, and {of_listeners}"


def _like(kind: str, n: int, *, random: bool) -> str:
    if n == 1:
        return f"this {kind} only"
    return f"{kind}s like these" if random else f"these {kind}s only"


def _words(term: str) -> str:
    return term.replace(":", " × ")
