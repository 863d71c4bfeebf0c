"""Suites: which probes and ladders of realism a version is put to, as data in one YAML or JSON file.

    title: Mine
    probes:
      - {name: hum, kind: sine, frequency: 50, level: -30, tolerances: {distortion: 1}}
    ladders:
      - {name: babble, damage: babble-noise, at: [30, 20, 10, 0], sources: [speech-like voice],
         judged: {si-sdr: {limit: 0, tolerance: 1}}}

A probe has a kind and its settings; `tolerances` make a change of a quantity beyond so much a regression. A ladder
does a damage of `models_registry.degradations` by degrees, the mildest first, or (`source`) goes through pitches,
speakers or instruments; where a metric that it is `judged` by passes its `limit` the version fails, and worse than its
parent by more than the `tolerance` is a regression.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from models_registry.degradations import DEGRADATIONS
from models_registry.engine.probes.kinds import ProbeError, kind
from models_registry.instruments import PLAYERS

SHIPPED = Path(__file__).parent / "suites"
STANDARD = "standard"
SOURCES = ("pitch", "speaker", "instrument")
MOST = 200
# bytes
LARGEST = 100_000


@dataclass(frozen=True)
class Probe:
    """A kind of probe with its settings; `tolerances` by quantity, in place of the kind's own."""

    name: str
    kind: str
    settings: dict[str, float] = field(default_factory=dict)
    tolerances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """By which metric; beyond `limit` the version fails; a mean worse by more than `tolerance` is a regression."""

    metric: str
    limit: float
    tolerance: float


@dataclass(frozen=True)
class Ladder:
    """A damage (or a property of the source) by degrees, on which sources, and what it is judged by."""

    name: str
    judged: tuple[Judged, ...]
    damage: str = ""
    source: str = ""
    at: tuple[Any, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Probes and ladders under a name; what is `blocks` also holds each block to its card."""

    name: str
    title: str
    probes: tuple[Probe, ...]
    ladders: tuple[Ladder, ...]
    blocks: bool = True

    @property
    def sha256(self) -> str:
        """Of what is asked, so that two results can be known to answer the same."""
        said = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()


def shipped() -> list[str]:
    """The names of the suites that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(name: str | Path) -> Suite:
    """The suite of that name, or in that file; raises `ProbeError`."""
    path = SHIPPED / f"{name}.yaml" if str(name) in shipped() else Path(name)
    return parsed(read(path), name=path.stem)


def read(path: Path) -> object:
    """What a YAML or JSON file holds; raises `ProbeError`."""
    if not path.is_file():
        raise ProbeError(
            f"expected a suite of {', '.join(shipped())}, or a YAML or JSON file, found '{path}'"
        )
    if path.stat().st_size > LARGEST:
        raise ProbeError(
            f"{path.name}: expected at most {LARGEST} bytes, found {path.stat().st_size}"
        )
    return understood(path.read_bytes(), name=path.name)


def understood(content: bytes, *, name: str) -> object:
    """What the text of a suite holds; raises `ProbeError`."""
    try:
        # as JSON would hold it: dates and the like are no part of a suite
        return json.loads(json.dumps(yaml.safe_load(content.decode()), allow_nan=False))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, ValueError, RecursionError) as error:
        raise ProbeError(f"{name}: expected YAML or JSON, found: {error}") from error


def parsed(data: object, *, name: str) -> Suite:
    """The suite that `data` describes; raises `ProbeError` naming the entry that is wrong."""
    given = _table(data, name, {"title", "probes", "ladders", "blocks"})
    probes = [_probe(one, f"{name}: probe {n}") for n, one in enumerate(_list(given, "probes"), 1)]
    ladders = [
        _ladder(one, f"{name}: ladder {n}") for n, one in enumerate(_list(given, "ladders"), 1)
    ]
    names = [one.name for one in probes] + [one.name for one in ladders]
    if not names or len(names) > MOST:
        raise ProbeError(f"{name}: expected 1 to {MOST} probes and ladders, found {len(names)}")
    if twice := {one for one in names if names.count(one) > 1}:
        raise ProbeError(f"{name}: expected names that differ, found '{min(twice)}' twice")
    title = str(given.get("title", name))
    return Suite(name, title, tuple(probes), tuple(ladders), given.get("blocks", True) is True)


