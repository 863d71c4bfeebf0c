"""AB preference: which of two do you prefer?

A page presents two conditions of one item as A and B, and where the campaign asks for it the open reference. The
answer is A, B or, unless the campaign forces a choice, no preference. A rating is 1 where the rated one of the two was
preferred, 0 where the other was, and ½ without a preference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from listening.methods.base import AnswerError, Gates, Judgement, PlannedSlot, checked_keys
from listening.methods.pairs import Paired, heard_difference, rated_of, the_two
from listening.models import Campaign, Slot, Stimulus, Trial
from listening.simulation import Hearer

TIE = "tie"
# points within which a simulated listener has no preference
ALIKE = 5.0


class Preference(Paired):
    name = "preference"
    title = "AB preference"
    standard = "paired comparison, Bradley-Terry and Davidson models"
    template = "listening/listener/preference.html"
    default_instructions = _(
        "On each page you hear one piece of audio in two versions, A and B. Which is which was drawn at random "
        "for this page.\n\n"
        "Listen to both, as often as you like, and say which one you prefer. You can switch at any moment, also "
        "in the middle of a sound.\n\n"
        "There is no right or wrong: what counts is what you prefer."
    )
    gates = Gates(listen=True)
    defaults = {"pairs": [], "ties": True, "reference": False}

    def problems(self, campaign: Campaign) -> list[str]:
        problems = super().problems(campaign)
        if self.options["reference"]:
            problems += [
                f"{trial.item}: expected an open reference, found none"
                for trial in campaign.trials.filter(reference=None)
            ]
        return problems

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        a, b = stimuli
        opened = [PlannedSlot("Reference")] if self.options["reference"] else []
        return [*opened, PlannedSlot("A", a), PlannedSlot("B", b)]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        difference = heard_difference(slots, hearer, quality)
        if self.options["ties"] and abs(difference) < ALIKE:
            yield {"answer": TIE}
        else:
            yield {"answer": "B" if difference > 0 else "A"}

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"answer": "A", "B" or "tie"}`."""
        checked_keys(body, "answer")
        given = body["answer"]
        allowed = ["A", "B", TIE] if self.options["ties"] else ["A", "B"]
        if given not in allowed:
            raise AnswerError(f"expected one of {', '.join(allowed)}, found {given!r}")
        first, second = the_two(slots)
        rated, other = rated_of(first, second)
        preferred = {"A": first, "B": second}.get(given)
        value = 0.5 if preferred is None else float(preferred == rated)
        detail = {
            "first": first.condition.name,
            "against": other.condition.name,
            "answer": preferred.condition.name if preferred else TIE,
            "given": given,
        }
        return [Judgement(rated, value, detail)]
