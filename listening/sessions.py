"""A listener's way through a campaign: start a session, answer, finish a page.

The one way in for browsers and simulated listeners alike. A session's order is drawn from its seed and stored, so that
every reload shows the same; an answer is accepted once, under the UUID its sender gave it, and never changed.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.timezone import now
from django.utils.translation import get_language

from listening import admission, allotting, certificates, parts, telemetry
from listening.admission import NotOpen as NotOpen
from listening.admission import SessionError as SessionError
from listening.consequences import consequence
from listening.methods.base import AnswerError, Gates, Judgement, current_ratings
from listening.models import Campaign, Listener, Page, Rating, Response, Session, Slot, Visit
from listening.models.session import CODE_ALPHABET
from listening.parts import planned_pages
from listening.plan import part_named
from listening.writing import writing


class Conflict(SessionError):
    """An answer's UUID was used before, for another answer."""


class PageOver(SessionError):
    """The page was finished; its answers stand."""


class Unanswered(SessionError):
    """A page that lacks answers cannot be finished."""


def start(
    campaign: Campaign,
    *,
    simulated: bool = False,
    code: str | None = None,
    external_code: str = "",
    external: dict[str, str] | None = None,
    group: str = "",
    seed: int | None = None,
) -> Session:
    """Draw and store a new session of an open campaign, for the listener `code` or a new one under a random code.

    The same seed, and the same row of a campaign with a design, give the same order. Whom a recruiter sends with an
    `external_code` comes back to the session they have; `external` is what else the recruiter's link said. A simulated
    listener gets the rating pages alone: a program has no ears to check and no consent to give.

    Raises `NotOpen` when the campaign takes nobody, or nobody else of the invited `group` (simulated listeners are not
    counted).
    """
    if earlier := session_of(campaign, external_code):
        return earlier
    admission.check(campaign, simulated=simulated)
    if seed is None:
        seed = secrets.randbits(63)
    certified = {} if simulated else certificates.held(campaign, external_code)
    language = get_language() or ""
    if simulated or (campaign.language and language not in campaign.languages):
        language = campaign.language
    campaign = campaign.in_language(language)
    asks_consent = part_named(campaign.plan, "consent") is not None
    with writing():
        listener = _listener(campaign, code, external_code, simulated=simulated)
        if external_code:
            # two openings of one link at once queue here
            listener = Listener.objects.select_for_update().get(pk=listener.pk)
            if earlier := listener.sessions.first():
                return earlier
        row = allotting.next_row(campaign, simulated=simulated) if campaign.design else None
        session = Session.objects.create(
            listener=listener,
            campaign=campaign,
            seed=seed,
            row=row,
            holds_row=row is not None and not simulated,
            external=external or {},
            certified=certified,
            language=language,
            consented_at=None if simulated or asks_consent else now(),
        )
        if group and not admission.join(session, group):
            raise NotOpen(
                campaign, "group", f"has all the listeners of the group {group!r} it wants"
            )
        spared = certificates.places(certified)
        planned = planned_pages(campaign, seed, row=row, simulated=simulated, spared=spared)
        parts.store(session, planned)
    return session


def session_of(campaign: Campaign, external_code: str) -> Session | None:
    """The session of the person whom a recruiter calls so, if there is one."""
    if not external_code:
        return None
    return campaign.sessions.filter(listener__external_code=external_code).first()


def _listener(
    campaign: Campaign, code: str | None, external_code: str, *, simulated: bool
) -> Listener:
    if external_code:
        listener, _ = Listener.objects.get_or_create(
            campaign=campaign,
            external_code=external_code,
            defaults={"code": code or random_code(), "simulated": simulated},
        )
    else:
        listener, _ = Listener.objects.get_or_create(
            campaign=campaign, code=code or random_code(), defaults={"simulated": simulated}
        )
    if listener.simulated != simulated:
        raise SessionError(
            f"{campaign.slug}: expected a {'simulated' if simulated else 'human'} listener {listener.code!r}, "
            f"found the code in use for the other kind"
        )
    return listener


def respond(session: Session, page: Page, response_id: uuid.UUID, body: dict[str, Any]) -> Response:
    """Store one answer and the ratings that follow from it; the same answer sent again changes nothing.

    Raises `AnswerError` for an answer that the page does not take, `PageOver` after the page was finished and
    `Conflict` when `response_id` is taken by another answer.
    """
    # what an answer is worth depends on nothing that changes: others may write while it is worked out
    judgements: list[Judgement] = []
    try:
        if page.is_judged:
            judgements = session.campaign.protocol.judge(slots_of(page), body)
        else:
            body = parts.checked(page, body)
    except AnswerError:
        if earlier := Response.objects.filter(pk=response_id).first():
            return _same(earlier, page, body)
        raise
    with writing():
        # Answers to one page queue here, so that each supersedes the one before it.
        page = Page.objects.select_for_update().get(pk=page.pk, session=session)
        if over := _over(session, page):
            if earlier := Response.objects.filter(pk=response_id).first():
                return _same(earlier, page, body)
            raise PageOver(over)
        try:
            with transaction.atomic():
                response = Response.objects.create(id=response_id, page=page, body=body)
        except IntegrityError:
            return _same(Response.objects.get(pk=response_id), page, body)
        for judgement in judgements:
            Rating.objects.write(
                response=response,
                page=page,
                stimulus=judgement.stimulus,
                scale=judgement.scale,
                value=judgement.value,
                detail=judgement.detail,
            )
    return response