def _probe(entry: object, where: str) -> Probe:
    given = _table(entry, where, None)
    how = kind(_word(given, "kind", where))
    settings = {k: v for k, v in given.items() if k not in ("name", "kind", "tolerances")}
    for key, value in settings.items():
        if key not in how.settings:
            raise ProbeError(
                f"{where}: expected settings of {', '.join(how.settings)}, found '{key}'"
            )
        settings[key] = _number(value, f"{where}: {key}")
    tolerances = {
        how.quantity(key).name: _number(value, f"{where}: tolerance of {key}")
        for key, value in _table(given.get("tolerances", {}), where, None).items()
    }
    return Probe(_word(given, "name", where), how.name, settings, tolerances)


def _ladder(entry: object, where: str) -> Ladder:
    known = {"name", "damage", "source", "at", "sources", "judged"}
    given = _table(entry, where, known)
    damage, source = str(given.get("damage", "")), str(given.get("source", ""))
    if bool(damage) == bool(source):
        raise ProbeError(
            f"{where}: expected either a damage or a source, found {damage!r} and {source!r}"
        )
    if damage and damage not in DEGRADATIONS:
        raise ProbeError(
            f"{where}: expected a damage of {', '.join(DEGRADATIONS)}, found '{damage}'"
        )
    if source and source not in SOURCES:
        raise ProbeError(f"{where}: expected a source of {', '.join(SOURCES)}, found '{source}'")
    at = tuple(given.get("at", ()))
    if source != "instrument":
        if len(at) < 2:
            raise ProbeError(f"{where}: expected at least two degrees, found {len(at)}")
        at = tuple(_number(one, f"{where}: at") for one in at)
    if damage:
        kept = DEGRADATIONS[damage]
        for one in at:
            if not kept.least <= one <= kept.most:
                raise ProbeError(
                    f"{where}: expected {kept.least:g} to {kept.most:g} {kept.unit}, found {one:g}"
                )
    if strange := set(map(str, given.get("sources", ()))) - set(PLAYERS):
        raise ProbeError(
            f"{where}: expected sources of {', '.join(PLAYERS)}, found '{min(strange)}'"
        )
    judged = tuple(
        _judged(metric, one, where)
        for metric, one in _table(given.get("judged"), f"{where}: judged", None).items()
    )
    if not judged:
        raise ProbeError(f"{where}: expected a metric to be judged by, found none")
    sources = tuple(given.get("sources", PLAYERS))
    return Ladder(_word(given, "name", where), judged, damage, source, at, sources)


def _judged(metric: str, given: object, where: str) -> Judged:
    bounds = _table(given, f"{where}: {metric}", {"limit", "tolerance"})
    limit, tolerance = (
        _number(bounds.get(key), f"{where}: {metric}: {key}") for key in ("limit", "tolerance")
    )
    return Judged(metric, limit, tolerance)


def _table(given: object, where: str, known: set[str] | None) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ProbeError(f"{where}: expected names and values, found {type(given).__name__}")
    if known is not None and (strange := set(given) - known):
        raise ProbeError(
            f"{where}: expected {', '.join(sorted(known))}, found '{min(map(str, strange))}'"
        )
    return {str(key): value for key, value in given.items()}


def _list(given: dict[str, Any], key: str) -> list[Any]:
    found = given.get(key) or []
    if not isinstance(found, list):
        raise ProbeError(f"{key}: expected a list, found {type(found).__name__}")
    return found


def _word(given: dict[str, Any], key: str, where: str) -> str:
    found = given.get(key)
    if not isinstance(found, str) or not found.strip():
        raise ProbeError(f"{where}: expected a {key}, found {found!r}")
    return found.strip()


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise ProbeError(f"{where}: expected a number, found {value!r}")
    return float(value)
