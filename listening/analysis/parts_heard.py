"""What listeners said of a whole against the whole without each of its parts, part by part, whatever the method.

Conventions: a frame of ratings as the analysis reads it, screened; `whole` and the names of the others are conditions.
A value comes with its 95 % interval and the number that it rests on; what cannot be told has a reason instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from listening.analysis import abx, preference
from listening.analysis.cells import cells, mean_by
from listening.analysis.choices import choices
from listening.analysis.frames import AnalysisError, uncoded
from listening.analysis.paired import paired_t


@dataclass(frozen=True)
class Said:
    """Of one part: `value` with its interval `low` … `high`, missing where there is none, over `n` of `of`."""

    part: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    of: str
    problem: str = ""


def grades(ratings: pd.DataFrame, whole: str, without: Mapping[str, str]) -> list[Said]:
    """By how many points the whole was graded above what is without each part: one mean per listener over the items
    on which both were graded, with the t interval of their mean."""
    found = cells(ratings)
    rows = []
    for part, name in without.items():
        if not {whole, name} <= set(found.conditions):
            rows.append(Said(part, None, None, None, 0, "listeners", "not graded yet"))
            continue
        places = [found.conditions.index(one) for one in (whole, name)]
        differences, listeners = found.differences(*places)
        means = mean_by(listeners, differences, len(found.listeners))
        means = means[~np.isnan(means)]
        try:
            test = paired_t(means)
            rows.append(Said(part, test.mean, test.ci_low, test.ci_high, test.n, "listeners"))
        except AnalysisError:
            value = float(means.mean()) if means.size else None
            rows.append(
                Said(part, value, None, None, means.size, "listeners",
                     "no interval: two listeners who differ are needed")
            )  # fmt: skip
    return rows


def preferences(ratings: pd.DataFrame, whole: str, without: Mapping[str, str]) -> list[Said]:
    """In which share of the decided comparisons the whole was preferred, with Clopper-Pearson's interval."""
    table = preference.pairs(choices(uncoded(ratings)))
    rows = []
    for part, name in without.items():
        pair = table[table[["a", "b"]].isin([whole, name]).all(axis=1)]
        if pair.empty or not (decided := int(pair[["wins_a", "wins_b"]].iloc[0].sum())):
            rows.append(Said(part, None, None, None, 0, "choices", "no decided choice yet"))
            continue
        row = pair.iloc[0]
        value, low, high = (float(row[key]) for key in ("proportion_a", "ci_low", "ci_high"))
        if row["b"] == whole:
            value, low, high = 1 - value, 1 - high, 1 - low
        rows.append(Said(part, value, low, high, decided, "choices"))
    return rows


def told_apart(ratings: pd.DataFrame, whole: str, without: Mapping[str, str]) -> list[Said]:
    """In which share of the answers the whole was told from what is without each part, with Clopper-Pearson's
    interval; guesses are right in half of them."""
    table = abx.pooled(uncoded(ratings))
    rows = []
    for part, name in without.items():
        pair = table[table[["condition", "reference_condition"]].isin([whole, name]).all(axis=1)]
        if pair.empty:
            rows.append(Said(part, None, None, None, 0, "answers", "no answer yet"))
            continue
        row = pair.iloc[0]
        value, low, high = (float(row[key]) for key in ("proportion", "ci_low", "ci_high"))
        rows.append(Said(part, value, low, high, int(row["trials"]), "answers"))
    return rows