def _over(session: Session, page: Page) -> str:
    """Why the page takes no more answers; empty while it does."""
    if page.finished_at:
        return f"page {page.number} was finished: its answers can no longer be changed"
    if session.ending:
        return f"the session is over ({session.ending}): it takes no more answers"
    return ""


def told(page: Page) -> str:
    """What is told of the answer as it stands: 'right' or 'wrong' in practice that says so, otherwise nothing."""
    if page.kind != Page.Kind.TRAINING:
        return ""
    return page.session.campaign.protocol.told(current_ratings(page))


def _same(earlier: Response, page: Page, body: dict[str, Any]) -> Response:
    if earlier.page_id != page.pk or earlier.body != body:
        raise Conflict(f"expected a new id for a new answer, found {earlier.pk} in use for another")
    return earlier


def finish(session: Session, page: Page) -> None:
    """Close `page`, once everything on it is answered; harmless when repeated. Raises `Unanswered`.

    What was answered may end the session (no consent, an answer or a headphone check that screens out), or its rating
    pages, where the method needs no more of them.
    """
    with writing():
        page = Page.objects.select_for_update().get(pk=page.pk, session=session)
        if page.finished_at:
            return
        if (until := rest_until(session, page)) and now() < until:
            raise Unanswered(
                f"page {page.number}: expected a rest until {until:%Y-%m-%d %H:%M} UTC"
            )
        if missing := _missing(session, page):
            raise Unanswered(
                f"page {page.number}: expected an answer to everything, found none to {', '.join(missing)}"
            )
        if ending := None if page.is_judged else consequence(session, page):
            Page.objects.filter(pk=page.pk).update(finished_at=now())
            session.end(ending)
        else:
            if page.kind == Page.Kind.RATING and session.campaign.protocol.decided(
                Rating.objects.counted().filter(page__session=session).in_order()
            ):
                session.leave_out_after(page)
            session.finish_page(page)
            if name := session.campaign.plan[page.part].get("certificate"):
                certificates.give(session, name)


def rest_until(session: Session, page: Page) -> datetime | None:
    """When a break that has a least duration may be left: so long after the page before it was finished."""
    minutes = page.content.get("rest_min")
    if page.kind != Page.Kind.BREAK or minutes is None:
        return None
    last = session.pages.aggregate(last=Max("finished_at"))["last"] or session.created_at
    return last + timedelta(minutes=minutes)


def _missing(session: Session, page: Page) -> list[str]:
    """What on the page still needs an answer, or an ear."""
    if page.is_judged:
        gates, slots = session.campaign.gates, slots_of(page)
        missing = []
        if gates.rate:
            missing = session.campaign.protocol.unanswered(slots, current_ratings(page))
        # a program has no ears
        return missing if session.listener.simulated else missing + _unheard(page, slots, gates)
    return [] if parts.is_answered(page) else [page.get_kind_display()]


def _unheard(page: Page, slots: list[Slot], gates: Gates) -> list[str]:
    """Labels of what must be heard, or heard to its end, and by the browser's account was not."""
    visits = [visit.body for visit in page.visits.all()]
    heard, ended = telemetry.heard(visits), telemetry.ended(visits)
    return [
        f"the {'end' if gates.hear_end else 'sound'} of {slot.label}"
        for slot in slots
        if (gates.listen and not heard.get(slot.label))
        or (gates.hear_end and slot.label not in ended)
    ]


def visit(page: Page, visit_id: uuid.UUID, body: object) -> None:
    """Store what a browser tells of its visit to `page`; told again, the later word stands.

    Raises `TelemetryError`, and `Conflict` when `visit_id` is that of a visit elsewhere.
    """
    checked = telemetry.checked_visit(body)
    with writing():
        known, created = Visit.objects.get_or_create(
            pk=visit_id, defaults={"page": page, "body": checked}
        )
        if known.page_id != page.pk:
            raise Conflict(f"expected a new id for a visit, found {visit_id} in use for another")
        if not created:
            Visit.objects.filter(pk=visit_id).update(body=checked)


def slots_of(page: Page) -> list[Slot]:
    """The page's slots in their order on screen."""
    return list(page.slots.select_related("stimulus"))


def random_code() -> str:
    """A code that names a listener and says nothing about them."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
