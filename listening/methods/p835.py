"""Speech with noise, rated on three scales (ITU-T P.835): the speech signal, the background, the overall effect.

Every stimulus has a page of its own, on which it is heard three times: once for each scale, attending to that alone.
The overall effect comes last. Whether the signal (SIG) or the background (BAK) comes first is balanced: within a
session half of the pages begin with either, by turns over items and over conditions, and which half is drawn.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from listening.design import shuffled
from listening.methods.base import Gates, PlannedSlot, material_problems
from listening.methods.scales import Opinion
from listening.models import Campaign, Slot, Stimulus, Trial

SIGNAL, BACKGROUND, OVERALL = "Signal", "Background", "Overall"
# what a slot is heard for, and the name of its scale in tables
SCALES = {SIGNAL: "SIG", BACKGROUND: "BAK", OVERALL: "OVRL"}


class P835(Opinion):
    name = "p835"
    title = "P.835"
    standard = "ITU-T P.835 (speech with noise suppression)"
    template = "listening/listener/p835.html"
    gates = Gates(rate=True, listen=True, hear_end=True)
    default_instructions = _(
        "On each page you hear one sample of speech with some background three times, and answer one question after "
        "each time.\n\n"
        "For the speech signal, attend only to the speech and say how distorted it is. For the background, attend "
        "only to what is behind the speech and say how noticeable or intrusive it is. The last question is about the "
        "overall quality of the sample, for everyday speech communication.\n\n"
        "Listen to the sample to its end before each answer."
    )

    def problems(self, campaign: Campaign) -> list[str]:
        return list(material_problems(campaign))

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        (stimulus,) = stimuli
        session, repetition, _ = seed.split("/", 2)
        first = shuffled([SIGNAL, BACKGROUND], seed=f"{session}/scales")
        # conditions are numbered in the order they were made; a practice page is no repetition
        turns = [
            trial.number,
            stimulus.condition_id,
            int(repetition) if repetition.isdigit() else 0,
        ]
        if sum(turns) % 2:
            first.reverse()
        order = [*first, OVERALL]
        return [PlannedSlot(label, stimulus) for label in order]

    def scale_of(self, slot: Slot, body: dict[str, Any]) -> str:
        return SCALES[slot.label]
