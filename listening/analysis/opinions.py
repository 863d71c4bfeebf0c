"""Opinions of single stimuli (ACR, DCR, P.835, attributes): one report per scale, after screening.

Beside the report of votes (`vote_reports.analyse_opinions`) every scale has the comparison of its systems by the same
listeners, as other grades have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pandas as pd

from listening.analysis import listings
from listening.analysis.comparison import Comparison, compare
from listening.analysis.frames import METHODS, uncoded
from listening.analysis.grades import MUSHRA_METHODS, comparison_dict
from listening.analysis.results import Analysis, Common
from listening.analysis.vote_reports import OPINION_METHODS, SCOPE, VoteReport, analyse_opinions


@dataclass(frozen=True)
class OpinionAnalysis(Analysis):
    """`reports` and `comparisons` by scale, in the order of the ratings; a method with one scale has it under ''."""

    methods = OPINION_METHODS | MUSHRA_METHODS

    reports: dict[str, VoteReport]
    comparisons: dict[str, Comparison]

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        campaign, method, *_ = common
        kept, kind = uncoded(kept), METHODS[method]
        by_scale = {str(scale): votes for scale, votes in kept.groupby("scale", sort=False)}
        reports = {
            scale: analyse_opinions(
                votes, campaign=campaign, method=method, scale=(kind.low, kind.high)
            )
            for scale, votes in by_scale.items()
        }
        return cls(*common, reports, {scale: compare(votes) for scale, votes in by_scale.items()})

    @property
    def summary(self) -> pd.DataFrame:
        """The conditions of every scale."""
        return pd.concat(
            [report.conditions.assign(scale=scale) for scale, report in self.reports.items()],
            ignore_index=True,
        )

    def _results(self) -> dict[str, object]:
        scales = [
            {
                "scale": scale,
                **report.results,
                "comparison": comparison_dict(self.comparisons[scale]),
                "caveats": report.caveats,
            }
            for scale, report in self.reports.items()
        ]
        return {"scope": SCOPE, "scales": scales}

    def _sections(self) -> list[str]:
        return [
            "\n\n".join(
                [
                    *([f"{scale}:"] if scale else []),
                    *report.tables,
                    listings.comparison(self.comparisons[scale]),
                    *report.caveats,
                ]
            )
            for scale, report in self.reports.items()
        ]
