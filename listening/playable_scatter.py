"""A metric against the mean ratings as a drawing in the page, each point of which leads to its sound.

Coordinates are those of the drawing's own view box, `WIDTH` × `HEIGHT`, the origin at the top left. Colours and
markers are those of the printed scatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from listening.drawing import condition_styles

WIDTH, HEIGHT = 520, 360
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 12, 46
# around 0, about as large as each other; matplotlib's letters
MARKS = {
    "o": "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "s": "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "^": "M0 -5.5L5.5 4.5H-5.5Z",
    "v": "M0 5.5L5.5 -4.5H-5.5Z",
    "D": "M0 -6L6 0L0 6L-6 0Z",
    "P": "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
    "X": "M-6 -3.5L-3.5 -6L0 -2.5L3.5 -6L6 -3.5L2.5 0L6 3.5L3.5 6L0 2.5L-3.5 6L-6 3.5L-2.5 0Z",
    "*": "M0 -7L1.7 -2.3L6.7 -2.2L2.7 0.9L4.1 5.7L0 2.9L-4.1 5.7L-2.7 0.9L-6.7 -2.2L-1.7 -2.3Z",
}


@dataclass(frozen=True)
class Tick:
    place: float
    text: str


@dataclass(frozen=True)
class Point:
    """A stimulus: its `row` of the correlation, where it lies and how it is drawn."""

    row: Mapping[Any, Any]
    x: float
    y: float
    colour: str
    mark: str


@dataclass(frozen=True)
class PlayableScatter:
    """`points` in the order of their scores; `key` names each condition's colour and mark, best rated first."""

    metric: str
    unit: str
    points: Sequence[Point]
    across: Sequence[Tick]
    upward: Sequence[Tick]
    key: Sequence[tuple[str, str, str]]
    n: int
    left_out: int

    width, height = WIDTH, HEIGHT
    left, floor, right, top = LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, TOP
    middle, waist = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2


def playable_scatter(rows: Sequence[Mapping[Any, Any]]) -> PlayableScatter | None:
    """The drawing of one metric's `rows` (see `correlation.join`); none where no row has a score."""
    scored = sorted((row for row in rows if row["value"] == row["value"]), key=_by_score)
    if not scored:
        return None
    ratings: dict[str, list[float]] = {}
    for row in scored:
        ratings.setdefault(row["condition"], []).append(row["rating"])
    order = sorted(ratings, key=lambda name: -float(np.mean(ratings[name])))
    drawn = condition_styles(order, {row["condition"]: row["role"] for row in scored})
    styles = {name: (colour, MARKS.get(mark, MARKS["X"])) for name, (colour, mark) in drawn.items()}
    across = _Axis([row["value"] for row in scored], LEFT, WIDTH - RIGHT)
    upward = _Axis([row["rating"] for row in scored], HEIGHT - BOTTOM, TOP)
    return PlayableScatter(
        str(scored[0]["metric"]),
        str(scored[0]["unit"]),
        [
            Point(row, across.at(row["value"]), upward.at(row["rating"]), *styles[row["condition"]])
            for row in scored
        ],
        across.ticks,
        upward.ticks,
        [(name, *styles[name]) for name in order],
        len(scored),
        len(rows) - len(scored),
    )


def _by_score(row: Mapping[Any, Any]) -> tuple[float, float]:
    return row["value"], row["rating"]


class _Axis:
    """From values to places between `start` and `end`, with a margin, and round ticks."""

    def __init__(self, values: Sequence[float], start: float, end: float):
        low, high = min(values), max(values)
        margin = 0.05 * (high - low) or 0.05 * abs(low) or 1.0
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        found = MaxNLocator(6).tick_values(self.low, self.high)
        return [
            Tick(self.at(value), f"{value:.6g}".replace("-", "−"))
            for value in found
            if self.low <= value <= self.high
        ]
