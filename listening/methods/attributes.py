"""Several named scales per stimulus, in MUSHRA's layout: attributes such as brightness or width.

A campaign names its scales and what their ends say (option `scales`). Every condition of one item stands on the page
in an order drawn for it, and has a slider from 0 to 100 on every scale. With the option `reference` the trial's open
reference can be heard as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy as _

from listening.methods.base import AnswerError, Judgement, PlannedSlot, material_problems
from listening.methods.mushra import MAX_SIGNALS
from listening.methods.scales import Scaled, open_reference_problems
from listening.models import Campaign, Rating, Slot, Stimulus, Trial
from listening.questions import key_problems

if TYPE_CHECKING:
    from listening.simulation import Hearer

# more scales than a listener can attend to in turn on one page
MAX_SCALES = 8
MAX_NAME, MAX_END, MAX_TEXT = 40, 40, 500
SCALE_KEYS = {"name": str, "low": str, "high": str, "text": str}


class Attributes(Scaled):
    name = "attributes"
    title = "Multiple attributes"
    standard = "several named scales per stimulus, in the layout of ITU-R BS.1534-3"
    template = "listening/listener/attributes.html"
    lowest, highest = 0, 100
    defaults: ClassVar[Mapping[str, Any]] = {"scales": [], "reference": False}
    default_instructions = _(
        "On each page you hear one piece of audio in several versions, and rate every version on several scales. "
        "Each scale asks for one property of the sound, and only for that; what its ends mean is written beside "
        "it.\n\n"
        "Go through one scale after the other, or through one version after the other, as you like. Listen as often "
        "as you like and switch at any moment, also in the middle of a sound. You can move the sliders of the "
        "version that is playing."
    )

    def further_option_problems(self) -> Iterator[str]:
        scales = self.options["scales"]
        if not 1 <= len(scales) <= MAX_SCALES:
            yield f"expected 1 to {MAX_SCALES} scales, found {len(scales)}"
        for place, scale in enumerate(scales, start=1):
            if not isinstance(scale, dict):
                yield f"scale {place}: expected a mapping, found {scale!r}"
                continue
            found = [*key_problems(scale, keys=SCALE_KEYS, required=["name", "low", "high"])]
            found += [] if found else [*_text_problems(scale)]
            yield from (f"scale {place}: {problem}" for problem in found)
        names = [scale["name"] for scale in scales if isinstance(scale, dict) and "name" in scale]
        if len(set(map(str, names))) < len(names):
            yield "expected each scale to have a name of its own, found one twice"

    def option_texts(self) -> Iterator[str]:
        for scale in self.options["scales"]:
            yield from scale.values()

    def problems(self, campaign: Campaign) -> list[str]:
        problems = list(material_problems(campaign))
        if not 1 <= (found := campaign.conditions.count()) <= MAX_SIGNALS:
            problems.append(f"expected 1 to {MAX_SIGNALS} signals to rate on a page, found {found}")
        if self.options["reference"]:
            problems += open_reference_problems(campaign)
        return problems

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        reference = [PlannedSlot("Reference")] if self.options["reference"] else []
        return reference + [
            PlannedSlot(str(place), stimulus) for place, stimulus in enumerate(stimuli, start=1)
        ]

    @property
    def names(self) -> list[str]:
        return [scale["name"] for scale in self.options["scales"]]

    @property
    def answer_keys(self) -> tuple[str, ...]:
        return "slot", "scale", "value"

    def scale_of(self, slot: Slot, body: dict[str, Any]) -> str:
        if body["scale"] not in self.names:
            raise AnswerError(
                f"expected one of the scales {', '.join(self.names)}, found {body['scale']!r}"
            )
        return str(body["scale"])

    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """`{"slot": a slot's token, "scale": its name, "value": 0…100}` rates one stimulus on one scale."""
        return super().judge(slots, body)

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        given: dict[int | None, dict[str, int]] = {}
        for rating in ratings:
            given.setdefault(rating.stimulus_id, {})[rating.scale] = int(rating.value)
        return {slot.label: given[slot.stimulus_id] for slot in slots if slot.stimulus_id in given}

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        answered = self.answers(slots, ratings)
        return [
            f"{slot.label} on {name}"
            for slot in slots
            if slot.stimulus_id
            for name in self.names
            if name not in answered.get(slot.label, {})
        ]

    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        for name in self.names:
            for body in super().rehearsed(slots, hearer, quality):
                yield body | {"scale": name}


def _text_problems(scale: dict[str, str]) -> Iterator[str]:
    for key, longest in (
        ("name", MAX_NAME),
        ("low", MAX_END),
        ("high", MAX_END),
        ("text", MAX_TEXT),
    ):
        text = scale.get(key, "-")
        if not text.strip() or len(text) > longest:
            yield f"expected a {key} of 1 to {longest} letters, found {len(text.strip())}"
