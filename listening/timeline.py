"""A session's time line: what happened when, from the welcome to the end, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import now

from listening.models import Page, Session
from listening.parts import volume_set
from listening.telemetry import LIMITS, flags


@dataclass(frozen=True)
class Event:
    """`what` happened `at`, in words; `notes` say what a reader should know of it."""

    at: datetime
    what: str
    notes: tuple[str, ...] = ()
    trouble: bool = False


def events(session: Session) -> list[Event]:
    """Everything the record says of `session`, the first first."""
    found = [Event(session.created_at, "began")]
    if session.consented_at and session.consented_at - session.created_at > timedelta(seconds=1):
        found.append(Event(session.consented_at, "consented"))
    for place, earned in session.certified.items():
        part = session.campaign.plan[int(place)]
        what = f"spared part {int(place) + 1}, {part['part']}"
        earned_at = datetime.fromisoformat(earned)
        note = f"certificate {part['certificate']}, earned {earned_at:%Y-%m-%d %H:%M}"
        found.append(Event(session.created_at, what, (note,)))
    pages = session.shown.select_related("trial").prefetch_related(
        "visits", "responses", "slots__stimulus__signal", "slots__page__trial__reference"
    )
    for page in pages:
        found += _of_page(session, page)
    for check in session.checks.all():
        what = f"{check.test}: {check.right} of {check.trials}"
        if check.value is not None:
            what += f", threshold {check.value:.1f} dB"
        outcome = "passed" if check.passed else "failed"
        notes = () if check.passed else ("below what the check asks for",)
        found.append(Event(check.created_at, f"{what}, {outcome}", notes, bool(notes)))
    if session.finished_at:
        found.append(Event(session.finished_at, "finished"))
    return sorted(found, key=lambda event: event.at)


def _of_page(session: Session, page: Page) -> list[Event]:
    name = f"page {page.number}, {page.get_kind_display()}"
    if page.trial:
        name += f" of {page.trial.item}"
    found = []
    visits, slots = list(page.visits.all()), list(page.slots.all())
    troubles: list[str] = []
    if visits and slots:
        troubles = flags(
            [visit.body for visit in visits],
            labels=[slot.label for slot in slots],
            rate=slots[0].rate,
            level_db=volume_set(session, at=page.finished_at or now()),
            limits=LIMITS,
        )
    if visits:
        open_s = sum(visit.body["open_s"] for visit in visits)
        times = f"in {len(visits)} visits" if len(visits) > 1 else "in one visit"
        said = (f"open for {open_s:.0f} s {times}", *troubles)
        found.append(Event(visits[0].opened_at, f"opened {name}", said, bool(troubles)))
    if page.finished_at:
        answers = len(page.responses.all())
        told = (f"{answers} answer{'' if answers == 1 else 's'}",) if answers else ()
        found.append(Event(page.finished_at, f"finished {name}", told))
    return found
