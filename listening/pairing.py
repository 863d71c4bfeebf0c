"""Which file is which item by which system: names and a pattern give a table, before anything is made of it.

A pattern is `{item}` and `{condition}` with what stands around and between them, such as `{condition}/{item}.wav`. The
ending of a name and folders that all names lie in are of no account. Pure: names in, a table out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from listening.exchange.campaign_document import FORMAT, MADE
from models_registry.degradations import DEGRADATIONS

# in the order in which they are tried: the first of the best is taken
PATTERNS = (
    "{condition}/{item}.wav",
    "{item}/{condition}.wav",
    "{item}_{condition}.wav",
    "{condition}_{item}.wav",
    "{item}-{condition}.wav",
    "{condition}-{item}.wav",
    "{item}.{condition}.wav",
    "{item} {condition}.wav",
)
LEFT_OUT = "left out"
# what files are called that hold the original and its low-passed copies; compared without signs and spaces
_ROLES = {
    "reference": "ref|reference|hiddenref|hiddenreference|orig|original|clean|input",
    "anchor35": "anchor35|anchor35khz|anchor3500|anchorlow|low|lowanchor|lp35|lp35khz|lp3500|c3500|3500|35khz",
    "anchor70": "anchor70|anchor7|anchor7khz|anchor7000|anchormid|mid|midanchor|lp7|lp70|lp7khz|lp7000|c7000|7000|7khz",
}
ROLES = {name: role for role, names in _ROLES.items() for name in names.split("|")}
MADE_NAMES = {"reference": "reference", "anchor35": "anchor 3.5 kHz", "anchor70": "anchor 7 kHz"}

Cell = tuple[str, str]


class PairingError(ValueError):
    """A pattern or a table of which no campaign can be made."""


@dataclass
class Table:
    """Items by conditions: `cells` leads from both to a file, `unmatched` and `doubled` files have no place."""

    items: list[str]
    conditions: list[str]
    cells: dict[Cell, str]
    unmatched: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def holes(self) -> list[Cell]:
        return [(i, c) for i in self.items for c in self.conditions if (i, c) not in self.cells]

    def rows(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Each item with the file, or nothing, of each condition."""
        for item in self.items:
            yield item, [(name, self.cells.get((item, name), "")) for name in self.conditions]


def table(names: Sequence[str], pattern: str) -> Table:
    """The `names` laid out by `pattern`; raises `PairingError` for one that tells no item from a condition."""
    readings = _readings(names, pattern)
    items_of: dict[str, set[str]] = defaultdict(set)
    conditions_of: dict[str, set[str]] = defaultdict(set)
    for item, condition in (cell for cells in readings.values() for cell in cells):
        items_of[condition].add(item)
        conditions_of[item].add(condition)
    found = Table([], [], {})
    for name in names:
        if not readings[name]:
            found.unmatched.append(name)
            continue
        # where a name can be split in several places, where it fits most of the others
        cell = max(
            readings[name],
            key=lambda one: (len(items_of[one[1]]) * len(conditions_of[one[0]]), len(one[1])),
        )
        if cell in found.cells:
            found.doubled.append(name)
        else:
            found.cells[cell] = name
    found.items = sorted({item for item, _ in found.cells}, key=natural)
    found.conditions = sorted({condition for _, condition in found.cells}, key=_by_role)
    return found


def guess(names: Sequence[str]) -> str:
    """The pattern that gives most files a place and leaves the fewest holes."""
    return max(PATTERNS, key=lambda pattern: _fit(table(names, pattern)))


def role(condition: str) -> str:
    """What a condition of this name is likely to be: a role, system where nothing speaks for another."""
    plain = re.sub(r"[^a-z0-9]", "", condition.lower())
    return ROLES.get(plain, "anchor" if plain.startswith("anchor") else "system")


def made_name(kind: str, at: float) -> str:
    """What an anchor is called that is made by known damage of a degree."""
    return f"{DEGRADATIONS[kind].title} {at:g} {DEGRADATIONS[kind].unit}"


