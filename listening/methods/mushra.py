"""MUSHRA: multiple stimuli with hidden reference and anchors (ITU-R BS.1534-3).

Each page presents the labelled open reference and, in an order drawn for that page, every condition of one item, among
them the hidden reference and the anchors. A rating is an integer from 0 to 100 on the continuous quality scale, whose
five equal intervals bear words. A stimulus that was never touched is unrated; there is no default.

More than twelve signals are split, where the campaign declares them `blocked`, over several pages of an item: each has
the hidden reference and the anchors, and an equal share of the systems, to within one, drawn for each listener and
item, so that over listeners every system meets every other equally often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from listening.design import shuffled
from listening.methods.base import PlannedSlot, material_problems
from listening.methods.scales import Role, Scaled, hidden_reference_problems
from listening.models import Campaign, Stimulus, Trial

# BS.1534-3, 5.1.1: nine systems, two anchors and the hidden reference
MAX_SIGNALS = 12


class Mushra(Scaled):
    name = "mushra"
    title = "MUSHRA"
    standard = "ITU-R BS.1534-3"
    template = "listening/listener/mushra.html"
    lowest, highest = 0, 100
    default_instructions = _(
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
    defaults = {
        "anchors": [Role.ANCHOR35.value, Role.ANCHOR70.value],
        "incomplete": False,
        "blocked": False,
    }

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
        problems = [
            *material_problems(campaign, incomplete=self.options["incomplete"]),
            *hidden_reference_problems(campaign),
        ]
        roles = [condition.role for condition in campaign.conditions.all()]
        for role in map(Role, self.options["anchors"]):
            if role not in roles:
                problems.append(f"expected the {role.label} among the conditions, found none")
        if Role.SYSTEM not in roles:
            problems.append("expected at least one system under test, found none")
        if len(roles) > MAX_SIGNALS and not self.options["blocked"]:
            problems.append(
                f"expected at most {MAX_SIGNALS} signals to grade on a page, found {len(roles)}; "
                "the option blocked splits them over several pages"
            )
        if len(roles) - roles.count(Role.SYSTEM) >= MAX_SIGNALS:
            problems.append(f"expected room for a system among {MAX_SIGNALS} signals, found none")
        return problems

    def judged_together(self, stimuli: list[Stimulus], *, seed: str) -> list[list[Stimulus]]:
        if not self.options["blocked"]:
            return [stimuli]
        by_name = {one.condition.name: one for one in stimuli}
        systems = [name for name, one in by_name.items() if one.condition.role == Role.SYSTEM]
        others = [one for one in stimuli if one.condition.role != Role.SYSTEM]
        blocks = -(-len(systems) // (MAX_SIGNALS - len(others)))
        drawn = shuffled(systems, seed=seed)
        return [[*others, *(by_name[name] for name in drawn[n::blocks])] for n in range(blocks)]

    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        return [
            PlannedSlot("Reference", None),
            *(PlannedSlot(str(place), stimulus) for place, stimulus in enumerate(stimuli, start=1)),
        ]
