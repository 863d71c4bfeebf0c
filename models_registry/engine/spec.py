"""Chain specifications: plain JSON data, checked and completed before anything is built.

    {"version": 1, "rate": 44100,
     "blocks": [{"id": "drive", "kind": "waveshaper", "params": {"drive": 12}}, ...],
     "adapters": [{"kind": "follower", "targets": {"drive.bias": 0.2}, "hop": 128, "hidden": 12}]}

Blocks are joined in the order given; an entry of kind "parallel" sends its input through several branches and adds
what comes out, aligned in time (an empty branch is the input itself):

    {"id": "mix", "kind": "parallel", "branches": [[], [{"id": "drive", "kind": "waveshaper"}]]}

Params are starting values in units, those left out start at their defaults; options are structure. A block may hold
parameters still ("frozen": ["q"]), keep them within tighter ranges ("bounds": {"gain": [-12, 12]}) and let them share
the place in the range of another of the same range ("tied": {"release": "first.release"}).
A target is `block id.parameter`, its number the adapter's authority as a fraction of the parameter's range.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple

from models_registry.engine.adapters import ADAPTERS, Adapter, Target
from models_registry.engine.blocks import BLOCKS, Block
from models_registry.engine.contract import Port, SpecError

VERSION = 1
PARALLEL = "parallel"
# nobody reads deeper; and a cycle has no end
DEEPEST = 8


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
    blocks: dict[str, Block] = {}
    described = _series(spec.get("blocks"), rate, blocks, set(), where="chain")
    if not blocks:
        raise SpecError("chain: expected at least one block, found only branches")
    _ties_hold(blocks, described)
    _rates_meet(blocks, rate)
    _widths_meet(described, blocks, _Giver("", "", Port(), 0, ""))
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


def latency(entries: Iterable[Mapping[str, Any]], blocks: Mapping[str, Block]) -> int:
    """Samples by which what leaves a completed specification's `entries` lags behind what enters them."""
    return sum(
        max(latency(branch, blocks) for branch in entry["branches"])
        if entry["kind"] == PARALLEL
        else blocks[entry["id"]].outlet.latency
        for entry in entries
    )


