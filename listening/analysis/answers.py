"""Answers that are right or wrong: ABX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pandas as pd

from listening.analysis import abx, listings
from listening.analysis.frames import uncoded
from listening.analysis.results import Analysis, Common

ABX_METHODS = {
    "p": "exact binomial, one-sided against 1/2; mid_p counts half of the observed outcome",
    "ci_low, ci_high": "Clopper-Pearson, 95 %",
    "dprime": "of the proportion clipped to 1/2 … 1 − 1/(2 trials)",
    "holm": "over the listeners of a pair",
    "heterogeneity": "χ² that all listeners of a pair have one proportion",
}


@dataclass(frozen=True)
class AbxAnalysis(Analysis):
    """`pairs` has one row per pair over all listeners (`abx.pooled`), `per_listener` one per pair and listener."""

    methods = ABX_METHODS

    pairs: pd.DataFrame
    per_listener: pd.DataFrame

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        kept = uncoded(kept)
        return cls(*common, abx.pooled(kept), abx.per_listener(kept))

    @property
    def summary(self) -> pd.DataFrame:
        return self.pairs

    def _results(self) -> dict[str, object]:
        return {
            "scope": abx.SCOPE,
            "pairs": self.pairs,
            "listeners_by_pair": self.per_listener,
        }

    def _sections(self) -> list[str]:
        return [
            f"All listeners, {abx.SCOPE}:\n" + listings.abx_pairs(self.pairs),
            "Each listener:\n" + listings.abx_listeners(self.per_listener),
        ]
