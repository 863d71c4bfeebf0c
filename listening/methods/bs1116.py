"""Double-blind triple stimulus with hidden reference (ITU-R BS.1116-3), for small impairments.

A page presents the reference as A, and as B and C, in an order drawn for the page, the hidden reference and one
system. Both are graded against A on the continuous five-grade impairment scale, in tenths from 1.0 to 5.0. One of them
cannot be told from A, so that one must be graded 5.0 (option `one_is_5`). What counts is the difference grade: that of
the system less that of the hidden reference. Every system of an item has a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from listening.methods.base import AnswerError, Gates, PlannedSlot, material_problems
from listening.methods.scales import Role, Scaled, hidden_reference_problems
from listening.models import Campaign, Rating, Slot, Stimulus, Trial

if TYPE_CHECKING:
    from listening.simulation import Hearer

IMPERCEPTIBLE = 5.0
# difference grades of −4 are worth all 100 points of latent quality
POINTS_PER_GRADE = 25.0


class Bs1116(Scaled):
    name = "bs1116"
    title = "BS.1116"
    standard = "ITU-R BS.1116-3"
    template = "listening/listener/bs1116.html"
    gates = Gates(rate=True, listen=True)
    defaults = {"one_is_5": True}
    lowest, highest, whole = 1, 5, False
    default_instructions = _(
        "On each page you hear one piece of audio three times. A is the reference. One of B and C is the reference "
        "again, the other is a version that may be impaired; which is which was drawn at random for this page.\n\n"
        "Grade B against A, and C against A, from 5.0 down to 1.0 in tenths: 5.0 imperceptible, 4.0 perceptible, "
        "but not annoying, 3.0 slightly annoying, 2.0 annoying, 1.0 very annoying. Take any difference from A that "
        "you hear for an impairment.\n\n"
        "One of B and C should be indiscernible from A: that one is graded 5.0. If you hear no difference at all, "
        "decide which of the two you take for the reference; the other may be graded 5.0 too.\n\n"
        "Listen as often as you like and switch at any moment, also in the middle of a sound."
    )

    def problems(self, campaign: Campaign) -> list[str]:
        problems = [*material_problems(campaign), *hidden_reference_problems(campaign)]
        roles = [condition.role for condition in campaign.conditions.all()]
        if Role.SYSTEM not in roles:
            problems.append("expected at least one system under test, found none")
        return problems

    def judged_together(self, stimuli: list[Stimulus], *, seed: str) -> list[list[Stimulus]]:
        reference = [one for one in stimuli if one.condition.role == Role.REFERENCE]
        return [[*reference, one] for one in stimuli if one not in reference]

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        b, c = stimuli
        return [PlannedSlot("A"), PlannedSlot("B", b), PlannedSlot("C", c)]

    def checked_value(self, value: object) -> float:
        grade = super().checked_value(value)
        if round(grade, 1) != grade:
            raise AnswerError(f"expected a grade in tenths, found {value!r}")
        return grade

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        missing = super().unanswered(slots, ratings)
        grades = [rating.value for rating in ratings]
        if not missing and self.options["one_is_5"] and IMPERCEPTIBLE not in grades:
            return ["which of B and C is the reference, by a grade of 5.0"]
        return missing

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        """The listener takes for the reference what seems better, and grades the other by how much worse it seems."""
        seems = {
            slot.label: hearer.perceive(quality(slot.stimulus)) for slot in slots if slot.stimulus
        }
        best = max(seems, key=lambda label: seems[label])
        for slot in slots:
            if slot.stimulus:
                worse = (seems[best] - seems[slot.label]) / POINTS_PER_GRADE
                value = round(max(IMPERCEPTIBLE - worse, self.lowest), 1)
                yield {"slot": str(slot.token), "value": value}
