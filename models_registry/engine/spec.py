"""Chain specifications: plain JSON data, checked and completed before anything is built.

    {"version": 1, "rate": 44100,
     "blocks": [{"id": "drive", "kind": "waveshaper", "params": {"drive": 12}}, ...],
     "adapters": [{"kind": "follower", "targets": {"drive.bias": 0.2}, "hop": 128, "hidden": 12}]}

Blocks are joined in the order given; params are starting values in units, those left out start at their defaults.
A target is `block id.parameter`, its number the adapter's authority as a fraction of the parameter's range.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from models_registry.engine.adapters import ADAPTERS
from models_registry.engine.blocks import BLOCKS, Block
from models_registry.engine.contract import SpecError

VERSION = 1
HOP = (16, 4_096, 128)
HIDDEN = (1, 128, 12)


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence's end that points from a misspelt `word` to what may have been meant."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known) or 'none'}"


def only_keys(data: object, known: Iterable[str], *, where: str) -> dict[str, Any]:
    """Return `data` as a mapping that has no key beside `known`, or raise `SpecError`."""
    if not isinstance(data, Mapping):
        raise SpecError(f"{where}: expected an object, found {data!r}")
    for key in data:
        if key not in (known := tuple(known)):
            raise SpecError(f"{where}: found the unknown key '{key}'; {nearest(str(key), known)}")
    return dict(data)


def whole(value: object, limits: tuple[int, int, int], *, where: str) -> int:
    low, high, _ = limits
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{where}: expected a whole number from {low} to {high}, found {value!r}")
    return value


def complete(spec: object) -> tuple[dict[str, Any], list[tuple[str, Block]]]:
    """The canonical form of `spec` and its blocks by id; raises `SpecError` in one sentence otherwise."""
    spec = only_keys(spec, ("version", "rate", "blocks", "adapters"), where="chain")
    if spec.get("version") != VERSION:
        raise SpecError(f"chain: expected version {VERSION}, found {spec.get('version')!r}")
    rate = whole(spec.get("rate"), (8_000, 192_000, 0), where="chain rate (Hz)")
    entries = spec.get("blocks")
    if not isinstance(entries, list) or not entries:
        raise SpecError(f"chain: expected a list of at least one block, found {entries!r}")
    blocks: dict[str, Block] = {}
    described = []
    for number, entry in enumerate(entries, start=1):
        name, block, params = _block(entry, rate, where=f"block {number}")
        if name in blocks:
            raise SpecError(f"block {number}: expected an id of its own, found '{name}' twice")
        blocks[name] = block
        described.append(_described(name, block, params))
    _ports_meet(blocks, rate)
    adapters = spec.get("adapters", [])
    if not isinstance(adapters, list):
        raise SpecError(f"chain: expected a list of adapters, found {adapters!r}")
    taken: dict[str, int] = {}
    completed = {
        "version": VERSION,
        "rate": rate,
        "blocks": described,
        "adapters": [_adapter(entry, blocks, taken, n) for n, entry in enumerate(adapters, 1)],
    }
    return completed, list(blocks.items())


def _block(entry: object, rate: int, *, where: str) -> tuple[str, Block, dict[str, Any]]:
    entry = only_keys(entry, ("id", "kind", "options", "params"), where=where)
    name, kind = entry.get("id"), entry.get("kind")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise SpecError(
            f"{where}: expected an id of lower-case letters, digits, _ and -, found {name!r}"
        )
    if kind not in BLOCKS:
        raise SpecError(
            f"block '{name}': found the unknown kind {kind!r}; {nearest(str(kind), BLOCKS)}"
        )
    kind = BLOCKS[str(kind)]
    options = only_keys(
        entry.get("options", {}), [o.name for o in kind.choices], where=f"block '{name}' options"
    )
    for option in kind.choices:
        option.checked(options.get(option.name, option.default), where=f"{name}.{option.name}")
    block = kind(rate, options)
    given = only_keys(entry.get("params", {}), block.parameters, where=f"block '{name}'")
    params: dict[str, Any] = {}
    for parameter in block.parameters.values():
        values = parameter.checked(
            given.get(parameter.name, parameter.default), where=f"{name}.{parameter.name}"
        )
        params[parameter.name] = values[0] if parameter.size == 1 else list(values)
    return name, block, params


def _described(name: str, block: Block, params: dict[str, Any]) -> dict[str, Any]:
    options = {"options": block.options} if block.options else {}
    return {"id": name, "kind": block.kind, **options, "params": params}


def _ports_meet(blocks: Mapping[str, Block], rate: int) -> None:
    for name, block in blocks.items():
        for port in (block.inlet, block.outlet):
            if not port.low_rate <= rate <= port.high_rate:
                raise SpecError(
                    f"block '{name}': expected a chain at {port.low_rate} to {port.high_rate} Hz, "
                    f"found {rate} Hz"
                )
    width, source = 0, ""
    for (left, giver), (right, taker) in pairwise(blocks.items()):
        if giver.outlet.channels:
            width, source = giver.outlet.channels, left
        wide = taker.inlet.channels
        if not giver.outlet.meets(taker.inlet) or (width and wide and width != wide):
            through = f" (set by '{source}')" if source and source != left else ""
            raise SpecError(
                f"ports do not meet: '{left}' ({giver.kind}) gives {giver.outlet}{through}, "
                f"'{right}' ({taker.kind}) takes {taker.inlet}"
            )


def _adapter(
    entry: object, blocks: Mapping[str, Block], taken: dict[str, int], number: int
) -> dict[str, Any]:
    where = f"adapter {number}"
    entry = only_keys(entry, ("kind", "targets", "hop", "hidden"), where=where)
    if entry.get("kind") not in ADAPTERS:
        kind = entry.get("kind")
        raise SpecError(f"{where}: found the unknown kind {kind!r}; {nearest(str(kind), ADAPTERS)}")
    movable = {
        f"{name}.{parameter.name}"
        for name, block in blocks.items()
        for parameter in block.parameters.values()
        if parameter.time_varying
    }
    targets = entry.get("targets")
    if not isinstance(targets, Mapping) or not targets:
        raise SpecError(f"{where}: expected targets with their authority, found {targets!r}")
    for path, authority in targets.items():
        if path not in movable:
            raise SpecError(
                f"{where}: expected a time-varying parameter, found '{path}'; {nearest(path, movable)}"
            )
        if path in taken:
            raise SpecError(f"{where}: '{path}' already follows adapter {taken[path]}")
        taken[path] = number
        if (
            isinstance(authority, bool)
            or not isinstance(authority, (int, float))
            or not (0 < authority <= 1)
        ):
            raise SpecError(
                f"{where}: expected an authority over '{path}' of above 0 to 1 of its range, "
                f"found {authority!r}"
            )
    return {
        "kind": entry["kind"],
        "targets": {path: float(targets[path]) for path in sorted(targets)},
        "hop": whole(entry.get("hop", HOP[2]), HOP, where=f"{where} hop (samples)"),
        "hidden": whole(entry.get("hidden", HIDDEN[2]), HIDDEN, where=f"{where} hidden (units)"),
    }


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: object) -> str:
    """SHA-256 (hex) of the canonical JSON of `data`."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()
