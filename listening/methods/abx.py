"""ABX: is X the same as A or the same as B?

A page presents the two conditions of one item as A and B, in an order drawn for that page, and X, which repeats one
of them. The number of presentations is fixed in advance (the campaign's repetitions of each trial), or Wald's test
says when there were enough. X is a fair coin for every presentation, independent of all others: only then is the
number of right answers binomial under chance for any listener. Were X balanced, one who answers A and B equally often,
as people tend to, would pass 12 of 16 by chance in 6.6 % of all tests instead of 3.8 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from listening.design import shuffled
from listening.methods.base import AnswerError, Judgement, PlannedSlot, checked_keys
from listening.methods.discrimination import SEQUENTIAL, Discrimination
from listening.models import Slot, Stimulus, Trial
from listening.simulation import Hearer


class Abx(Discrimination):
    name = "abx"
    title = "ABX"
    standard = "ABX, fixed number of trials with an exact binomial test, or Wald's sequential test"
    template = "listening/listener/abx.html"
    default_instructions = _(
        "On each page you hear one piece of audio in two versions, A and B. X is one of the two: which one was "
        "drawn at random for this page.\n\n"
        "Listen to all three, as often as you like, and say whether X is A or X is B. You can switch at any "
        "moment, also in the middle of a sound.\n\n"
        "If you hear no difference, answer all the same: a guess is an answer too."
    )
    defaults = {**SEQUENTIAL, "p1": 0.75}
    chance = 0.5

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        a, b = stimuli
        x = shuffled([a, b], seed=f"{seed}/x")[0]
        return [PlannedSlot("A", a), PlannedSlot("B", b), PlannedSlot("X", x)]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        """X is named after the nearer of A and B."""
        a, b, x = hearer.observe([quality(slot.stimulus) for slot in slots if slot.stimulus])
        yield {"answer": "A" if abs(x - a) < abs(x - b) else "B"}

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"answer": "A" or "B"}` is right (1) or wrong (0)."""
        checked_keys(body, "answer")
        answer = body["answer"]
        if answer not in ("A", "B"):
            raise AnswerError(f"expected the answer A or B, found {answer!r}")
        by_label = {slot.label: slot for slot in slots}
        heard = by_label["X"].stimulus
        assert heard is not None
        x = "A" if heard == by_label["A"].stimulus else "B"
        return [Judgement(heard, float(answer == x), {"x": x, "answer": answer})]
