"""Certificates that one campaign gives and others take: who qualified lately need not do it again.

A part that expires may name a `certificate`. Who leaves its last page, and passed where it can be failed, holds the
certificate for the part's `expires_min`; in any campaign whose plan names the same, a part that it covers is left out,
and comes only once it has expired there (listening/renewal.py). Several parts under one name are one certificate: all
of them are needed. ITU-T P.808 asks a crowd's listeners for a qualification once in 30 days, over all the tests they
do, for set-up every half an hour and for training every hour.

A person is known by what a recruiter's link calls them, of which a keyed hash is kept and nothing else. Who comes by a
plain link, an invitation or in a browser that a campaign takes once is a new person in every campaign and holds none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.timezone import now

from listening.models import Campaign, Certificate, Listener, Session
from listening.models.certificate import holder_called
from listening.plan import Part

Held = dict[str, str]


def certified_parts(campaign: Campaign) -> Iterable[tuple[int, Part]]:
    """The parts that name a certificate, each with its place in the plan."""
    return [(place, part) for place, part in enumerate(campaign.plan) if "certificate" in part]


def held(campaign: Campaign, external_code: str, *, at: datetime | None = None) -> Held:
    """When the certificates that cover parts of `campaign` were earned (ISO 8601), by the part's place in the plan."""
    parts = list(certified_parts(campaign))
    if not parts or not is_known(external_code):
        return {}
    at = at or now()
    known = Certificate.objects.filter(
        holder=holder_called(external_code),
        name__in={part["certificate"] for _, part in parts},
        expires_at__gt=at,
    )
    earned = {one.name: one.earned_at for one in known}
    return {
        str(place): earned[part["certificate"]].isoformat()
        for place, part in parts
        if part["certificate"] in earned
        and at - earned[part["certificate"]] <= timedelta(minutes=part["expires_min"])
    }


def places(certified: Held) -> set[int]:
    """Of the plan, at which nothing is asked."""
    return {int(place) for place in certified}


def give(session: Session, name: str) -> Certificate | None:
    """Certify that the listener of `session` did every part under `name`, if they did and can be known again.

    A part that was failed certifies nothing, whatever the campaign makes of it. A certificate counts from the part that
    was done first, and is replaced by a later one.
    """
    listener = session.listener
    if listener.simulated or not is_known(listener.external_code):
        return None
    parts = [one for one in certified_parts(session.campaign) if one[1]["certificate"] == name]
    done = [at for place, _ in parts if (at := _done_at(session, place))]
    if len(done) < len(parts):
        return None
    shortest = min(part["expires_min"] for _, part in parts)
    certificate, _ = Certificate.objects.update_or_create(
        name=name,
        holder=holder_called(listener.external_code),
        defaults={
            "earned_at": min(done),
            "expires_at": min(done) + timedelta(minutes=shortest),
        },
    )
    return certificate


def _done_at(session: Session, place: int) -> datetime | None:
    """When the part was last finished, here or under a certificate; None where it was not, or was failed."""
    last = session.pages.filter(part=place).order_by("-attempt", "-number").first()
    if last is None:
        earned = session.certified.get(str(place))
        return datetime.fromisoformat(earned) if earned else None
    check = session.checks.filter(part=place, attempt=last.attempt).first()
    return None if check and not check.passed else last.finished_at


def is_known(external_code: str) -> bool:
    """Whether it is what a recruiter calls a person, in every campaign alike."""
    # an invitation's and a browser's are of one campaign, and have a colon, which no recruiter's code has
    return bool(external_code) and ":" not in external_code


def withdraw(listener: Listener) -> None:
    """Take away every certificate of a person who is to be forgotten."""
    if is_known(listener.external_code):
        Certificate.objects.filter(holder=holder_called(listener.external_code)).delete()


def sweep(*, at: datetime | None = None) -> int:
    """Delete what has expired; returns how many."""
    deleted, _ = Certificate.objects.filter(expires_at__lte=at or now()).delete()
    return deleted
