"""A chain as a drawing: boxes from left to right, adapters beneath with lines to what they move.

Branches that are added up share one box, which says what is in each of them.

Lengths are in the units of an SVG's viewBox, one to a CSS pixel at full size, and whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TOP, PORT_WIDTH = 8, 28
BOX_WIDTH, BOX_HEIGHT, GAP = 124, 56, 40
ADAPTER_DROP = 48
# the width of a character of the small print in an adapter's box
CHARACTER = 7


@dataclass(frozen=True)
class Box:
    """A block or an adapter; `x`, `y` is its upper left corner, `lines` are where an adapter's lines end."""

    title: str
    kind: str
    x: int
    y: int
    width: int = BOX_WIDTH
    lines: tuple[int, ...] = ()

    @property
    def centre(self) -> int:
        return self.x + self.width // 2

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def before(self) -> int:
        """Where the arrow into the box begins."""
        return self.x - GAP + 2

    @property
    def title_y(self) -> int:
        return self.y + 25

    @property
    def kind_y(self) -> int:
        return self.y + 42


@dataclass(frozen=True)
class Diagram:
    """All boxes of a chain; `middle` is the height of the signal's line."""

    blocks: list[Box]
    adapters: list[Box]
    height_of_box: int = BOX_HEIGHT
    middle: int = TOP + BOX_HEIGHT // 2
    under: int = TOP + BOX_HEIGHT
    bend: int = TOP + BOX_HEIGHT + ADAPTER_DROP // 2

    @property
    def inlet(self) -> int:
        return PORT_WIDTH

    @property
    def last(self) -> int:
        return self.blocks[-1].right

    @property
    def outlet(self) -> int:
        return self.last + GAP + 6

    @property
    def width(self) -> int:
        return max([self.outlet + PORT_WIDTH, *(box.right + 2 for box in self.adapters)])

    @property
    def height(self) -> int:
        return max([self.under, *(box.y + BOX_HEIGHT for box in self.adapters)]) + TOP


def names(entry: dict[str, Any]) -> list[str]:
    """The ids of an entry and of all that is in its branches."""
    inner = [name for branch in entry.get("branches", []) for one in branch for name in names(one)]
    return [entry["id"], *inner]


def summed(entry: dict[str, Any]) -> str:
    """An entry in words; branches as the sum of what is in each."""
    branches = [" → ".join(map(summed, branch)) or "input" for branch in entry.get("branches", [])]
    return "(" + ") + (".join(branches) + ")" if branches else str(entry["id"])


def diagram(chain: dict[str, Any]) -> Diagram:
    """Lay out a chain's specification, which has at least one block."""
    start = PORT_WIDTH + GAP + 4
    blocks: list[Box] = []
    centres: dict[str, int] = {}
    for entry in chain["blocks"]:
        said = summed(entry) if "branches" in entry else entry["kind"]
        width = max(BOX_WIDTH, CHARACTER * len(said) + 24) if "branches" in entry else BOX_WIDTH
        box = Box(entry["id"], said, blocks[-1].right + GAP if blocks else start, TOP, width)
        blocks.append(box)
        centres |= dict.fromkeys(names(entry), box.centre)
    adapters: list[Box] = []
    for entry in chain.get("adapters", []):
        lines = tuple(sorted({centres[path.partition(".")[0]] for path in entry["targets"]}))
        moves = "moves " + ", ".join(sorted(entry["targets"]))
        width = max(BOX_WIDTH, CHARACTER * len(moves) + 24)
        # beneath what it moves, but beside the adapter before
        x = max(2, sum(lines) // len(lines) - width // 2)
        x = max(x, adapters[-1].right + GAP) if adapters else x
        adapters.append(Box(entry["kind"], moves, x, TOP + BOX_HEIGHT + ADAPTER_DROP, width, lines))
    return Diagram(blocks, adapters)
