"""MUSHRA: multiple stimuli with hidden reference and anchors (ITU-R BS.1534-3).

Each page presents the labelled open reference and, in an order drawn for that page, every condition of one item, among
them the hidden reference and the anchors. A rating is an integer from 0 to 100 on the continuous quality scale, whose
five equal intervals bear words. A stimulus that was never touched is unrated; there is no default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from listening.methods.base import (
    AnswerError,
    Judgement,
    Method,
    PlannedSlot,
    checked_keys,
    material_problems,
)
from listening.models import Campaign, Condition, Rating, Slot, Stimulus, Trial

# BS.1534-3, 5.1.1: nine systems, two anchors and the hidden reference
MAX_SIGNALS = 12
LOWEST, HIGHEST = 0, 100

Role = Condition.Role


class Mushra(Method):
    name = "mushra"
    title = "MUSHRA"
    standard = "ITU-R BS.1534-3"
    template = "listening/listener/mushra.html"
    default_instructions = (
        "On each page you hear one piece of audio in several versions, and the unprocessed original, labelled "
        "Reference.\n\n"
        "Rate the basic audio quality of every version against the reference, from 0 to 100. Basic audio quality "
        "is one overall judgement: count any difference that you hear.\n\n"
        "One or more of the versions must be given a grade of 100, because the unprocessed reference is "
        "among them. The worst version need not be called bad.\n\n"
        "Listen as often as you like and switch at any moment, also in the middle of a sound. You can move the "
        "slider of the version that is playing."
    )

    # a test without one of the anchors, or with systems that are not there for every item, says so where it is shown
    defaults = {"anchors": [Role.ANCHOR35.value, Role.ANCHOR70.value], "incomplete": False}

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options)
        anchors = self.options["anchors"]
        missing = [
            str(role.label) for role in (Role.ANCHOR35, Role.ANCHOR70) if role not in anchors
        ]
        if missing:
            self.standard = f"after ITU-R BS.1534-3, but without its {' and '.join(missing)}"

    def further_option_problems(self) -> Iterator[str]:
        for anchor in self.options["anchors"]:
            if anchor not in self.defaults["anchors"]:
                yield f"expected anchors among {', '.join(self.defaults['anchors'])}, found {anchor!r}"

    def problems(self, campaign: Campaign) -> list[str]:
        incomplete = self.options["incomplete"]
        problems = list(material_problems(campaign, incomplete=incomplete))
        roles = [condition.role for condition in campaign.conditions.all()]
        if (found := roles.count(Role.REFERENCE)) != 1:
            problems.append(f"expected one hidden reference among the conditions, found {found}")
        for role in map(Role, self.options["anchors"]):
            if role not in roles:
                problems.append(f"expected the {role.label} among the conditions, found none")
        if Role.SYSTEM not in roles:
            problems.append("expected at least one system under test, found none")
        if len(roles) > MAX_SIGNALS:
            problems.append(
                f"expected at most {MAX_SIGNALS} signals to grade on a page, found {len(roles)}"
            )
        hidden = Stimulus.objects.filter(
            trial__campaign=campaign, condition__role=Role.REFERENCE
        ).select_related("trial")
        problems += [
            f"{stimulus.trial.item}: expected an open reference that is the hidden one, found "
            f"{'another signal' if stimulus.trial.reference_id else 'none'}"
            for stimulus in hidden
            if stimulus.signal_id != stimulus.trial.reference_id or stimulus.signal_id is None
        ]
        return problems

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        return [
            PlannedSlot("Reference", None),
            *(PlannedSlot(str(place), stimulus) for place, stimulus in enumerate(stimuli, start=1)),
        ]

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"slot": a slot's token, "value": 0…100}` rates one stimulus."""
        checked_keys(body, "slot", "value")
        value = body["value"]
        # JSON's true is Python's 1
        if type(value) is not int or not LOWEST <= value <= HIGHEST:
            raise AnswerError(
                f"expected a whole number from {LOWEST} to {HIGHEST}, found {value!r}"
            )
        rated = {str(slot.token): slot.stimulus for slot in slots if slot.stimulus}
        stimulus = rated.get(body["slot"]) if isinstance(body["slot"], str) else None
        if stimulus is None:
            raise AnswerError(f"expected a stimulus of this page, found {body['slot']!r}")
        return [Judgement(stimulus, float(value))]

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        values = {rating.stimulus_id: int(rating.value) for rating in ratings}
        return {
            slot.label: values[slot.stimulus_id] for slot in slots if slot.stimulus_id in values
        }

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        rated = {rating.stimulus_id for rating in ratings}
        return [slot.label for slot in slots if slot.stimulus_id and slot.stimulus_id not in rated]
