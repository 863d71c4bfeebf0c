"""ABX: is X the same as A or the same as B?

A page presents the two conditions of one item as A and B, in an order drawn for that page, and X, which repeats one
of them. The number of presentations is fixed in advance (the campaign's repetitions of each trial). X is a fair coin
for every presentation, independent of all others: only then is the number of right answers binomial under chance for
any listener. Were X balanced, one who answers A and B equally often, as people tend to, would pass 12 of 16 by chance
in 6.6 % of all tests instead of 3.8 %.
"""

from __future__ import annotations

from typing import Any

from listening.design import shuffled
from listening.methods.base import (
    AnswerError,
    Judgement,
    Method,
    PlannedSlot,
    checked_keys,
    material_problems,
)
from listening.models import Campaign, Rating, Slot, Stimulus, Trial


class Abx(Method):
    name = "abx"
    title = "ABX"
    standard = "ABX, fixed number of trials, exact binomial test"
    template = "listening/listener/abx.html"
    default_instructions = (
        "On each page you hear one piece of audio in two versions, A and B. X is one of the two: which one was "
        "drawn at random for this page.\n\n"
        "Listen to all three, as often as you like, and say whether X is A or X is B. You can switch at any "
        "moment, also in the middle of a sound.\n\n"
        "If you hear no difference, answer all the same: a guess is an answer too."
    )

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
        return problems

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        a, b = stimuli
        x = shuffled([a, b], seed=f"{seed}/x")[0]
        return [PlannedSlot("A", a), PlannedSlot("B", b), PlannedSlot("X", x)]

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

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        # the answer alone: whether it was right would say what X is
        return {"X": ratings[0].detail["answer"]} if ratings else {}

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        return [] if ratings else ["X"]
