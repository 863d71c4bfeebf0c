"""What a number comes from, as a graph, and the same as PROV-JSON (pure: nothing here knows the database).

A node is what W3C's PROV data model (PROV-DM, 2013) calls an entity, an activity or an agent; an edge leads from what
was made to what it was made of or by, under PROV's name for it. `as_prov_json` writes the W3C member submission
PROV-JSON (24 April 2013). `laid_out` places the graph in rows, what was made above what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
# by relation: what PROV-JSON calls its two ends, and how a page says it
RELATIONS = {
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity", "made from"),
    "wasGeneratedBy": ("prov:entity", "prov:activity", "made by"),
    "used": ("prov:activity", "prov:entity", "used"),
    "hadMember": ("prov:collection", "prov:entity", "over"),
    "wasAssociatedWith": ("prov:activity", "prov:agent", "done by"),
}
PROV = {"entity", "activity", "agent"}


@dataclass(frozen=True)
class Node:
    """`name` is KIND/NAME, by which the thing is known; `address` is its page, where it has one."""

    name: str
    prov: str
    kind: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass(frozen=True)
class Edge:
    """`source` was made of or by `target`, both by name."""

    source: str
    relation: str
    target: str

    @property
    def words(self) -> str:
        return RELATIONS[self.relation][2]


@dataclass
class Lineage:
    """A graph without circles, whose first node is what was asked about."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add(self, node: Node, *, of: str = "", relation: str = "") -> Node:
        """Put a node in, once, and an edge to it from the node named `of`."""
        self.nodes.setdefault(node.name, node)
        edge = Edge(of, relation, node.name)
        if of and edge not in self.edges and not self.leads(node.name, of):
            self.edges.append(edge)
        return node

    def leads(self, name: str, to: str) -> bool:
        """Whether there is a way from one node to another: an edge back would make a circle."""
        ahead, seen = [name], set[str]()
        while ahead:
            one = ahead.pop()
            if one == to:
                return True
            if one not in seen:
                seen.add(one)
                ahead += [edge.target for edge in self.leading_from(one)]
        return False

    @property
    def first(self) -> Node:
        return next(iter(self.nodes.values()))

    def leading_from(self, name: str) -> list[Edge]:
        return [edge for edge in self.edges if edge.source == name]


def as_prov_json(lineage: Lineage, *, base: str) -> Json:
    """The graph as a PROV-JSON document; names are resolved against the address `base`."""
    found: Json = {"prefix": {"ear": base}}
    for node in lineage.nodes.values():
        said: Json = {"prov:label": node.title, "prov:type": node.kind}
        for name, value in node.facts:
            said[f"ear:{name.replace(' ', '_')}"] = value
        found.setdefault(node.prov, {})[f"ear:{node.name}"] = said
    for number, edge in enumerate(lineage.edges, start=1):
        one, other, _ = RELATIONS[edge.relation]
        ends = {one: f"ear:{edge.source}", other: f"ear:{edge.target}"}
        found.setdefault(edge.relation, {})[f"_:{edge.relation}{number}"] = ends
    return found


# drawing: lengths are whole CSS pixels

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 212, 56, 24, 44, 8
# where an edge passes a row of boxes
LANE = 16


@dataclass(frozen=True)
class Place:
    """A node's box; `x`, `y` is its upper left corner."""

    node: Node
    x: int
    y: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def centre(self) -> int:
        return self.x + self.width // 2

    @property
    def title_y(self) -> int:
        return self.y + 24

    @property
    def kind_y(self) -> int:
        return self.y + 43

    @property
    def title(self) -> str:
        """As much of the node's title as there is room for."""
        most = 22
        words = self.node.title
        return words if len(words) <= most else f"{words[: most - 1]}…"


@dataclass(frozen=True)
class Drawing:
    """Boxes, and the edges between them as SVG paths."""

    places: list[Place]
    paths: list[str]
    width: int
    height: int


def laid_out(lineage: Lineage) -> Drawing:
    """Rows of boxes: each node is below all that was made of it, and near what it was made for."""
    row_of = _rows(lineage)
    chains = [list(_through(edge, row_of)) for edge in lineage.edges]
    rows: list[list[str]] = [[] for _ in range(max(row_of.values()) + 1)]
    above: dict[str, list[str]] = {name: [] for name in lineage.nodes}
    for chain in chains:
        for (upper, _), (lower, _) in zip(chain, chain[1:], strict=False):
            above.setdefault(lower, []).append(upper)
    depth = dict(row_of) | {name: row for chain in chains for name, row in chain}
    for name, depth_of_it in depth.items():
        rows[depth_of_it].append(name)
    middle: dict[str, int] = {}
    whole = max(_width(row, lineage) for row in rows)
    for row in rows:
        # what hangs from one side stays on that side
        row.sort(key=lambda name: _mean([middle[one] for one in above.get(name, ())]))
        x = MARGIN + (whole - _width(row, lineage)) // 2
        for name in row:
            width = WIDTH if name in lineage.nodes else LANE
            middle[name] = x + width // 2
            x += width + ACROSS
    places = [
        Place(node, middle[name] - WIDTH // 2, MARGIN + row_of[name] * (HEIGHT + DOWN))
        for name, node in lineage.nodes.items()
    ]
    paths = [_path([(middle[name], row) for name, row in chain]) for chain in chains]
    height = 2 * MARGIN + len(rows) * (HEIGHT + DOWN) - DOWN
    return Drawing(places, paths, whole + 2 * MARGIN, height)


def _rows(lineage: Lineage) -> dict[str, int]:
    """How far below the first each node is: the longest way to it."""
    found = dict.fromkeys(lineage.nodes, 0)
    for _ in found:
        for edge in lineage.edges:
            found[edge.target] = max(found[edge.target], found[edge.source] + 1)
    return found


def _through(edge: Edge, row_of: dict[str, int]) -> Iterator[tuple[str, int]]:
    """The ends of an edge and where it passes the rows between, each by a name and its row."""
    start, end = row_of[edge.source], row_of[edge.target]
    yield edge.source, start
    for row in range(start + 1, end):
        yield f"{edge.source} {edge.relation} {edge.target} {row}", row
    yield edge.target, end


def _width(row: list[str], lineage: Lineage) -> int:
    return sum(WIDTH if name in lineage.nodes else LANE for name in row) + ACROSS * (len(row) - 1)


def _mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _path(points: list[tuple[int, int]]) -> str:
    """From the lower edge of the first box through the gaps beside others to the upper edge of the last."""
    (x, row), *others = points
    y = MARGIN + row * (HEIGHT + DOWN) + HEIGHT
    path = f"M{x} {y}"
    for place, (x, row) in enumerate(others, start=1):
        top = MARGIN + row * (HEIGHT + DOWN)
        last = place == len(others)
        bend = y + DOWN // 2
        # the arrow's head ends at the box
        end = top - 7 if last else top
        path += f"C{points[place - 1][0]} {bend} {x} {bend} {x} {end}"
        if not last:
            y = top + HEIGHT
            path += f"V{y}"
    return path
