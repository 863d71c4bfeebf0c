"""What the ratings of a campaign were when they were closed, analysed, reported or taken away: one hash, in the event.

Ratings are written once, and the database holds to it by a trigger; this is what shows that one was changed after
somebody had dropped the trigger. An event names the last rating there was, how many there were, and the SHA-256 over
the digests of all of them, in the order in which they were written. A digest leaves out what a listener may have
forgotten; of ratings that are deleted as somebody is forgotten, the digests stay in the record, so that what earlier
events say of the others can still be held to it.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from listening.models import Campaign, Rating
from models_registry.models import AuditEvent, canonical_json

# the keys in an event's content: of what was there, and of what was taken away
ATTESTED, STRUCK = "attested", "struck"
# of a rating's detail what a listener may have forgotten
PERSONAL = "comment"
COLUMNS = ("pk", "page_id", "stimulus_id", "scale", "value", "supersedes_id", "response_id")


def attested(campaign: Campaign) -> dict[str, Any]:
    """What an event is to say of the ratings as they are, as a part of its content: how many were ever written, which
    was last, hash."""
    last = _last(campaign)
    count, digest = 0, hashlib.sha256()
    for _, one in _ever(campaign.slug, last):
        digest.update(one)
        count += 1
    return {ATTESTED: {"ratings": count, "last": last, "sha256": digest.hexdigest()}}


def _last(campaign: Campaign) -> int:
    """The number of the last rating, below which all that was ever given can be seen. Whoever answers waits for this
    alone, not for the hash."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # whoever is writing one has a lower number than what can be seen: wait for them
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {Rating._meta.db_table} IN SHARE MODE")
        return _of(campaign.slug).aggregate(last=Max("pk"))["last"] or 0


def struck(ratings: Iterable[tuple[int, bytes]]) -> dict[str, Any]:
    """What an event is to say of ratings that it takes away, by their digests."""
    return {STRUCK: {str(key): digest.hex() for key, digest in ratings}}


def digests(ratings: Any) -> Iterator[tuple[int, bytes]]:
    """Of each rating of a queryset its key and its SHA-256, in the order in which they were written."""
    rows = ratings.order_by("pk").values_list(*COLUMNS, "detail")
    for *said, detail in rows.iterator(chunk_size=2000):
        said[-1] = str(said[-1])
        kept = {key: value for key, value in detail.items() if key != PERSONAL}
        yield said[0], hashlib.sha256(canonical_json([*said, kept]).encode()).digest()


def attestations() -> Any:
    """The events that say what a campaign's ratings were."""
    return AuditEvent.objects.filter(**{f"content__{ATTESTED}__isnull": False})


def disagreements() -> Iterator[tuple[AuditEvent, str]]:
    """Each of those events, and what its campaign's ratings have that does not fit it (empty: nothing)."""
    by_campaign: dict[str, list[AuditEvent]] = {}
    for event in attestations().order_by("number"):
        by_campaign.setdefault(event.subject, []).append(event)
    for slug, events in by_campaign.items():
        yield from _held(slug, events)


def _held(slug: str, events: list[AuditEvent]) -> Iterator[tuple[AuditEvent, str]]:
    there = list(_ever(slug, max(event.content[ATTESTED]["last"] for event in events)))
    count, running = 0, hashlib.sha256()
    for event in sorted(events, key=lambda one: one.content[ATTESTED]["last"]):
        said = event.content[ATTESTED]
        while count < len(there) and there[count][0] <= said["last"]:
            running.update(there[count][1])
            count += 1
        if count != said["ratings"]:
            yield (
                event,
                f"there were {said['ratings']} ratings up to number {said['last']}, found {count}",
            )
        elif running.hexdigest() != said["sha256"]:
            found = running.hexdigest()[:12]
            yield (
                event,
                f"its {count} ratings gave {said['sha256'][:12]}, found {found}: one was changed",
            )
        else:
            yield event, ""


def _ever(slug: str, last: int) -> Iterator[tuple[int, bytes]]:
    """The digests of all ratings ever written, up to number `last`: of those that are there, and of those struck."""
    gone = AuditEvent.objects.filter(subject=slug, **{f"content__{STRUCK}__isnull": False})
    lost = {
        int(key): bytes.fromhex(one)
        for said in gone.values_list("content", flat=True)
        for key, one in said[STRUCK].items()
        if int(key) <= last
    }
    return heapq.merge(sorted(lost.items()), digests(_of(slug).filter(pk__lte=last)))


def _of(slug: str) -> Any:
    return Rating.objects.filter(page__session__campaign__slug=slug)
