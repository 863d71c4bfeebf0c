"""What the methods share that hold two conditions of an item against each other, pair by pair.

Which pairs there are is the campaign's affair (option `pairs`, a list of two conditions' names each). On a page the
two stand in an order that is drawn, each as often first as second over a session, to within one. A rating is stored
for one of the two, whatever its place: a system rather than a reference or an anchor, and of two alike the one that
the campaign lists later. So it needs no turning afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from listening.methods.base import Method, material_problems
from listening.models import Campaign, Condition, Rating, Slot, Stimulus
from listening.simulation import Hearer

Role = Condition.Role


class Paired(Method):
    balanced = True
    single_systems = False

    def further_option_problems(self) -> Iterator[str]:
        declared = self.options["pairs"]
        for pair in declared:
            if not isinstance(pair, list) or [type(name) for name in pair] != [str, str]:
                yield f"options: expected pairs of two conditions' names each, found {pair!r}"
            elif pair[0] == pair[1]:
                yield f"options: expected pairs of two different conditions, found {pair[0]!r} twice"
            elif (
                sum(isinstance(one, list) and set(map(str, one)) == set(pair) for one in declared)
                > 1
            ):
                yield f"options: expected each pair once, found {' and '.join(sorted(pair))} more often"

    def problems(self, campaign: Campaign) -> list[str]:
        problems = list(material_problems(campaign))
        names = set(campaign.conditions.values_list("name", flat=True))
        if len(names) < 2:
            problems.append(f"expected at least two conditions to compare, found {len(names)}")
        if campaign.repetitions < 1:
            problems.append(f"expected at least one repetition, found {campaign.repetitions}")
        declared = {name for pair in self.options["pairs"] for name in pair}
        if unknown := sorted(declared - names):
            problems.append(
                f"expected pairs of the campaign's conditions, found {', '.join(unknown)}"
            )
        if declared and (alone := sorted(names - declared)):
            problems.append(
                f"expected every condition in a pair, found none with {', '.join(alone)}"
            )
        return problems

    def judged_together(self, stimuli: list[Stimulus], *, seed: str) -> list[list[Stimulus]]:
        by_name = {stimulus.condition.name: stimulus for stimulus in stimuli}
        if declared := self.options["pairs"]:
            return [[by_name[name] for name in pair] for pair in declared]
        return [list(pair) for pair in self.usual_pairs(stimuli)]

    def usual_pairs(self, stimuli: list[Stimulus]) -> Iterator[tuple[Stimulus, Stimulus]]:
        """The pairs of a campaign that declares none: all of them."""
        yield from combinations(stimuli, 2)

    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        return {slots[-1].label: ratings[0].detail["given"]} if ratings else {}

    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        return [] if ratings else [slots[-1].label]


def heard_difference(
    slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
) -> float:
    """By how many points (0–100) a simulated listener hears the second of the page's two as better than the first."""
    first, second = (hearer.perceive(quality(one)) for one in the_two(slots))
    return second - first


def the_two(slots: list[Slot]) -> tuple[Stimulus, Stimulus]:
    """The first and the second of the page's two, past an open reference."""
    first, second = (slot.stimulus for slot in slots if slot.stimulus)
    return first, second


def rated_of(first: Stimulus, second: Stimulus) -> tuple[Stimulus, Stimulus]:
    """The one of the two that a rating is stored for, and the other."""
    other, rated = sorted(
        (first, second),
        key=lambda one: (one.condition.role == Role.SYSTEM, one.condition_id),
    )
    return rated, other
