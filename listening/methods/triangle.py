"""Triangle, or odd one out: which of three (or more) sounds differs from the others?

A page presents one item in one condition throughout, and once in the other. Which of the two is the odd one, and where
it stands, are drawn for every presentation, each equally likely and independent of all others (the six sequences of
ISO 4120 for three sounds): only then is the number of right answers binomial for any listener who guesses, with 1/3
for three sounds. Nobody has to know what the difference is, nor to name it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from listening.design import shuffled
from listening.methods.base import AnswerError, Gates, Judgement, PlannedSlot, checked_keys
from listening.methods.discrimination import SEQUENTIAL, Discrimination
from listening.models import Slot, Stimulus, Trial
from listening.simulation import Hearer

# as many as the digit keys of one page reach and an ear keeps apart
FEWEST_SOUNDS, MOST_SOUNDS = 3, 6


class Triangle(Discrimination):
    name = "triangle"
    title = "Odd one out"
    standard = "triangle test (ISO 4120), exact binomial test, or Wald's sequential test"
    template = "listening/listener/triangle.html"
    default_instructions = _(
        "On each page you hear one piece of audio several times. All of them are the same but one, which is "
        "different: which one was drawn at random for this page.\n\n"
        "Listen to all of them, as often as you like, and say which is the odd one out. You can switch at any "
        "moment, also in the middle of a sound.\n\n"
        "If you hear no difference, answer all the same: a guess is an answer too."
    )
    gates = Gates(listen=True)
    defaults = {**SEQUENTIAL, "sounds": 3, "p1": 2 / 3}

    @property
    def chance(self) -> float:
        return 1 / float(self.options["sounds"])

    def further_option_problems(self) -> Iterator[str]:
        sounds = self.options["sounds"]
        if type(sounds) is not int or not FEWEST_SOUNDS <= sounds <= MOST_SOUNDS:
            yield f"options: expected {FEWEST_SOUNDS} to {MOST_SOUNDS} sounds on a page, found {sounds!r}"
            return
        yield from super().further_option_problems()

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        # which of the two is alone was drawn with their order
        odd, other = stimuli
        sounds: int = self.options["sounds"]
        place = shuffled(range(sounds), seed=f"{seed}/odd")[0]
        return [
            PlannedSlot(str(number + 1), odd if number == place else other)
            for number in range(sounds)
        ]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        """The odd one is taken to be the one farthest from the middle of all."""
        heard = hearer.observe([quality(slot.stimulus) for slot in slots if slot.stimulus])
        yield {"answer": slots[int(np.argmax(np.abs(heard - heard.mean())))].label}

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"answer": the label of a sound}` is right (1) or wrong (0); what is rated is the odd one."""
        checked_keys(body, "answer")
        labels = [slot.label for slot in slots]
        if body["answer"] not in labels:
            raise AnswerError(f"expected one of {', '.join(labels)}, found {body['answer']!r}")
        counts = Counter(slot.stimulus_id for slot in slots)
        (odd,) = (slot for slot in slots if counts[slot.stimulus_id] == 1)
        assert odd.stimulus is not None
        right = body["answer"] == odd.label
        detail = {"x": odd.label, "answer": body["answer"], "alternatives": len(slots)}
        return [Judgement(odd.stimulus, float(right), detail)]
