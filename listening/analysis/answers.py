"""Answers that are right or wrong: ABX, and the odd one out of three or more (triangle)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Self

import pandas as pd

from listening.analysis import abx, listings
from listening.analysis.frames import uncoded
from listening.analysis.results import Analysis, Common
from listening.analysis.sequential_abx import Sprt

ABX_METHODS = {
    "p": "exact binomial, one-sided against guessing (1/2 in ABX, 1/3 in a triangle); mid_p counts half of the "
    "observed outcome",
    "ci_low, ci_high": "Clopper-Pearson, 95 %",
    "dprime": "of the proportion clipped to guessing … 1 − 1/(2 trials)",
    "anytime_p, e_max": "Bayes factor after each answer, a test martingale; holds however often one looks",
    "sprt": "Wald's sequential probability ratio test of a listener's answers in their order",
    "holm": "over the listeners of a pair",
    "heterogeneity": "χ² that all listeners of a pair have one proportion",
}
STOPPED = (
    "sessions stopped once their answers were decided: p, interval and d′ of a fixed number of trials do not hold; "
    "the sequential test's decision and anytime_p do"
)


@dataclass(frozen=True)
class AbxAnalysis(Analysis):
    """`pairs` has one row per pair over all listeners (`abx.pooled`), `per_listener` one per pair and listener.

    A guess is right with probability `chance`. `test` is the one by which sessions stopped; None where the number of
    trials was fixed.
    """

    methods = ABX_METHODS

    pairs: pd.DataFrame
    per_listener: pd.DataFrame
    chance: float
    test: Sprt | None = None

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        kept = uncoded(kept)
        chance = abx.chance_of(kept)
        pooled, each = (part(kept, chance=chance) for part in (abx.pooled, abx.per_listener))
        return cls(*common, pooled, each, chance)

    def stopped_by(self, test: Sprt, ratings: pd.DataFrame) -> Self:
        """The same of sessions that `test` stopped; `ratings` are those analysed."""
        kept = self.screening.keep(ratings)
        each = abx.per_listener(kept, chance=self.chance, test=test)
        return replace(self, per_listener=each, test=test)

    @property
    def summary(self) -> pd.DataFrame:
        return self.pairs

    @property
    def caveats(self) -> tuple[str, ...]:
        return (STOPPED,) if self.test else ()

    def _results(self) -> dict[str, object]:
        return {
            "scope": abx.SCOPE,
            "chance": self.chance,
            "sequential_test": asdict(self.test) if self.test else None,
            "pairs": self.pairs,
            "listeners_by_pair": self.per_listener,
            "caveats": self.caveats,
        }

    def _sections(self) -> list[str]:
        sections = [
            f"All listeners, {abx.SCOPE}; a guess is right in {self.chance:.3g} of the trials:\n"
            + listings.abx_pairs(self.pairs),
            "Each listener:\n" + listings.abx_listeners(self.per_listener),
        ]
        if self.test:
            sections.append(listings.abx_sequential(self.per_listener, self.test))
        return [*sections, *self.caveats]