def natural(name: str) -> list[tuple[int, str | int]]:
    """A key to sort by that puts 2 before 10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def document(
    found: Table,
    *,
    slug: str,
    title: str,
    method: str,
    roles: dict[str, str],
    made: Iterable[str] = (),
    damaged: Mapping[str, float] | None = None,
    versions: dict[str, str] | None = None,
    whole_items_only: bool = False,
) -> dict[str, Any]:
    """The campaign of a table as a document's data; the reference is heard openly and among the conditions.

    `made` are roles whose sounds are made from the reference, `damaged` further anchors by their kind and degree;
    `versions` are model versions by condition. With `whole_items_only` items with a hole are left out. Raises
    `PairingError`.
    """
    kept = [name for name in found.conditions if roles[name] != LEFT_OUT]
    references = [name for name in kept if roles[name] == "reference"]
    if len(references) > 1:
        raise PairingError(f"expected one reference, found {' and '.join(references)}")
    made = [one for one in made if one not in {roles[name] for name in kept}]
    further: list[dict[str, Any]] = [
        {"name": made_name(kind, at), "role": "anchor", "made": {"kind": kind, "at": at}}
        for kind, at in (damaged or {}).items()
    ]
    if (made or further) and not references:
        raise PairingError("expected a reference to make anchors of, found none: give one its role")
    named = {MADE_NAMES[one] for one in made} | {one["name"] for one in further}
    if clash := named & set(kept):
        raise PairingError(f"expected another name for {clash.pop()!r}: one is to be made")
    items = []
    for item in found.items:
        cells = {name: found.cells[item, name] for name in kept if (item, name) in found.cells}
        if not cells or (whole_items_only and any(name not in cells for name in kept)):
            continue
        reference = [cells[name] for name in references if name in cells]
        opened = {"reference": reference[0]} if reference else {}
        items.append({"title": item, **opened, "stimuli": cells})
    if not items:
        raise PairingError("expected at least one item, found none without a hole")
    conditions: list[dict[str, Any]] = [
        {"name": name, "role": roles[name]}
        | ({"version": versions[name]} if versions and name in versions else {})
        for name in kept
    ]
    conditions += [{"name": MADE_NAMES[one], "role": one} for one in made if one in MADE]
    conditions += further
    return {
        "format": FORMAT,
        "slug": slug,
        "title": title,
        "method": method,
        "conditions": sorted(conditions, key=lambda one: one["role"] == "system"),
        "items": items,
    }


def _fit(found: Table) -> tuple[int, bool, float, int]:
    """How well a pattern explains the names; more is better."""
    size = len(found.items) * len(found.conditions)
    crossed = len(found.items) > 1 and len(found.conditions) > 1
    known = sum(role(name) != "system" for name in found.conditions)
    return len(found.cells), crossed, len(found.cells) / size if size else 0.0, known


def _by_role(condition: str) -> tuple[bool, list[tuple[int, str | int]]]:
    return role(condition) == "system", natural(condition)


def _readings(names: Sequence[str], pattern: str) -> dict[str, list[Cell]]:
    """Every way in which each name can be read."""
    fields = re.findall(r"\{(\w+)\}", pattern)
    if Counter(fields) != Counter(("item", "condition")):
        what = "a pattern with {item} and {condition} once each"
        raise PairingError(f"expected {what}, found {pattern!r}")
    before, between, after = re.split(r"\{\w+\}", _without_ending(pattern.strip().lstrip("/")))
    if not between:
        raise PairingError(f"expected something between the two names in {pattern!r}, found none")
    shared = _shared_folders(names, depth=pattern.count("/"))
    readings = {}
    for name in names:
        core = _without_ending(name[len(shared) :])
        fits = core.startswith(before) and core.endswith(after)
        core = core[len(before) : len(core) - len(after)] if fits else ""
        splits = [
            (core[: found.start()], core[found.start() + len(between) :])
            for found in re.finditer(f"(?={re.escape(between)})", core)
        ]
        whole = [pair for pair in splits if all(part and "/" not in part for part in pair)]
        readings[name] = whole if fields[0] == "item" else [(b, a) for a, b in whole]
    return readings


def _without_ending(name: str) -> str:
    path = PurePosixPath(name)
    known = path.suffix.lower() in ENDINGS
    return name[: -len(path.suffix)] if known else name


ENDINGS = {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"}


def _shared_folders(names: Sequence[str], *, depth: int) -> str:
    """The folders that all names lie in, but for the `depth` that the pattern speaks of."""
    paths = [PurePosixPath(name).parts[:-1] for name in names]
    shared = 0
    fewest = min((len(path) for path in paths), default=0)
    while shared < fewest - depth and len({path[shared] for path in paths}) == 1:
        shared += 1
    return "".join(f"{part}/" for part in paths[0][:shared]) if paths else ""
