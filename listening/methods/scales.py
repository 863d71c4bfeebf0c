"""What methods share whose answers are numbers on scales: `{"slot": a slot's token, "value": a number}`.

A slot that plays a stimulus is rated, the open reference is not. A method with several scales says which one an
answer is on; everything is keyed by the stimulus and the scale.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from listening.methods.base import AnswerError, Judgement, Method, checked_keys
from listening.models import Campaign, Condition, Rating, Slot, Stimulus

if TYPE_CHECKING:
    from listening.simulation import Hearer

Role = Condition.Role


class Scaled(Method, ABC):
    """A method whose answers are numbers from `lowest` to `highest`, whole ones unless it says otherwise."""

    lowest: ClassVar[float]
    highest: ClassVar[float]
    whole: ClassVar[bool] = True

    def scale_of(self, slot: Slot, body: dict[str, Any]) -> str:
        """The scale an answer to `slot` is on."""
        return ""

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        checked_keys(body, *self.answer_keys)
        found = {str(slot.token): slot for slot in slots if slot.stimulus}
        slot = found.get(body["slot"]) if isinstance(body["slot"], str) else None
        value = self.checked_value(body["value"])
        if slot is None or slot.stimulus is None:
            raise AnswerError(f"expected a stimulus of this page, found {body['slot']!r}")
        return [Judgement(slot.stimulus, value, scale=self.scale_of(slot, body))]

    @property
    def answer_keys(self) -> tuple[str, ...]:
        return "slot", "value"

    def checked_value(self, value: object) -> float:
        # JSON's true is Python's 1
        kinds = (int,) if self.whole else (int, float)
        if type(value) not in kinds or not self.lowest <= float(str(value)) <= self.highest:
            wanted = "whole number" if self.whole else "number"
            raise AnswerError(
                f"expected a {wanted} from {self.lowest:g} to {self.highest:g}, found {value!r}"
            )
        return float(str(value))

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        values = {(one.stimulus_id, one.scale): one.value for one in ratings}
        return {
            slot.label: self.shown(values[key])
            for slot in slots
            if slot.stimulus_id and (key := (slot.stimulus_id, self.scale_of(slot, {}))) in values
        }

    def shown(self, value: float) -> float:
        return int(value) if self.whole else value

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        answered = self.answers(slots, ratings)
        return [slot.label for slot in slots if slot.stimulus_id and slot.label not in answered]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        for slot in slots:
            if slot.stimulus:
                value = self.felt(hearer.perceive(quality(slot.stimulus)))
                yield {"slot": str(slot.token), "value": value}

    def felt(self, perceived: float) -> float:
        """A perceived quality (0–100) as an answer on the scale."""
        value = self.lowest + (self.highest - self.lowest) * perceived / 100
        return round(value) if self.whole else round(value, 1)


class Opinion(Scaled, ABC):
    """A method that presents single stimuli and asks for one of five categories, 5 the best."""

    lowest, highest = 1, 5

    def judged_together(self, stimuli: list[Stimulus], *, seed: str) -> list[list[Stimulus]]:
        return [[stimulus] for stimulus in stimuli]

    def felt(self, perceived: float) -> float:
        """Five equal parts of the perceived quality."""
        return 1 + min(int(perceived / 20), 4)


def open_reference_problems(campaign: Campaign) -> Iterator[str]:
    """Trials without an open reference, one sentence each."""
    for trial in campaign.trials.filter(reference=None):
        yield f"{trial.item}: expected an open reference, found none"


def hidden_reference_problems(campaign: Campaign) -> Iterator[str]:
    """What keeps the hidden reference from being the open one, one sentence each."""
    roles = [condition.role for condition in campaign.conditions.all()]
    if (found := roles.count(Role.REFERENCE)) != 1:
        yield f"expected one hidden reference among the conditions, found {found}"
    hidden = Stimulus.objects.filter(
        trial__campaign=campaign, condition__role=Role.REFERENCE
    ).select_related("trial")
    for stimulus in hidden:
        if stimulus.signal_id != stimulus.trial.reference_id or stimulus.signal_id is None:
            found_signal = "another signal" if stimulus.trial.reference_id else "none"
            yield (
                f"{stimulus.trial.item}: expected an open reference that is the hidden one, "
                f"found {found_signal}"
            )
