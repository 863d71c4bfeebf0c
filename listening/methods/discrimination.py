"""What the methods share that ask whether a difference is heard at all: every answer is right or wrong.

A listener gives a fixed number of answers (items × repetitions), or, with the option `sequential`, at most so many:
Wald's sequential probability ratio test then follows the answers in their order, over all items, and once it is decided
the rating pages that are left are not shown. Neither what was decided nor whether an answer was right reaches the
listener; with the option `feedback` practice pages, and they alone, say right or wrong.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from pandas import DataFrame

from listening.analysis import report
from listening.analysis.frames import AnalysisError
from listening.analysis.sequential_abx import Sprt
from listening.methods.base import Method, material_problems
from listening.models import Campaign, Rating, Slot
from listening.plan import items_never_rated

# of the options that all these methods have
SEQUENTIAL = {"sequential": False, "alpha": 0.05, "beta": 0.1, "feedback": False}


class Discrimination(Method):
    """A method with two conditions; the option `p1` says how often a listener worth finding is right."""

    single_systems = False

    @property
    @abstractmethod
    def chance(self) -> float:
        """How often a guess is right."""

    @property
    def test(self) -> Sprt | None:
        """The sequential test of a session; None where the number of answers is fixed."""
        if not self.options["sequential"]:
            return None
        p1, alpha, beta = (float(self.options[name]) for name in ("p1", "alpha", "beta"))
        return Sprt(self.chance, p1, alpha, beta)

    def further_option_problems(self) -> Iterator[str]:
        try:
            _ = self.test
        except AnalysisError as problem:
            yield f"options: {problem}"

    def problems(self, campaign: Campaign) -> list[str]:
        problems = list(material_problems(campaign))
        if (found := campaign.conditions.count()) != 2:
            problems.append(f"expected two conditions to tell apart, found {found}")
        if campaign.repetitions < 1:
            problems.append(f"expected at least one repetition, found {campaign.repetitions}")
        for trial in campaign.trials.prefetch_related("stimuli"):
            signals = [stimulus.signal_id for stimulus in trial.stimuli.all() if stimulus.signal_id]
            if len(set(signals)) < len(signals):
                problems.append(f"{trial.item}: expected two different signals, found one twice")
        rated = campaign.trials.exclude(item__in=items_never_rated(campaign.plan))
        most = rated.count() * campaign.repetitions
        if self.test and not self.decided([1.0] * most):
            needed = int(np.ceil(self.test.bounds[1] / self.test.steps[1]))
            problems.append(
                f"expected {needed} pages (items × repetitions) or more, without which the sequential test can "
                f"find nobody, found {most}"
            )
        return problems

    @property
    def ends_early(self) -> bool:
        return self.test is not None

    def decided(self, values: Iterable[float]) -> bool:
        return self.test is not None and self.test.decision(list(values))[0] != "continue"

    def analyse(self, ratings: DataFrame, *, screening: str) -> report.Analysis:
        found = super().analyse(ratings, screening=screening)
        assert isinstance(found, report.AbxAnalysis)
        return found.stopped_by(self.test, ratings) if self.test else found

    def told(self, ratings: list[Rating]) -> str:
        if not self.options["feedback"] or not ratings:
            return ""
        return "right" if ratings[0].value else "wrong"

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        # the answer alone: whether it was right would say what was drawn
        return {slots[-1].label: ratings[0].detail["answer"]} if ratings else {}

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        return [] if ratings else [slots[-1].label]
