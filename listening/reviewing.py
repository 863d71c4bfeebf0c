"""Reviews as they go: opened, invited to, and spoken in. What is decided in them is in deciding.py.

Every act stands in the record but the notes on the agenda, which may be changed until their author signs a decision
over them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now

from listening import mailing, stepping
from listening.agenda import STANDARD, Agenda, Point
from listening.models import (
    AgendaPoint,
    Campaign,
    Decision,
    Finding,
    PointNote,
    Review,
    Reviewer,
    SoundComment,
)
from models_registry import audit, standing
from models_registry.models import ModelVersion, Signal, Standing, canonical_json
from models_registry.standing import StandingError

LONGEST = 5000
# of a campaign, what its listeners meet; its quota and its dates may change while it runs
HEARD = ("method", "options", "screening", "repetitions", "plan", "design", "stimuli")
MAIL = """{by} asks you to review "{title}" on Earwitness: to listen, to look, and to say what you think.

{link}

You need no account and nothing but a browser and headphones. The link is yours,
and good until {until:%Y-%m-%d %H:%M} UTC.
"""


class ReviewError(ValueError):
    """Something that a review does not allow; the message says why, and what to do instead."""


@dataclass(frozen=True)
class Invited:
    """A link to pass on, shown this once, and what became of the mail (both empty: none was asked for)."""

    reviewer: Reviewer
    link: str
    sent_to: str = ""
    not_sent: str = ""


def hash_of(subject: ModelVersion | Campaign) -> str:
    """SHA-256 of what is judged: the version's own, or of what a campaign's listeners hear and are asked."""
    if isinstance(subject, ModelVersion):
        return subject.sha256
    heard = subject.fingerprint()
    text = canonical_json({name: heard[name] for name in HEARD})
    return hashlib.sha256(text.encode()).hexdigest()


def open_review(
    subject: ModelVersion | Campaign,
    *,
    title: str = "",
    agenda: Agenda = STANDARD,
    agenda_from: str = "standard",
    due_on: date | None = None,
    actor: str,
) -> Review:
    """A review with its agenda; of a candidate, of an approved version, or of a campaign that was launched.

    `due_on` falls where the agenda says, unless it is given. Raises `ReviewError`.
    """
    _check_subject(subject)
    of: dict[str, Any] = (
        {"version": subject, "interval_days": agenda.interval_days}
        if isinstance(subject, ModelVersion)
        else {"campaign": subject}
    )
    if due_on is None and agenda.due_days:
        due_on = localdate() + timedelta(days=agenda.due_days)
    try:
        with transaction.atomic():
            review = Review.objects.create(
                project=subject.project,
                title=title.strip() or f"Review of {subject}",
                sha256=hash_of(subject),
                due_on=due_on,
                agenda_from=agenda_from,
                decisions_wanted=agenda.decisions,
                opened_by=actor,
                **of,
            )
            AgendaPoint.objects.bulk_create(
                AgendaPoint(
                    review=review,
                    number=number,
                    topic=point.topic,
                    title=point.title,
                    do=point.do,
                    look_for=point.look_for,
                )
                for number, point in enumerate(agenda.points, start=1)
            )
            content = {
                "of": str(subject),
                "sha256": review.sha256,
                "template": agenda_from,
                **agenda.as_data(),
            }
            audit.record("review-open", review, actor=actor, reason=review.title, content=content)
    except IntegrityError:
        raise ReviewError(
            f"expected no open review of {subject}, found one already: take part in that, or close it"
        ) from None
    stepping.record_steps(review, actor=actor)
    return review


def agenda_of(review: Review) -> Agenda:
    """The agenda as the review has it, to begin another with."""
    points = [Point(one.topic, one.title, one.do, one.look_for) for one in review.points.all()]
    due_days = (review.due_on - localdate(review.created_at)).days if review.due_on else 0
    interval = review.interval_days or (review.version and review.version.model.review_days) or 0
    return Agenda(points, max(due_days, 0), review.decisions_wanted, interval)


def _check_subject(subject: ModelVersion | Campaign) -> None:
    if isinstance(subject, Campaign):
        if subject.state == Campaign.State.DRAFT:
            raise ReviewError(
                f"expected a campaign that was launched, found {subject} a draft, which may still change: "
                "launch it first"
            )
        return
    mark = standing.of(subject)
    if mark.state == Standing.State.RETIRED:
        raise ReviewError(
            f"expected a version in use to review, found {subject} retired: review the version that took its place"
        )
    if mark.state == Standing.State.DRAFT:
        raise ReviewError(
            f"expected a candidate to review, found {subject} {mark.label}: make it a candidate on its page first"
        )
    unchanged(subject)


def unchanged(version: ModelVersion) -> None:
    try:
        standing.check_unchanged(version)
    except StandingError as error:
        raise ReviewError(str(error)) from error


# who takes part


def invite(
    review: Review, *, email: str = "", days: int, actor: str, address: Callable[[str], str]
) -> Invited:
    """A link for one reviewer without an account; `address` makes a whole address of its secret."""
    secret, until = secrets.token_urlsafe(24), now() + timedelta(days=days)
    with transaction.atomic():
        locked(review)
        reviewer = Reviewer.objects.create(
            review=review,
            email=email,
            secret_sha256=_hashed(secret),
            invited_by=actor,
            expires_at=until,
        )
        content = {"reviewer": reviewer.pk, "expires_at": until.isoformat()}
        audit.record("review-invite", review, actor=actor, content=content)
    link = address(secret)
    if not email:
        return Invited(reviewer, link)
    text = MAIL.format(by=actor, title=review.title, link=link, until=until)
    reason = mailing.not_sent(f"Please review: {review.title}", text, [email])
    return Invited(reviewer, link, "" if reason else email, reason)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def invited_by_link(secret: str) -> Reviewer | None:
    """Whose link it is; None for one that was taken back, has expired or never was."""
    seated = Reviewer.objects.seated().select_related(
        "review__project", "review__version__model", "review__campaign"
    )
    return seated.filter(secret_sha256=_hashed(secret)).first()


def introduce(reviewer: Reviewer, name: str) -> None:
    """Let who came by a link say who they are, once. Raises `ReviewError` for no name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 100:
        raise ReviewError(f"expected your name, in 1 to 100 characters, found {len(name)}")
    with transaction.atomic():
        locked(reviewer.review)
        named = Reviewer.objects.seated().filter(pk=reviewer.pk, name="").update(name=name)
        if named:
            content = {"reviewer": reviewer.pk, "name": name}
            reviewer.name = name
            audit.record("review-enter", reviewer.review, actor=reviewer.actor, content=content)
    reviewer.refresh_from_db()


