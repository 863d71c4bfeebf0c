"""What a test method promises: how a trial becomes a page, what an answer is, and what ratings it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from listening.models import Campaign, Page, Slot, Stimulus, Trial


class AnswerError(ValueError):
    """An answer that the method does not allow; the message says what was expected and found."""


@dataclass(frozen=True)
class PlannedSlot:
    """A slot before it is stored: what the listener sees, and what it plays (None: the open reference)."""

    label: str
    stimulus: Stimulus | None


@dataclass(frozen=True)
class Judgement:
    """One rating that follows from an answer."""

    stimulus: Stimulus
    value: float
    detail: dict[str, Any] = field(default_factory=dict)


class Method(ABC):
    """A test method. Subclasses in this package register themselves by being defined."""

    name: ClassVar[str]
    title: ClassVar[str]
    # the standard the method follows, for pages, exports and reports
    standard: ClassVar[str]
    template: ClassVar[str]
    default_instructions: ClassVar[str]

    @abstractmethod
    def problems(self, campaign: Campaign) -> list[str]:
        """Everything that keeps `campaign` from being launched, one sentence each."""

    @abstractmethod
    def plan(
        self, trial: Trial, stimuli: list[Stimulus], *, repetition: int, rng: np.random.Generator
    ) -> list[PlannedSlot]:
        """The slots of one page, in the order on screen."""

    @abstractmethod
    def judge(self, page: Page, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """Check an answer and say which ratings it gives; raises `AnswerError`."""

    @abstractmethod
    def unanswered(self, page: Page, slots: list[Slot]) -> list[str]:
        """Labels of the slots that still need an answer before the page may be finished."""
