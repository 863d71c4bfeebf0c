"""The adapters of a version under the lamp: on which sounds, and all that is asked of them.

Without sounds of one's own a crossed set is made: synthetic voices by texts by rooms by devices, so that what goes with
one factor cannot go with another. Own sounds come with a label for each factor that is to be looked for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from listening.analysis.plain import p_value, plain
from models_registry import audio
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.studying import (
    Found,
    StudyError,
    Told,
    chain_of,
    part_of,
    sounds_of,
    study,
)

KIND = "adapters"
# each is six seconds long at most
MOST_SOUNDS = 400
NO_DEVICES = "It knows no device, room or speaker by name, so there is no embedding that could leak"


@study(
    KIND,
    title="Adapters under the lamp",
    purpose="What the small networks hold of speakers, rooms and devices, how far they move what, what each device "
    "does in units, and whether a device’s embedding holds what was played.",
    settings={"signals": [], "labels": {}, "leak": True, "seed": 0},
)
def look(version: ModelVersion, settings: Found, told: Told) -> Found:
    """All that is asked of the adapters of `version`; raises `StudyError`, `AudioError`, `EngineError`."""
    chain = chain_of(version)
    room = engine()
    adapters = room.lamp.adapters_of(chain)
    told(0.0, "making takes")
    if any(room.lamp.listens(adapter) for _, adapter in adapters):
        takes, said = _takes(chain, settings)
    else:
        takes, said = [], "its settings alone, since no adapter listens to the sound"
    leaks = settings["leak"] and bool(chain.conditions)
    until = 0.3 if leaks else 0.7
    held, used = room.lamp.held_and_used(chain, takes, progress=part_of(told, 0.02, until))
    factors = settings["labels"] or room.takes.FACTORS
    told(until, "what goes with what")
    apart = room.lamp.told_apart(chain, takes)
    by_name = {one.adapter: one for one in held}
    leak = _leak(chain, settings, part_of(told, 0.4, 1.0)) if leaks else None
    return dict(
        plain(
            {
                "version": str(version),
                "sha256": version.sha256,
                "material": said,
                "n": len(takes),
                "adapters": [
                    {
                        "name": name,
                        "kind": adapter.kind,
                        "targets": list(adapter.targets),
                        "knows": list(adapter.names),
                        "held": _held(
                            by_name.get(name), takes, list(factors), not settings["labels"]
                        ),
                    }
                    for name, adapter in adapters
                ],
                "authority": [asdict(one) for one in used],
                "grid": room.lamp.grid(chain.rate),
                "conditions": [_condition(one) for one in apart],
                "distances": room.lamp.distances(apart),
                "leak": leak,
                "said": sentence(leak) if leak else "" if chain.conditions else NO_DEVICES,
            }
        )
    )


def _condition(one: Any) -> Found:
    found = asdict(one)
    for setting in found["settings"]:
        setting |= {"least": min(setting["values"]), "most": max(setting["values"])}
    return found


def sentence(leak: Found) -> str:
    """What is to be said of a leak."""
    read = leak["content"]
    said = "is read" if leak["is_read"] else "is not read beyond chance"
    moved = (
        ""
        if leak["by_content"] is None
        else f"; it moves the response by {leak['by_content']:.2f} dB, the device by {leak['by_device']:.2f} dB"
    )
    return (
        f"What was played {said} from a device’s embedding: {100 * read['accuracy']:.0f} % right "
        f"[{100 * read['low']:.0f}, {100 * read['high']:.0f}], chance {100 * read['chance']:.0f} %, "
        f"p {p_value(read['p'])}, n {read['n']}{moved}"
    )


def labelled(data: bytes, *, name: str) -> tuple[list[str], dict[str, list[str]]]:
    """The files that a CSV table called `name` lists in its column `file`, and their labels by factor, a column each;
    raises `StudyError`."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(
            f"{name}: expected a CSV table, found none that can be read ({error})"
        ) from error
    if not rows or "file" not in rows[0] or len(rows[0]) < 2:
        found = ", ".join(map(str, rows[0])) if rows else "no rows"
        raise StudyError(
            f"{name}: expected a column `file` and one for each factor, such as speaker, found {found}"
        )
    factors = [column for column in rows[0] if column != "file"]
    for number, row in enumerate(rows, start=2):
        if None in row or any(not (row[column] or "").strip() for column in ("file", *factors)):
            raise StudyError(
                f"{name}, line {number}: expected a value in every column, found an empty or extra one"
            )
    labels = {factor: [row[factor] for row in rows] for factor in factors}
    return [row["file"] for row in rows], labels


def _takes(chain: Any, settings: Found) -> tuple[list[Any], str]:
    room = engine()
    signals, labels = sounds_of(settings["signals"]), settings["labels"]
    if not signals:
        takes = room.takes.crossed(chain.rate, seed=settings["seed"])
        levels = [
            f"{len({one.labels[f] for one in takes})} {f}s" for f in (*room.takes.FACTORS, "text")
        ]
        return takes, f"{len(takes)} takes, every one of {', '.join(levels)} with every other"
    if not labels:
        raise StudyError(
            "expected labels for these sounds (speaker, room, device, …), found none: name a table with a column for "
            "each"
        )
    if len(signals) > MOST_SOUNDS:
        raise StudyError(
            f"expected at most {MOST_SOUNDS} sounds, found {len(signals)}: leave some out"
        )
    sounds = [audio.resample(one.audio(), chain.rate).samples for one in signals]
    takes = room.takes.labelled(sounds, labels, rate=chain.rate)
    seconds = len(takes[0].signal) / chain.rate
    return takes, f"{len(takes)} sounds, the first {seconds:.1f} s of each, by {', '.join(labels)}"


def _held(held: Any, takes: Sequence[Any], factors: list[str], crossed: bool) -> Found | None:
    """What goes with each factor and what can be read of it; None for an adapter that does not listen."""
    if held is None:
        return None
    found: Found = {
        "units": held.hidden.shape[1],
        "numbers": held.said.shape[1],
        "shares": [],
        "probes": [],
    }
    probing = engine().probing
    for factor in factors:
        labels = [one.labels[factor] for one in takes]
        rest = [[v for k, v in one.labels.items() if k != factor] for one in takes]
        within = [" · ".join(one) for one in rest] if crossed else None
        for of, rows in (("hidden units", held.hidden), ("what it says", held.said)):
            share = _told(probing.variance_share, rows, labels, factor=factor, within=within)
            found["shares"].append({"of": of, "factor": factor} | share)
        texts = [one.labels["text"] for one in takes] if crossed else None
        read = _told(probing.probe, held.hidden, labels, factor=factor, groups=texts)
        found["probes"].append({"factor": factor} | read)
    return found


def _told(ask: Callable[..., Any], *given: Any, **how: Any) -> Found:
    """The answer, or why there is none."""
    try:
        return asdict(ask(*given, **how)) | {"problem": ""}
    except engine().EngineError as error:
        return {"problem": str(error)}


def _leak(chain: Any, settings: Found, told: Told) -> Found:
    found = engine().leaks.leak(chain, seed=settings["seed"], progress=told)
    return asdict(found) | {
        "is_read": found.content.is_read,
        "contents": list(engine().leaks.CONTENTS),
        "takes": engine().leaks.TAKES,
        "seconds": engine().leaks.SECONDS,
    }