def seat(review: Review, user: User) -> Reviewer:
    """A member of the project takes part by their account."""
    with transaction.atomic():
        locked(review)
        name = user.get_full_name() or user.get_username()
        reviewer, made = Reviewer.objects.get_or_create(
            review=review, user=user, defaults={"name": name, "invited_by": user.get_username()}
        )
        if made:
            content = {"reviewer": reviewer.pk, "name": name}
            audit.record("review-enter", review, actor=reviewer.actor, content=content)
    return reviewer


def turn_away(reviewer: Reviewer, *, actor: str) -> bool:
    """Take an invitation back; what was said by it stays. False where it was over already."""
    with transaction.atomic():
        ended = Reviewer.objects.seated().filter(pk=reviewer.pk).update(ended_at=now())
        if ended:
            content = {"reviewer": reviewer.pk}
            audit.record("review-uninvite", reviewer.review, actor=actor, content=content)
    return bool(ended)


# what is said


def locked(review: Review) -> Review:
    """The review, held until the caller's transaction ends; raises `ReviewError` where it is closed."""
    held = Review.objects.select_for_update().get(pk=review.pk)
    if not held.is_open:
        raise ReviewError(
            f"expected an open review, found it closed on {held.closed_at:%Y-%m-%d} by {held.closed_by}: "
            "what was said stays as it is"
        )
    return held


def speaking(reviewer: Reviewer) -> Reviewer:
    """The reviewer as stored, with the review held; raises `ReviewError` for who may say nothing (any more)."""
    locked(reviewer.review)
    held = Reviewer.objects.select_related("review__version__model", "user").get(pk=reviewer.pk)
    if not held.is_seated:
        raise ReviewError("expected an invitation that holds, found yours taken back or expired")
    if Decision.objects.filter(reviewer=held).exists():
        raise ReviewError(
            "expected a review without your decision, found it signed: a decision is final"
        )
    return held


def checked_text(text: str, what: str) -> str:
    text = text.replace("\0", "").strip()
    if not 0 < len(text) <= LONGEST:
        raise ReviewError(f"expected {what} of 1 to {LONGEST} characters, found {len(text)}")
    return text


def note(reviewer: Reviewer, number: int, text: str, *, is_done: bool) -> PointNote:
    """Keep what a reviewer notes on a point of the agenda, in the place of what they noted before."""
    if len(text) > LONGEST:
        raise ReviewError(f"expected a note of at most {LONGEST} characters, found {len(text)}")
    with transaction.atomic():
        held = speaking(reviewer)
        point = AgendaPoint.objects.filter(review=held.review, number=number).first()
        if point is None:
            raise ReviewError(f"expected a point of this agenda, found no number {number}")
        kept, _ = PointNote.objects.update_or_create(
            point=point,
            reviewer=held,
            defaults={"text": text.replace("\0", "").strip(), "is_done": is_done},
        )
    return kept


def comment(reviewer: Reviewer, signal: Signal, at_s: float, text: str) -> SoundComment:
    """Keep what a reviewer says of the moment `at_s` (seconds) of a sound of the review."""
    text = checked_text(text, "a comment")
    # the playhead of a browser may stand a little behind the last sample
    if not 0 <= at_s <= signal.duration + 0.5:
        raise ReviewError(f"expected a moment within {signal.duration:.1f} s, found {at_s:g} s")
    with transaction.atomic():
        held = speaking(reviewer)
        kept = SoundComment.objects.create(
            reviewer=held, signal=signal, at_s=min(at_s, signal.duration), text=text
        )
        content = {"sound": signal.sha256, "at_s": kept.at_s, "text": text}
        audit.record("review-comment", held.review, actor=held.actor, content=content)
    return kept


def find(reviewer: Reviewer, severity: str, text: str) -> Finding:
    """Keep what a reviewer found wrong."""
    text = checked_text(text, "a finding")
    if severity not in Finding.Severity.values:
        known = ", ".join(Finding.Severity.values)
        raise ReviewError(f"expected a severity among {known}, found {severity[:40]!r}")
    with transaction.atomic():
        held = speaking(reviewer)
        kept = Finding.objects.create(reviewer=held, severity=severity, text=text)
        content = {"severity": severity, "text": text}
        audit.record("review-finding", held.review, actor=held.actor, content=content)
    return kept
