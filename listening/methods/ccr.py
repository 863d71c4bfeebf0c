"""CCR: comparison category rating (ITU-T P.800 annex E, P.808).

A page presents two conditions of one item as First and Second, and asks for the quality of the second compared with
that of the first, on seven categories from −3 to +3. Both are heard to their end. The order is drawn, half of the pages
of a pair either way, as annex E has it; the rating is stored with its sign turned to the rated one of the two, against
the other, and so means the same whichever was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from listening.methods.base import AnswerError, Gates, Judgement, PlannedSlot, checked_keys
from listening.methods.pairs import Paired, heard_difference, rated_of, the_two
from listening.models import Condition, Slot, Stimulus, Trial
from listening.simulation import Hearer

LOWEST, HIGHEST = -3, 3
# of latent quality, by which a simulated listener tells one category from the next
POINTS_PER_CATEGORY = 12.0


class Ccr(Paired):
    name = "ccr"
    title = "CCR"
    standard = "ITU-T P.800 annex E (comparison category rating)"
    template = "listening/listener/ccr.html"
    default_instructions = _(
        "On each page you hear one piece of audio in two versions, the first and the second.\n\n"
        "Listen to the first, then to the second, both to their end, and say how good the second is compared "
        "with the first. You may listen again as often as you like.\n\n"
        "Either of them can be the better one: which comes first was drawn at random for this page."
    )
    gates = Gates(listen=True, hear_end=True)
    defaults = {"pairs": []}

    def usual_pairs(self, stimuli: list[Stimulus]) -> Iterator[tuple[Stimulus, Stimulus]]:
        """As annex E has it every condition against the reference; all pairs where there is no reference."""
        role = Condition.Role.REFERENCE
        references = [stimulus for stimulus in stimuli if stimulus.condition.role == role]
        if len(references) != 1:
            yield from super().usual_pairs(stimuli)
            return
        yield from ((references[0], one) for one in stimuli if one != references[0])

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        first, second = stimuli
        return [PlannedSlot("First", first), PlannedSlot("Second", second)]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        categories = heard_difference(slots, hearer, quality) / POINTS_PER_CATEGORY
        yield {"answer": max(LOWEST, min(HIGHEST, round(categories)))}

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"answer": −3 … 3}`, the second compared with the first."""
        checked_keys(body, "answer")
        given = body["answer"]
        # JSON's true is Python's 1
        if type(given) is not int or not LOWEST <= given <= HIGHEST:
            raise AnswerError(
                f"expected a whole number from {LOWEST} to {HIGHEST}, found {given!r}"
            )
        first, second = the_two(slots)
        rated, other = rated_of(first, second)
        detail = {
            "first": first.condition.name,
            "against": other.condition.name,
            "answer": f"{given:+d}" if given else "0",
            "given": given,
        }
        return [Judgement(rated, float(given if rated == second else -given), detail)]
