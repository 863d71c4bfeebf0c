"""Two conditions held against each other: preferences (AB), and comparison categories (CCR).

A tidy frame has the rating of one of the two, whichever was first; the reports of votes take what was presented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pandas as pd

from listening.analysis.frames import AnalysisError, uncoded
from listening.analysis.results import Analysis, Common
from listening.analysis.vote_reports import (
    CATEGORY_METHODS,
    PREFERENCE_METHODS,
    SCOPE,
    VoteReport,
    analyse_categories,
    analyse_preferences,
)

# a preference for the first of two, as a number, in words
PREFERRED = {1.0: "first", 0.0: "second", 0.5: "tie"}


@dataclass(frozen=True)
class _PairedAnalysis(Analysis):
    """`votes` reports the comparisons of those kept; its `pairs` has one row per pair."""

    votes: VoteReport

    @property
    def summary(self) -> pd.DataFrame:
        pairs = self.votes.results["pairs"]
        assert isinstance(pairs, pd.DataFrame)
        return pairs

    def _results(self) -> dict[str, object]:
        return {"scope": SCOPE, **self.votes.results, "caveats": self.votes.caveats}

    def _sections(self) -> list[str]:
        return [*self.votes.tables, *self.votes.caveats]


@dataclass(frozen=True)
class PreferenceAnalysis(_PairedAnalysis):
    methods = PREFERENCE_METHODS

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        return cls(*common, analyse_preferences(choices(uncoded(kept)), campaign=common[0]))


@dataclass(frozen=True)
class CategoryAnalysis(_PairedAnalysis):
    methods = CATEGORY_METHODS

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        return cls(*common, analyse_categories(categories(uncoded(kept)), campaign=common[0]))


def choices(ratings: pd.DataFrame) -> pd.DataFrame:
    """Preferences as they were presented: first, second and choice ('first', 'second', 'tie'), with every other column.

    Raises `AnalysisError` where a row does not say which of its two was first, or its rating is no preference.
    """
    if (odd := ~ratings["rating"].isin(PREFERRED)).any():
        raise AnalysisError(
            "preferences: expected 1 (the condition), 0 (the other) or 0.5 (neither), "
            f"found {ratings.loc[odd, 'rating'].iloc[0]:g}"
        )
    presented, rated_first = _presented(ratings)
    of_first = ratings["rating"].where(rated_first, 1 - ratings["rating"])
    return presented.assign(choice=of_first.map(PREFERRED)).drop(columns="rating")


def categories(ratings: pd.DataFrame) -> pd.DataFrame:
    """Comparison categories as they were presented: first, second and rating, how the second compares with the first.

    Raises `AnalysisError` where a row does not say which of its two was first.
    """
    presented, rated_first = _presented(ratings)
    return presented.assign(rating=ratings["rating"].where(~rated_first, -ratings["rating"]))


def _presented(ratings: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """With first and second in the order of presentation; and where the first is the one that is rated."""
    first, rated = ratings["presented_first"], ratings["condition"]
    rated_first = first == rated
    if (lost := ~rated_first & (first != ratings["reference_condition"])).any():
        row = ratings[lost].iloc[0]
        raise AnalysisError(
            f"comparisons: expected {row['condition']!r} or {row['reference_condition']!r} to be presented first, "
            f"found {row['presented_first']!r} (listener {row['listener']!r}, trial {row['trial']})"
        )
    second = rated.where(~rated_first, ratings["reference_condition"])
    return ratings.rename(columns={"presented_first": "first"}).assign(second=second), rated_first
