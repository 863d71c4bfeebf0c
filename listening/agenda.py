"""The agenda of a review: what a reviewer is asked to do, and what to look for, in words that need no training. Pure.

It is copied into the review when that is opened, so that it stays as it was signed. A template of reviews holds one as
`agenda.schema.json` (listening/exchange/) says it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from listening.exchange import schemas
from listening.exchange.documents import Document


@dataclass(frozen=True)
class Point:
    """One thing to do: its topic, a title, what to do and what to look (or listen) for."""

    topic: str
    title: str
    do: str
    look_for: str


@dataclass(frozen=True)
class Agenda:
    """The points in their order, and what the review takes.

    `due_days` from opening until it should be done (0: no date), `decisions` that an approval takes, `interval_days`
    after an approval until the next review falls due (0: as the model has it).
    """

    points: Sequence[Point]
    due_days: int = 0
    decisions: int = 1
    interval_days: int = 0

    def as_data(self) -> dict[str, Any]:
        return {
            "agenda": [asdict(point) for point in self.points],
            "due_days": self.due_days,
            "decisions": self.decisions,
            "interval_days": self.interval_days,
        }


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an agenda as plain data."""
    return json.loads((Path(schemas.__file__).parent / "agenda.schema.json").read_text("utf-8"))


def from_data(data: Mapping[str, Any]) -> Agenda:
    """The agenda that plain data tell of; raises `DocumentError` with every problem."""
    problems = list(schemas.problems(data, schema()))
    if not problems:
        problems = [
            (("agenda", place, key), "expected some words, found none")
            for place, point in enumerate(data["agenda"])
            for key, words in point.items()
            if not words.strip()
        ]
    if problems:
        raise Document("the agenda", data).error(problems)
    rest = {key: value for key, value in data.items() if key != "agenda"}
    return Agenda([Point(**point) for point in data["agenda"]], **rest)


_POINTS = (
    Point(
        "listening",
        "Real-world listening",
        "Put on the headphones or turn on the loudspeakers that you would use at work. Play the sounds under "
        "“Sounds to hear first”, each once from beginning to end, then again beside what it is compared with.",
        "Would you accept this sound in your own work? Note clicks, hiss, dullness, harshness, a voice or an "
        "instrument that changes its character, and anything that tires you. Say where, and how bad.",
    ),
    Point(
        "edge-cases",
        "Edge cases",
        "Play the sounds that people or measurements judged worst, and those on which listeners disagreed most. Beside "
        "each stands why it was picked.",
        "Does it fail in a way that matters to the people who will use it? Is there a kind of sound, such as a high "
        "voice, a quiet passage, a noisy room, where it always fails?",
    ),
    Point(
        "data-bias",
        "Bias in the training data",
        "Read what it learned from and what its makers say is missing (under “What is judged”).",
        "Who and what was not in there: languages, ages, voices, instruments, rooms, devices, levels? A model has not "
        "heard what its data leave out. Would those people or sounds be treated worse, and would anybody notice?",
    ),
    Point(
        "intermediate",
        "What happens on the way",
        "Play the sound after each step in turn (under “Step by step”), and look at the pictures beside it.",
        "Does each step do what its name says, and no more? Is there a step after which something is lost, added or "
        "distorted that a later step has to hide?",
    ),
    Point(
        "regulation",
        "What rules expect",
        "Think of the rules of the field in which it will be used: hearing protection, medical devices, broadcasting, "
        "data protection, accessibility, transparency towards the people concerned.",
        "Is it said what it is for and what not? Is there evidence by people, of how many, and of whom? Would those "
        "concerned be told? What would an authority ask that is not answered here?",
    ),
)
STANDARD = Agenda(_POINTS)
