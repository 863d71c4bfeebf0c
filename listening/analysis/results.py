"""What every analysis of a campaign's ratings is: unrounded results as JSON, tables as text, a summary for exports.

One subclass for each reading of ratings (`frames.Ratings.reading`), built by its `of`; `report.analyse` chooses.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pandas as pd

from listening.analysis import listings
from listening.analysis.plain import plain
from listening.analysis.screening import TITLES, Screening

# campaign, method, listeners, simulated listeners, and the screening: the first fields of every analysis
Common = tuple[str, str, int, int, Screening]


@dataclass(frozen=True)
class Analysis(ABC):
    """What a campaign's ratings say; `screening` says whose of them entered."""

    # how the figures were computed, by their names
    methods: ClassVar[Mapping[str, str]]

    campaign: str
    method: str
    listeners: int
    simulated_listeners: int
    screening: Screening

    @classmethod
    @abstractmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        """Analyse `ratings`, of which screening left `kept`; both have their names coded (`frames.coded`)."""

    def to_json(self) -> str:
        """Every figure, unrounded; a missing one is null."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        head = head_dict(self.campaign, self.method, self.listeners, self.simulated_listeners)
        rest = {"screening": screening_dict(self.screening), **self._results()}
        return plain(head | rest | {"methods": self.methods})

    def to_text(self) -> str:
        """The main tables, rounded, for a terminal."""
        head = listings.head(self.campaign, self.method, self.listeners, self.simulated_listeners)
        return "\n\n".join([head, listings.screening(self.screening), *self._sections()]) + "\n"

    @property
    @abstractmethod
    def summary(self) -> pd.DataFrame:
        """The one table that an export shows first."""

    @abstractmethod
    def _results(self) -> dict[str, object]: ...

    @abstractmethod
    def _sections(self) -> list[str]: ...


def head_dict(campaign: str, method: str, listeners: int, simulated: int) -> dict[str, object]:
    return {
        "campaign": campaign,
        "method": method,
        "listeners": listeners,
        "simulated": simulated > 0,
        "simulated_listeners": simulated,
    }


def screening_dict(screening: Screening) -> dict[str, object]:
    decisions = screening.decisions
    return {
        "rule": screening.rule,
        "title": TITLES[screening.rule],
        "ratings_before": screening.ratings_before,
        "ratings_after": screening.ratings_after,
        "listeners_before": len(decisions),
        "listeners_after": int((~decisions["excluded"]).sum()),
        "excluded": decisions[decisions["excluded"]][["listener", "reason"]],
        "not_applied": screening.not_applied,
        "exempt_items": screening.exempt_items,
        "left_out": screening.left_out,
        "decisions": decisions,
    }