def leaves(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The blocks of a completed specification's `entries`, those of branches included, in order."""
    for entry in entries:
        if entry["kind"] == PARALLEL:
            for branch in entry["branches"]:
                yield from leaves(branch)
        else:
            yield entry


def _series(
    entries: object,
    rate: int,
    blocks: dict[str, Block],
    taken: set[str],
    *,
    where: str,
    depth: int = 0,
) -> list[dict[str, Any]]:
    """The canonical form of blocks in series; their blocks are added to `blocks`, their ids to `taken`."""
    branch = where != "chain"
    if depth > DEEPEST:
        raise SpecError(
            f"{where}: expected branches within branches at most {DEEPEST} deep, found more (a cycle in the data?)"
        )
    if not isinstance(entries, list) or not (entries or branch):
        least = "blocks" if branch else "at least one block"
        raise SpecError(f"{where}: expected a list of {least}, found {entries!r}")
    described = []
    for number, entry in enumerate(entries, start=1):
        place = f"{where} block {number}" if branch else f"block {number}"
        parallel = isinstance(entry, Mapping) and entry.get("kind") == PARALLEL
        if parallel:
            name = _id(only_keys(entry, ("id", "kind", "branches"), where=place), place)
        else:
            name, block, described_block = _block(entry, rate, where=place)
        if name in taken:
            raise SpecError(f"{place}: expected an id of its own, found '{name}' twice")
        taken.add(name)
        if not parallel:
            blocks[name] = block
            described.append(described_block)
            continue
        branches = entry.get("branches")
        if not isinstance(branches, list) or len(branches) < 2:
            found = f"{len(branches)}" if isinstance(branches, list) else repr(branches)
            raise SpecError(f"'{name}': expected a list of at least two branches, found {found}")
        inner = [
            _series(one, rate, blocks, taken, where=f"'{name}' branch {n}", depth=depth + 1)
            for n, one in enumerate(branches, start=1)
        ]
        described.append({"id": name, "kind": PARALLEL, "branches": inner})
    return described


def _id(entry: Mapping[str, Any], where: str) -> str:
    name = entry.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise SpecError(
            f"{where}: expected an id of lower-case letters, digits, _ and -, found {name!r}"
        )
    return name


def _block(entry: object, rate: int, *, where: str) -> tuple[str, Block, dict[str, Any]]:
    known = ("id", "kind", "options", "params", "frozen", "bounds", "tied")
    entry = only_keys(entry, known, where=where)
    name, kind = _id(entry, where), entry.get("kind")
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
    held = _hold(name, block, entry)
    given = only_keys(entry.get("params", {}), block.parameters, where=f"block '{name}'")
    params: dict[str, Any] = {}
    for parameter in block.parameters.values():
        values = parameter.checked(
            given.get(parameter.name, parameter.default), where=f"{name}.{parameter.name}"
        )
        params[parameter.name] = values[0] if parameter.size == 1 else list(values)
    return name, block, _described(name, block, params) | held


def _described(name: str, block: Block, params: dict[str, Any]) -> dict[str, Any]:
    given = {
        option.name: value
        for option in block.choices
        if (value := block.options[option.name]) != option.default or not option.later
    }
    options = {"options": given} if given else {}
    return {"id": name, "kind": block.kind, **options, "params": params}


def _hold(name: str, block: Block, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Bound, freeze and tie the parameters of `block` as `entry` says, and return what it said."""
    held: dict[str, Any] = {}
    if "bounds" in entry:
        bounds = only_keys(entry["bounds"], block.parameters, where=f"block '{name}' bounds")
        for key, ends in bounds.items():
            numbers = isinstance(ends, (list, tuple)) and len(ends) == 2
            # a whole number may have more digits than a float can hold
            if not numbers or not all(type(e) in (int, float) and abs(e) < 1e300 for e in ends):
                raise SpecError(f"{name}.{key} bounds: expected two numbers, found {ends!r}")
            said = f"{name}.{key} bounds"
            block.parameters[key] = block.parameters[key].within(*ends, where=said)
        held["bounds"] = {key: [float(end) for end in bounds[key]] for key in sorted(bounds)}
    if "frozen" in entry:
        frozen = entry["frozen"]
        if not isinstance(frozen, (list, tuple)) or len(set(map(str, frozen))) < len(frozen):
            raise SpecError(
                f"block '{name}' frozen: expected a list of different names, found {frozen!r}"
            )
        only_keys(dict.fromkeys(map(str, frozen)), block.parameters, where=f"block '{name}' frozen")
        for key in frozen:
            block.parameters[key] = replace(block.parameters[key], frozen=True)
        held["frozen"] = sorted(frozen)
    if "tied" in entry:
        tied = only_keys(entry["tied"], block.parameters, where=f"block '{name}' tied")
        for key, path in tied.items():
            block.parameters[key] = replace(block.parameters[key], tied_to=str(path))
        held["tied"] = {key: str(tied[key]) for key in sorted(tied)}
    return held


def _ties_hold(blocks: Mapping[str, Block], described: list[dict[str, Any]]) -> None:
    starts = {
        f"{entry['id']}.{key}": value
        for entry in leaves(described)
        for key, value in entry["params"].items()
    }
    every = {
        f"{name}.{parameter.name}": parameter
        for name, block in blocks.items()
        for parameter in block.parameters.values()
    }
    for path, parameter in every.items():
        if not parameter.tied_to:
            continue
        other = every.get(parameter.tied_to)
        if other is None or other.tied_to:
            free = [known for known, one in every.items() if not one.tied_to]
            raise SpecError(
                f"{path}: expected to be tied to a parameter with a value of its own, found "
                f"'{parameter.tied_to}'; {nearest(parameter.tied_to, free)}"
            )
        ranges = [(one.low, one.high, one.scale, one.size) for one in (parameter, other)]
        if ranges[0] != ranges[1]:
            raise SpecError(
                f"{path}: expected to be tied to a parameter of the same range, found {parameter.low:g} to "
                f"{parameter.high:g} here and {other.low:g} to {other.high:g} in '{parameter.tied_to}'"
            )
        start = parameter.checked(starts[path], where=path)
        default = parameter.checked(parameter.default, where=path)
        if start not in (default, other.checked(starts[parameter.tied_to], where=path)):
            raise SpecError(
                f"{path}: expected to begin where '{parameter.tied_to}' does, to which it is tied, found a value of "
                "its own (leave it out)"
            )


def _rates_meet(blocks: Mapping[str, Block], rate: int) -> None:
    for name, block in blocks.items():
        for port in (block.inlet, block.outlet):
            if not port.low_rate <= rate <= port.high_rate:
                raise SpecError(
                    f"block '{name}': expected a chain at {port.low_rate} to {port.high_rate} Hz, "
                    f"found {rate} Hz"
                )


class _Giver(NamedTuple):
    """What a signal comes from: the entry before, and the width (0: any) that the block `source` gave it."""

    name: str
    kind: str
    port: Port
    width: int
    source: str


def _widths_meet(
    entries: list[dict[str, Any]], blocks: Mapping[str, Block], giver: _Giver
) -> _Giver:
    """Follow the signal from `giver` through `entries` and return what gives it then."""
    for entry in entries:
        name = entry["id"]
        if entry["kind"] == PARALLEL:
            ends = [_widths_meet(branch, blocks, giver) for branch in entry["branches"]]
            known = [(n, end.width) for n, end in enumerate(ends, start=1) if end.width]
            for number, width in known[1:]:
                if width != known[0][1]:
                    raise SpecError(
                        f"ports do not meet: branch {known[0][0]} of '{name}' gives "
                        f"{known[0][1]} channel(s), branch {number} gives {width}"
                    )
            width = known[0][1] if known else 0
            giver = _Giver(name, PARALLEL, Port(channels=width), width, name if width else "")
            continue
        taker = blocks[name]
        wide = taker.inlet.channels
        if not giver.port.meets(taker.inlet) or (giver.width and wide and giver.width != wide):
            through = f" (set by '{giver.source}')" if giver.source not in ("", giver.name) else ""
            raise SpecError(
                f"ports do not meet: '{giver.name}' ({giver.kind}) gives {giver.port}{through}, "
                f"'{name}' ({taker.kind}) takes {taker.inlet}"
            )
        out = taker.outlet.channels
        width, source = (out, name) if out else (giver.width, giver.source)
        giver = _Giver(name, taker.kind, taker.outlet, width, source)
    return giver


def _adapter(
    entry: object, blocks: Mapping[str, Block], taken: dict[str, int], number: int
) -> dict[str, Any]:
    where = f"adapter {number}"
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if kind not in ADAPTERS:
        only_keys(entry, ("kind", *(entry if isinstance(entry, Mapping) else ())), where=where)
        raise SpecError(f"{where}: found the unknown kind {kind!r}; {nearest(str(kind), ADAPTERS)}")
    cls = ADAPTERS[str(kind)]
    options = [option.name for option in cls.choices]
    names = ("names",) if cls.conditioned else ()
    entry = only_keys(entry, ("kind", "targets", *options, *names), where=where)
    movable = {
        f"{name}.{parameter.name}": Target(1, parameter.size, block.hop, parameter)
        for name, block in blocks.items()
        for parameter in block.parameters.values()
        if cls.movable(parameter, block.hop)
    }
    targets = entry.get("targets")
    if not isinstance(targets, Mapping) or not targets:
        raise SpecError(f"{where}: expected targets with their authority, found {targets!r}")
    for path, authority in targets.items():
        if path not in movable:
            raise SpecError(
                f"{where}: expected a {cls.moves} parameter, found '{path}'; {nearest(path, movable)}"
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
    cls.fits({path: movable[path] for path in targets}, where)
    completed = {"kind": kind, "targets": {path: float(targets[path]) for path in sorted(targets)}}
    for option in cls.choices:
        said = f"{where} {option.name}"
        value = option.checked(entry.get(option.name, option.default), where=said)
        if value != option.default or not option.later:
            completed[option.name] = value
    if "names" in entry:
        given = entry["names"]
        words = isinstance(given, (list, tuple)) and all(isinstance(n, str) and n for n in given)
        if not words or len(set(given)) < len(given) or not given:
            raise SpecError(f"{where} names: expected different names, found {given!r}")
        completed["names"] = list(given)
    return completed


def adapter(
    entry: Mapping[str, Any],
    blocks: Mapping[str, Block],
    rate: int,
    starts: Mapping[str, float],
) -> Adapter:
    """The adapter that a completed `entry` describes; `starts` are the controls of single parameters by path."""
    targets = {}
    for path, authority in entry["targets"].items():
        name, _, key = path.partition(".")
        parameter = blocks[name].parameters[key]
        targets[path] = Target(
            authority, parameter.size, blocks[name].hop, parameter, starts.get(path, 0.5)
        )
    options = {
        key: value for key, value in entry.items() if key not in ("kind", "targets", "names")
    }
    names = tuple(entry.get("names", ()))
    return ADAPTERS[entry["kind"]](targets, rate=rate, names=names, **options)


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: object) -> str:
    """SHA-256 (hex) of the canonical JSON of `data`."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()
