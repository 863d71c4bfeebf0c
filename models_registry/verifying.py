"""Holding what is stored against the record: events, triggers, sounds, weights, and what the events say there must be.

A check is a name, how many things it will look at, and a walk that yields once for each thing: nothing, or what is not
as it was recorded. Upper floors add their own (listening/verifying.py).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from models_registry import audio, audit, sealing, triggers
from models_registry.audit import Break
from models_registry.models import (
    AuditEvent,
    AuditEventQuerySet,
    Job,
    ModelVersion,
    Rendering,
    Signal,
    Verification,
    identity_hash,
)
from models_registry.written_once import guarded

# of many breaks, so many are kept and shown
MOST_KEPT = 100
Told = Callable[[float, str], None]
Walk = Callable[[], Iterator[Break | None]]


@dataclass(frozen=True)
class Check:
    """One kind of thing to look at."""

    name: str
    count: Callable[[], int]
    walk: Walk


@dataclass
class Report:
    """What a walk through everything found; `last` is the record's last event at its beginning."""

    last: AuditEvent | None
    checked: dict[str, int] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "holds": not self.breaks,
            "checked": self.checked,
            "last_event": self.last
            and {"number": self.last.number, "sha256": self.last.sha256, "at": self.last.at},
            "breaks": [{"where": one.where, "what": one.what} for one in self.breaks],
            "seconds": round(self.seconds, 3),
        }

    def kept(self, *, actor: str) -> Verification:
        """Write it down, to be shown until the next one."""
        return Verification.objects.create(
            actor=actor,
            checked=self.checked,
            breaks=[
                {"where": one.where, "what": one.what, "project": _project_of(one)}
                for one in self.breaks[:MOST_KEPT]
            ],
            number_of_breaks=len(self.breaks),
            last_number=self.last.number if self.last else 0,
            last_sha256=self.last.sha256 if self.last else "",
            seconds=self.seconds,
        )


def _project_of(found: Break) -> int | None:
    return found.event.project_id if found.event else None


def verify(
    checks: Iterable[Check],
    *,
    seal: Mapping[str, Any] | None = None,
    key: Ed25519PublicKey | None = None,
    told: Told = lambda share, message: None,
) -> Report:
    """Look at everything, the chain of events first; with a `seal` also at that, by the public `key` (none: our own).

    Nothing is changed. `told(share, message)` hears how far it is.
    """
    began = time.monotonic()
    report = Report(AuditEvent.objects.last())
    todo = list(checks)
    if seal is not None:
        held = partial(sealing.breaks, seal, key or sealing.public_key())
        todo.insert(1, Check("seals", lambda: 1, held))
    counts = {one.name: one.count() for one in todo}
    total, done = sum(counts.values()) or 1, 0
    for check in todo:
        for number, found in enumerate(check.walk(), start=1):
            if found:
                report.breaks.append(found)
            share = (done + min(number, counts[check.name])) / total
            told(min(share, 1.0), f"{check.name}: {number} of {counts[check.name]}")
        done += counts[check.name]
        report.checked[check.name] = counts[check.name]
    report.seconds = time.monotonic() - began
    return report


# the walks


def _triggers() -> Iterator[Break | None]:
    for name in triggers.missing():
        table, _, kind = name.partition(triggers.MARK)
        yield Break(
            f"the database's table {table}",
            f"expected the trigger {name}, which guards it against {kind}, found none, or another",
        )


def _signals() -> Iterator[Break | None]:
    for signal in Signal.objects.iterator():
        yield _break_of_signal(signal)


def _break_of_signal(signal: Signal) -> Break | None:
    where = f"signal {signal}"
    try:
        found = audio.content_hash(signal.audio())
    except (OSError, RuntimeError) as error:
        return Break(where, f"its file cannot be read: {error}")
    if found != signal.sha256:
        return Break(where, f"expected samples {signal.sha256[:12]}, found {found[:12]}")
    return None


def _versions() -> Iterator[Break | None]:
    for version in ModelVersion.objects.select_related("model").iterator():
        yield _break_of_version(version)


def _break_of_version(version: ModelVersion) -> Break | None:
    where = f"version {version}"
    try:
        with version.weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return Break(where, f"its weights cannot be read: {error}")
    if found != version.weights_sha256:
        return Break(where, f"expected weights {version.weights_sha256[:12]}, found {found[:12]}")
    if identity_hash(version.chain, found) != version.sha256:
        return Break(where, "its chain and weights do not give its hash")
    return None


# acts whose event says by which hashes a version was registered
REGISTERING = ("train", "adopt")


def _registered() -> Iterator[Break | None]:
    """Each version that an event registered is there, with the hashes that the event names."""
    there = {
        str(one): (one.sha256, one.weights_sha256)
        for one in ModelVersion.objects.select_related("model")
    }
    for event in AuditEvent.objects.filter(act__in=REGISTERING).iterator():
        said = event.content.get("sha256"), event.content.get("weights_sha256")
        found = there.get(event.subject)
        if found == said:
            yield None
            continue
        what = "found none" if found is None else f"found {found[0][:12]} with {found[1][:12]}"
        yield Break(
            f"version {event.subject}",
            f"event {event.number} registered {str(said[0])[:12]} with weights {str(said[1])[:12]}, {what}",
            event,
        )


def _rendered() -> Iterator[Break | None]:
    """Each rendering that an event tells of is there, of the same samples."""
    there = {
        (version, source, condition): output
        for version, source, condition, output in Rendering.objects.values_list(
            "version__sha256", "input__sha256", "condition", "output__sha256"
        ).iterator()
    }
    for event in AuditEvent.objects.filter(act="render", content__has_key="output").iterator():
        said = event.content
        found = there.get((said["version"], said["input"], said.get("condition", "")))
        if found == said["output"]:
            yield None
            continue
        yield Break(
            f"rendering of {said['input'][:12]} by {event.subject}",
            f"event {event.number} tells of the output {said['output'][:12]}, found {(found or 'none')[:12]}",
            event,
        )


def _left() -> Iterator[Break | None]:
    """Where work ended early, what it would go on from is what it left; gone is well, for then it begins anew."""
    ended = Job.objects.filter(state__in=(Job.State.STOPPED, Job.State.FAILED))
    last: dict[int, AuditEvent] = {}
    for event in _leaving().order_by("number"):
        last[event.content["job"]] = event
    waiting = set(ended.filter(pk__in=last).values_list("pk", flat=True))
    for number, event in last.items():
        said, path = event.content["left"], Path(settings.HOME, event.content["left"]["file"])
        if number not in waiting or not path.is_file():
            yield None
            continue
        found = audit.fingerprint(path)["file_sha256"]
        what = f"event {event.number} left {said['file_sha256'][:12]}, found {str(found)[:12]}"
        yield None if found == said["file_sha256"] else Break(f"file {said['file']}", what, event)


def _leaving() -> AuditEventQuerySet:
    return AuditEvent.objects.filter(content__left__isnull=False)


def _of_acts(*acts: str) -> Callable[[], int]:
    return lambda: AuditEvent.objects.filter(act__in=acts).count()


CHECKS = [
    Check("events", AuditEvent.objects.count, audit.walk),
    Check("triggers", lambda: len(guarded()), _triggers),
    Check("versions", ModelVersion.objects.count, _versions),
    Check("registrations", _of_acts(*REGISTERING), _registered),
    Check("renderings", _of_acts("render"), _rendered),
    Check("checkpoints", lambda: _leaving().values("content__job").distinct().count(), _left),
    Check("signals", Signal.objects.count, _signals),
]
