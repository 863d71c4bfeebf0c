"""Repeated-measures analysis of variance, condition × item within listeners, as BS.1534-3 Attachment 4 asks for it.

Items are fixed here, so that its claims hold for these items. Sums over orthonormal contrasts are computed by
centring, and the spread of their covariance S from the listeners' inner products, which are as many as listeners
squared however many contrasts there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, stats

from listening.analysis.cells import Cells, cells
from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]

SCOPE = "for these items, and listeners like these"
# Algina & Keselman (1997), as Attachment 4 quotes them
UNIVARIATE_ABOVE = 0.85
UNIVARIATE_LISTENERS = 30
# Attachment 4: skewness of a cell's residuals that is worth a look, and that speaks for another test
SKEWED, TOO_SKEWED = 0.5, 1.0

EFFECT_COLUMNS = ["effect", "df1", "df2", "ss", "ss_error", "f", "p"]
EFFECT_COLUMNS += ["eps_gg", "p_gg", "eps_hf_raw", "eps_hf", "p_hf"]
EFFECT_COLUMNS += ["partial_eta2", "generalized_eta2"]
EFFECT_COLUMNS += ["t2", "f_multivariate", "df1_multivariate", "df2_multivariate", "p_multivariate"]
EFFECT_COLUMNS += ["choice", "p_chosen"]


@dataclass(frozen=True)
class RepeatedMeasures:
    """The analysis of variance of `n_listeners` who rated everything; `incomplete_listeners` are left out.

    `effects` has one row for condition, item and condition:item and the columns `EFFECT_COLUMNS`: p is
    uncorrected, p_gg and p_hf have both degrees of freedom multiplied by Greenhouse & Geisser's or Huynh &
    Feldt's epsilon, the multivariate test is Hotelling's, `choice` says which of p_hf and p_multivariate is
    `p_chosen`. `skewness` counts the cells (condition × item) whose residuals are skewed.
    """

    n_listeners: int
    incomplete_listeners: tuple[str, ...]
    effects: pd.DataFrame
    cells: int
    skewed_cells: int
    too_skewed_cells: int
    caveats: tuple[str, ...]
    scope: str = SCOPE


def repeated_measures(
    ratings: pd.DataFrame, *, roles: Sequence[str] = ("system",)
) -> RepeatedMeasures:
    """Analyse the conditions with one of `roles`; repeated presentations are averaged.

    With one item there is only the effect of the condition. Raises `AnalysisError` with fewer than two
    conditions, or two listeners who rated every condition of every item.
    """
    cell = cells(ratings[ratings["role"].isin(roles)])
    y, incomplete = _complete(cell)
    n, items, conditions = y.shape
    grand = y.mean(axis=(1, 2), keepdims=True)
    of_conditions, of_items = y.mean(axis=1, keepdims=True), y.mean(axis=2, keepdims=True)
    parts = {
        "condition": np.sqrt(items) * (of_conditions - grand),
        "item": np.sqrt(conditions) * (of_items - grand),
        "condition:item": y - of_conditions - of_items + grand,
    }
    freedom = {"condition": conditions - 1, "item": items - 1}
    freedom["condition:item"] = prod(freedom.values())
    subjects = items * conditions * float(((grand - grand.mean()) ** 2).sum())
    estimable = {name: part for name, part in parts.items() if freedom[name]}
    errors = {name: _squares(part - part.mean(axis=0)) for name, part in estimable.items()}
    noise = subjects + sum(errors.values())
    caveats = []
    rows = []
    for name, part in estimable.items():
        if errors[name] <= 1e-12 * max(_squares(part), 1e-12) * n:
            caveats.append(f"no analysis of variance for {name}: all listeners agree exactly")
            continue
        rows.append(_effect(name, part, freedom[name], errors[name], noise))
    skewness = np.abs(_skewness(y))
    skewed, too = int((skewness > SKEWED).sum()), int((skewness > TOO_SKEWED).sum())
    if too:
        caveats.append(
            f"the residuals of {too} of {skewness.size} cells are skewed by more than {TOO_SKEWED:g}: "
            "rank tests are the safer ones"
        )
    if incomplete:
        caveats.append(
            f"the analysis of variance leaves out {len(incomplete)} listener(s) who did not rate everything: "
            + ", ".join(incomplete)
        )
    effects = pd.DataFrame(rows, columns=EFFECT_COLUMNS)
    return RepeatedMeasures(n, incomplete, effects, skewness.size, skewed, too, tuple(caveats))


def _complete(cell: Cells) -> tuple[Values, tuple[str, ...]]:
    """(listeners, items, conditions) of those who rated everything, and the names of the others."""
    if len(cell.conditions) < 2:
        raise AnalysisError(
            f"analysis of variance: expected two conditions or more, found {len(cell.conditions)}"
        )
    rated = np.bincount(cell.of_listener, (~np.isnan(cell.means)).sum(axis=1), len(cell.listeners))
    whole = rated == len(cell.items) * len(cell.conditions)
    if whole.sum() < 2:
        raise AnalysisError(
            "analysis of variance: expected two or more listeners who rated every condition of every item, "
            f"found {int(whole.sum())}"
        )
    others = tuple(sorted(np.array(cell.listeners, dtype=object)[~whole]))
    chosen = whole[cell.of_listener]
    y = np.empty((int(whole.sum()), len(cell.items), len(cell.conditions)))
    y[(np.cumsum(whole) - 1)[cell.of_listener[chosen]], cell.of_item[chosen]] = cell.means[chosen]
    return y, others


def _effect(name: str, part: Values, p: int, error: float, noise: float) -> dict[str, object]:
    """A row of `effects` from the listeners' centred values `part` (listeners, items, conditions), `p` of them free."""
    n = len(part)
    mean = part.mean(axis=0)
    ss = n * _squares(mean)
    deviations = part - mean
    f = (ss / p) / (error / ((n - 1) * p))
    flat = deviations.reshape(n, -1)
    inner = flat @ flat.T
    # tr(S)²/(p tr(S²)) of the covariance S of p orthonormal contrasts
    gg = error**2 / (p * _squares(inner))
    denominator = p * (n - 1 - p * gg)
    hf_raw = 1.0 if p == 1 else (n * p * gg - 2) / denominator if denominator > 1e-9 else np.nan
    hf = min(1.0, hf_raw) if isfinite(hf_raw) else gg
    row: dict[str, object] = {
        "effect": name,
        "df1": p,
        "df2": (n - 1) * p,
        "ss": ss,
        "ss_error": error,
        "f": f,
        "p": _p(f, p, n, 1.0),
        "eps_gg": gg,
        "p_gg": _p(f, p, n, gg),
        "eps_hf_raw": hf_raw,
        "eps_hf": hf,
        "p_hf": _p(f, p, n, hf),
        "partial_eta2": ss / (ss + error),
        "generalized_eta2": ss / (ss + noise),
        "choice": "univariate+HF",
    }
    multivariate = _hotelling(mean, deviations, p)
    row |= multivariate
    # the covariance of K − 1 contrasts takes K listeners
    if multivariate and not (hf > UNIVARIATE_ABOVE and n < p + 1 + UNIVARIATE_LISTENERS):
        row["choice"] = "multivariate"
    row["p_chosen"] = row["p_multivariate" if row["choice"] == "multivariate" else "p_hf"]
    return row


