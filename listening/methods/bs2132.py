"""Multiple stimuli without a reference (ITU-R BS.2132): MUSHRA's page where nothing is known to be right.

Every condition of one item stands beside the others in an order drawn for the page, and is rated on MUSHRA's
continuous quality scale. None is the reference, open or hidden, and no anchors are asked for: the stimuli are compared
with each other. A reference that the trial has serves the metrics only; it is never played.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from listening.methods.base import PlannedSlot, material_problems
from listening.methods.mushra import MAX_SIGNALS
from listening.methods.scales import Role, Scaled
from listening.models import Campaign, Stimulus, Trial


class WithoutReference(Scaled):
    name = "bs2132"
    title = "Multiple stimuli without reference"
    standard = "ITU-R BS.2132"
    template = "listening/listener/bs2132.html"
    lowest, highest = 0, 100
    default_instructions = _(
        "On each page you hear one piece of audio in several versions. There is no reference: none of them is "
        "known to be right.\n\n"
        "Rate the overall quality of every version, from 0 to 100, by comparing the versions with each other. "
        "Overall quality is one judgement of everything that you hear.\n\n"
        "The best version need not be called excellent, nor the worst one bad. Versions that sound alike to you "
        "may be given the same grade.\n\n"
        "Listen as often as you like and switch at any moment, also in the middle of a sound. You can move the "
        "slider of the version that is playing."
    )

    def problems(self, campaign: Campaign) -> list[str]:
        problems = list(material_problems(campaign))
        roles = [condition.role for condition in campaign.conditions.all()]
        if not 2 <= len(roles) <= MAX_SIGNALS:
            problems.append(
                f"expected 2 to {MAX_SIGNALS} signals to grade on a page, found {len(roles)}"
            )
        if Role.REFERENCE in roles:
            problems.append("expected no hidden reference among the conditions, found one")
        return problems

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        return [
            PlannedSlot(str(place), stimulus) for place, stimulus in enumerate(stimuli, start=1)
        ]
