"""The record: an append-only chain of events in which each event's hash covers the one before.

Who can rewrite one row must rewrite every later one, and the last hash, which researchers quote, gives it away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now

from models_registry.models import AuditEvent, canonical_json
from models_registry.teams import Project
from models_registry.triggers import GENESIS

# An arbitrary constant: all writers of the record queue behind this one PostgreSQL advisory lock.
RECORD_LOCK = 0x6561727769746E65


def event_hash(event: AuditEvent) -> str:
    """SHA-256 over everything the event says and the previous event's hash."""
    return hashlib.sha256(
        canonical_json(
            {
                "number": event.number,
                "at": event.at,
                "actor": event.actor,
                "act": event.act,
                "subject": event.subject,
                "reason": event.reason,
                "content": event.content,
                "previous": event.previous_sha256,
            }
        ).encode()
    ).hexdigest()


def record(
    act: str,
    subject: object,
    *,
    actor: str,
    reason: str = "",
    content: dict[str, Any] | None = None,
    project: Project | None = None,
) -> AuditEvent:
    """Append one event; inside the caller's transaction, so that act and record stand or fall together.

    The members of `project` may read it: of the subject's own where none is named, of none where it has none.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RECORD_LOCK])
        last = AuditEvent.objects.order_by("-number").first()
        event = AuditEvent(
            number=last.number + 1 if last else 1,
            at=now().isoformat(),
            actor=actor,
            act=act,
            subject=str(subject)[:200],
            reason=reason,
            content=content or {},
            previous_sha256=last.sha256 if last else GENESIS,
            project=project or getattr(subject, "project", None),
        )
        event.sha256 = event_hash(event)
        event.save(force_insert=True)
    return event


def fingerprint(file: Path | bytes) -> dict[str, str | int]:
    """What an event says of a file that was made or left: its SHA-256 and its length in bytes."""
    if isinstance(file, bytes):
        return {"file_sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file)}
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"file_sha256": digest, "bytes": file.stat().st_size}


@dataclass(frozen=True)
class Break:
    """The first thing found that is not as it was recorded."""

    where: str
    what: str
    event: AuditEvent | None = None


def breaks_in_chain() -> Iterator[Break]:
    """What does not follow from the event before, in the order of the events."""
    return (found for found in walk() if found)


def walk() -> Iterator[Break | None]:
    """Go through the events in order; yield of each what does not follow from the one before, or nothing."""
    number, previous = 0, GENESIS
    for event in AuditEvent.objects.order_by("number").iterator():
        number += 1
        where = f"event {event.number} ({event.act} {event.subject})"
        if event.number != number:
            yield Break(where, f"expected event {number} here: an event is missing", event)
        elif event.previous_sha256 != previous:
            yield Break(
                where,
                f"expected to follow {previous[:12]}, names {event.previous_sha256[:12]}",
                event,
            )
        elif event_hash(event) != event.sha256:
            yield Break(
                where,
                "its content does not give its hash: it was changed after it was written",
                event,
            )
        else:
            yield None
        number, previous = event.number, event.sha256
