"""Absolute category rating (ITU-T P.800 annex B, P.808): one sample, one of five words.

Every stimulus has a page of its own. It is heard to its end before it is rated.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from listening.methods.base import Gates, PlannedSlot, material_problems
from listening.methods.scales import Opinion
from listening.models import Campaign, Stimulus, Trial


class Acr(Opinion):
    name = "acr"
    title = "ACR"
    standard = "ITU-T P.800 (absolute category rating), P.808"
    template = "listening/listener/acr.html"
    gates = Gates(rate=True, listen=True, hear_end=True)
    default_instructions = _(
        "On each page you hear one sample. Listen to it to its end, then give your opinion of its quality: "
        "excellent, good, fair, poor or bad.\n\n"
        "There is no right answer and nothing to compare with. Your first impression counts."
    )

    def problems(self, campaign: Campaign) -> list[str]:
        return list(material_problems(campaign))

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        (stimulus,) = stimuli
        return [PlannedSlot("Sample", stimulus)]
