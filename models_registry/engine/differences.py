"""What changed from one specification to another, in words.

    differences(before, after)      # ["drive.drive: 12 dB, was 20 dB", "block 'level' (gain) is new", …]

Both are read as `Chain.from_spec` reads them, so that what is left out and what is written out at its default are the
same; an empty list means the same hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from models_registry.engine import spec as specification
from models_registry.engine.blocks import BLOCKS, Block

Entry = Mapping[str, Any]


def differences(before: object, after: object) -> list[str]:
    """One sentence for each thing in which the specification `after` differs from `before`; raises `SpecError`."""
    (old, _), (new, blocks) = specification.complete(before), specification.complete(after)
    found = []
    if old["rate"] != new["rate"]:
        found.append(f"rate: {new['rate']} Hz, was {old['rate']} Hz")
    were, are = (dict(_placed(one["blocks"])) for one in (old, new))
    found += [
        f"block '{name}' ({were[name][0]['kind']}) is gone" for name in were if name not in are
    ]
    found += [f"block '{name}' ({are[name][0]['kind']}) is new" for name in are if name not in were]
    kept = [name for name in were if name in are]
    if kept != [name for name in are if name in were]:
        found.append(
            f"order: {', '.join(name for name in are if name in were)}, was {', '.join(kept)}"
        )
    made = dict(blocks)
    for name in kept:
        (then, there), (now, here) = were[name], are[name]
        if there != here:
            found.append(f"block '{name}' is now {here}, was {there}")
        if then["kind"] != now["kind"]:
            found.append(f"block '{name}': kind {now['kind']}, was {then['kind']}")
        elif now["kind"] != specification.PARALLEL:
            found += _block(name, then, now, made[name])
    return found + list(_adapters(old["adapters"], new["adapters"]))


def _placed(
    entries: list[Entry], place: str = "in series"
) -> Iterator[tuple[str, tuple[Entry, str]]]:
    """Every entry by its id, and in which branch it lies, in words."""
    for entry in entries:
        yield entry["id"], (entry, place)
        for number, branch in enumerate(entry.get("branches", ()), start=1):
            yield from _placed(branch, f"in branch {number} of '{entry['id']}'")


def _block(name: str, then: Entry, now: Entry, block: Block) -> Iterator[str]:
    options = {option.name: option.default for option in BLOCKS[now["kind"]].choices}
    before, after = (options | one.get("options", {}) for one in (then, now))
    yield from _changed(name, before, after)
    # another structure may have other parameters
    for key in then["params"].keys() - now["params"].keys():
        yield f"{name}.{key} is gone"
    for key, value in now["params"].items():
        if key not in then["params"]:
            yield f"{name}.{key} is new"
        elif value != then["params"][key]:
            yield f"{name}.{key}: {_said(then['params'][key], value, block.parameters[key].unit)}"
    frozen = [set(one.get("frozen", ())) for one in (then, now)]
    yield from (f"{name}.{key} is now frozen" for key in sorted(frozen[1] - frozen[0]))
    yield from (f"{name}.{key} is now free" for key in sorted(frozen[0] - frozen[1]))
    yield from _changed(f"{name} bounds", then.get("bounds", {}), now.get("bounds", {}))
    yield from _changed(f"{name} tied", then.get("tied", {}), now.get("tied", {}))


def _adapters(before: list[Entry], after: list[Entry]) -> Iterator[str]:
    for number in range(max(len(before), len(after))):
        name = f"adapter {number + 1}"
        if number >= len(after):
            yield f"{name} ({before[number]['kind']}) is gone"
        elif number >= len(before):
            yield f"{name} ({after[number]['kind']}) is new"
        else:
            then, now = dict(before[number]), dict(after[number])
            yield from _changed(f"{name} targets", then.pop("targets"), now.pop("targets"))
            yield from _changed(name, then, now)


def _changed(name: str, before: Entry, after: Entry) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            now, then = (_shown(one.get(key)) for one in (after, before))
            yield f"{name} {key}: {now}, was {then}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " to ".join(map(_shown, value)) if len(value) == 2 else ", ".join(map(_shown, value))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _said(before: Any, after: Any, unit: str) -> str:
    if isinstance(after, list):
        if not isinstance(before, list) or len(before) != len(after):
            return f"{len(after)} values"
        places = [n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        most = max(places, key=lambda n: abs(after[n] - before[n]))
        changed = f"{len(places)} of {len(after)} values changed, most number {most + 1}: "
        return changed + _said(before[most], after[most], unit)
    said = [f"{value:g} {unit}".strip() for value in (after, before)]
    return f"{said[0]}, was {said[1]}"
