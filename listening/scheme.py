"""A campaign's design as it is declared: how much of it each listener hears, and how orders are balanced. Pure.

A mapping, of which nothing is required; without any of it everybody hears everything, in an order of their own:

    order        `random`, an order of each session's own, or `williams`: balanced for place and for what follows what
    items        how many of the items each listener hears; all where absent
    systems      how many of the systems under test each listener hears of an item; all where absent
    repeats      how many of a listener's pages are presented once more at the end, to see how steady answers are
    blocks       lists of items that are heard together, block by block
    hold_hours   without a sign of life for so long, a listener's row of the design is given to another (24)

Who hears what follows from the session's row alone (listening/design.py).

Groups of listeners with quotas are declared beside it: `{"question": NAME, "quotas": {answer: n}}` by an answer, or
`{"invitation": true, "quotas": {group: n}}` by what an invitation says (listening/admission.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from typing import Any

from listening.design import dealing_round, williams_rows
from listening.plan import Part
from listening.questions import key_problems

ORDERS = ("random", "williams")
HOLD_HOURS = 24.0
MAX_GROUP = 80
KEYS: dict[str, type | tuple[type, ...]] = {
    "order": str,
    "items": int,
    "systems": int,
    "repeats": int,
    "blocks": list,
    "hold_hours": (int, float),
}


@dataclass(frozen=True)
class Scheme:
    """A declared design; None stands for all of them."""

    order: str = ORDERS[0]
    items: int | None = None
    systems: int | None = None
    repeats: int = 0
    blocks: tuple[tuple[str, ...], ...] = ()
    hold_hours: float = HOLD_HOURS

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Scheme:
        """What a mapping without problems declares."""
        return cls(**{**data, "blocks": tuple(tuple(block) for block in data.get("blocks", ()))})

    def block_of(self, item: str) -> int:
        """The number of the item's block; 0 where there are none."""
        return next((n for n, block in enumerate(self.blocks) if item in block), 0)

    def round(self, *, items: int, systems: int, on_screen: int) -> int:
        """After how many completed sessions the balance is exact: dealing and squares are all through.

        `on_screen` is how many stimuli a page has, or how many conditions there are where pages have one.
        """
        of_items = dealing_round(items, min(self.items or items, items)) if items else 1
        of_systems = dealing_round(systems, min(self.systems or systems, systems)) if systems else 1
        squares = 1
        if self.order == "williams":
            pages = min(self.items or items, items) or 1
            squares = lcm(williams_rows(max(on_screen, 1)), williams_rows(pages))
        return lcm(of_items * of_systems, squares)


def scheme_problems(data: Any, *, items: Collection[str], systems: int) -> Iterator[str]:
    """What is wrong with a declared design of a campaign that rates `items` and tests so many systems."""
    if not isinstance(data, Mapping):
        yield "design: expected a mapping, found something else"
        return
    found = [f"design: {problem}" for problem in key_problems(data, keys=KEYS, required=[])]
    yield from found
    if found:
        return
    if data.get("order", ORDERS[0]) not in ORDERS:
        yield f"design: expected order to be one of {', '.join(ORDERS)}, found {data['order']!r}"
    most = {"items": len(items), "systems": systems}
    for key, there_are in most.items():
        if key in data and not 1 <= data[key] <= max(there_are, 1):
            yield f"design: expected {key} from 1 to {there_are}, as many as there are, found {data[key]}"
    if data.get("repeats", 0) < 0:
        yield f"design: expected repeats to be 0 or more, found {data['repeats']}"
    if not 0 < data.get("hold_hours", HOLD_HOURS) <= 24 * 365:
        yield f"design: expected hold_hours above 0, a year at most, found {data['hold_hours']}"
    if "blocks" in data:
        yield from _block_problems(data["blocks"], items)


def _block_problems(blocks: list[Any], items: Collection[str]) -> Iterator[str]:
    if not all(
        isinstance(block, list) and block and all(isinstance(one, str) for one in block)
        for block in blocks
    ):
        yield "design: expected blocks as lists of items, found something else"
        return
    listed = Counter(item for block in blocks for item in block)
    for item, times in listed.items():
        if item not in items:
            yield f"design: expected blocks of items that are rated, found {item!r}"
        elif times > 1:
            yield f"design: expected each item in one block, found {item!r} in {times}"
    if missing := [item for item in items if item not in listed]:
        yield f"design: expected every rated item in a block, found none with {', '.join(missing)}"


def group_problems(groups: Any, plan: list[Part]) -> Iterator[str]:
    """What is wrong with the declared groups of a campaign with this (sound) plan, one sentence each."""
    if groups == {}:
        return
    if not isinstance(groups, Mapping):
        yield "groups: expected a mapping, found something else"
        return
    kinds: dict[str, type | tuple[type, ...]] = {"question": str, "invitation": bool}
    found = list(key_problems(groups, keys=kinds | {"quotas": dict}, required=["quotas"]))
    yield from (f"groups: {problem}" for problem in found)
    if found:
        return
    if bool(groups.get("question")) == bool(groups.get("invitation")):
        yield "groups: expected either a question or invitation: true, found both or neither"
    for name, wanted in groups["quotas"].items():
        if not isinstance(name, str) or not 0 < len(name) <= MAX_GROUP:
            yield f"groups: expected names of 1 to {MAX_GROUP} characters, found {name!r}"
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
            yield f"groups: expected a number of listeners for {name}, found {wanted!r}"
    if groups.get("question"):
        yield from _question_problems(groups, plan)


def _question_problems(groups: Mapping[str, Any], plan: list[Part]) -> Iterator[str]:
    asked = {
        question["name"]: (place, question)
        for place, part in enumerate(plan)
        for question in part.get("questions", ())
    }
    if groups["question"] not in asked:
        yield f"groups: expected a question of the plan, found {groups['question']!r}"
        return
    place, question = asked[groups["question"]]
    if question["ask"] != "choice" or question.get("several") or question.get("optional"):
        yield f"groups: expected a question with one choice, found {groups['question']!r} of another kind"
        return
    if place > [part["part"] for part in plan].index("ratings"):
        yield f"groups: expected the question before the ratings, found {groups['question']!r} after them"
    for name in groups["quotas"]:
        if name not in question["choices"]:
            yield f"groups: expected quotas of its choices, found {name!r}"
