"""The rating that a metric's score predicts, by the line or curve that one campaign's stimuli gave.

The mapping is P.1401's (mapping.py): a monotone cubic from 20 stimuli on, a line below. Scores beyond those that
listeners rated are taken for the nearest that they did: nothing is known of what lies further out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from listening.analysis.correlation import FEWEST, Coefficient, pearson
from listening.analysis.frames import AnalysisError
from listening.analysis.mapping import FEWEST_FOR_CUBIC, PARAMETERS, Mapping, fit_mapping

CONFIDENCE_SAID = "95 %"


@dataclass(frozen=True)
class Predictor:
    """`mapping` of `metric`'s scores, from `low` to `high`, to ratings; how well both agree over the stimuli (`r`, with
    n), and the root mean square error of what is predicted, in the rating's unit."""

    metric: str
    mapping: Mapping
    low: float
    high: float
    r: Coefficient
    rmse: float

    def __call__(self, score: float) -> float:
        return float(self.mapping(np.clip(score, self.low, self.high)))

    @property
    def said(self) -> str:
        """How far to trust it, in one sentence."""
        return (
            f"{self.metric}, mapped by a {self.mapping.kind} {'curve' if 'cubic' in self.mapping.kind else 'fit'} of "
            f"{self.r.n} stimuli: r = {self.r.value:.2f} [{self.r.low:.2f}, {self.r.high:.2f}] ({CONFIDENCE_SAID}), "
            f"rmse {self.rmse:.3g}"
        )


def predictor(points: pd.DataFrame, *, metric: str = "") -> Predictor:
    """What maps `metric`'s scores to mean ratings; without a name the metric that correlates most with them.

    `points` has one row per stimulus and metric with the columns metric, value and rating (see `correlation.join`).
    Raises `AnalysisError` where there is no such metric, or too few of its scores.
    """
    complete = points.dropna(subset=["value", "rating"])
    found: dict[str, Predictor] = {}
    reasons: dict[str, str] = {}
    for name, rows in complete.groupby("metric", sort=True):
        if metric and name != metric:
            continue
        try:
            found[str(name)] = _fitted(str(name), rows)
        except AnalysisError as error:
            reasons[str(name)] = str(error)
    if not found:
        known = ", ".join(sorted(complete["metric"].unique())) or "none"
        why = (
            "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or f"scored: {known}"
        )
        raise AnalysisError(
            f"expected scores of {metric or 'a metric'} for at least {FEWEST} rated stimuli, found none ({why})"
        )
    return max(found.values(), key=lambda one: abs(one.r.value))


def _fitted(name: str, rows: pd.DataFrame) -> Predictor:
    x, y = rows["value"].to_numpy(float), rows["rating"].to_numpy(float)
    if len(x) < FEWEST:
        raise AnalysisError(f"expected at least {FEWEST} rated stimuli with scores, found {len(x)}")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise AnalysisError("expected scores and ratings that vary, found one value")
    r = pearson(x, y)
    kind = "monotone cubic" if len(x) >= FEWEST_FOR_CUBIC else "linear"
    # the monotone cubic rises: a metric that falls with the ratings is turned round
    sign = -1.0 if r.value < 0 and kind != "linear" else 1.0
    mapping = fit_mapping(sign * x, y, kind=kind)
    if sign < 0:
        mapping = _turned(mapping)
    errors = y - mapping(x)
    rmse = float(np.sqrt((errors**2).sum() / max(1, len(x) - PARAMETERS[kind])))
    return Predictor(name, mapping, float(x.min()), float(x.max()), r, rmse)


def _turned(mapping: Mapping) -> Mapping:
    """The same mapping of scores whose signs are turned: odd powers change theirs."""
    turned = tuple(c * (-1) ** power for power, c in enumerate(mapping.coefficients))
    return Mapping(
        mapping.kind,
        -mapping.centre,
        mapping.half_range,
        turned,
        mapping.held,
        mapping.monotone,
    )