def _p(f: float, p: int, n: int, epsilon: float) -> float:
    return float(stats.f.sf(f, p * epsilon, (n - 1) * p * epsilon))


def _hotelling(mean: Values, deviations: Values, p: int) -> dict[str, float]:
    """Hotelling's T² that all contrasts are 0; nothing when the listeners are too few or their covariance singular."""
    n = len(deviations)
    if n <= p:
        return {}
    # centred values are known without the last of each factor, and T² does not mind the basis
    within = tuple(slice(-1) if size > 1 else slice(None) for size in mean.shape)
    centre, spread = mean[within].ravel(), deviations[:, *within].reshape(n, -1)
    try:
        factor = linalg.cholesky(spread.T @ spread, lower=True)
    except linalg.LinAlgError:
        return {}
    if factor.diagonal().min() < 1e-7 * factor.diagonal().max():
        return {}
    t2 = n * (n - 1) * _squares(linalg.solve_triangular(factor, centre, lower=True))
    df2 = n - p
    f = t2 * df2 / ((n - 1) * p)
    return {
        "t2": t2,
        "f_multivariate": f,
        "df1_multivariate": p,
        "df2_multivariate": df2,
        "p_multivariate": float(stats.f.sf(f, p, df2)),
    }


def _skewness(y: Values) -> Values:
    """Skewness of every cell's residuals over listeners; 0 where they do not vary."""
    d = y - y.mean(axis=0)
    m2, m3 = (d**2).mean(axis=0), (d**3).mean(axis=0)
    return np.divide(m3, m2**1.5, out=np.zeros_like(m2), where=m2 > 1e-18)


def _squares(values: Values) -> float:
    return float(np.vdot(values, values))
