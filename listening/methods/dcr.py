"""Degradation category rating (ITU-T P.800 annex D): the reference, then the sample, and how much worse it is.

Every stimulus has a page of its own. The reference is heard to its end, then the sample, before the sample is rated.
The reference itself may be among the conditions, as the annex asks for: its rating shows the top of the scale.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from listening.methods.base import Gates, PlannedSlot, material_problems
from listening.methods.scales import Opinion, open_reference_problems
from listening.models import Campaign, Stimulus, Trial


class Dcr(Opinion):
    name = "dcr"
    title = "DCR"
    standard = "ITU-T P.800 annex D (degradation category rating)"
    template = "listening/listener/dcr.html"
    gates = Gates(rate=True, listen=True, hear_end=True)
    default_instructions = _(
        "On each page you hear two samples: first the reference, whose quality is as it should be, then another "
        "version of it.\n\n"
        "Listen to both to their end, in this order. Then say how the second is degraded compared with the first: "
        "inaudible, audible but not annoying, slightly annoying, annoying or very annoying.\n\n"
        "You may hear both again before you answer."
    )

    def problems(self, campaign: Campaign) -> list[str]:
        return [*material_problems(campaign), *open_reference_problems(campaign)]

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        (stimulus,) = stimuli
        return [PlannedSlot("Reference"), PlannedSlot("Sample", stimulus)]
