"""Parts that expire: what was set up, practised or checked too long ago is done again before the next rating page.

A part declares `expires_min`. Once its pages were finished longer ago than that, they are drawn anew and put before the
next rating page on which nothing was answered yet; whoever is in the middle of a page finishes it first. ITU-T P.808
asks a crowd's listeners to repeat set-up and training so. The first attempt and its answers stay as they are. A part
that a certificate spared comes so as a second attempt: the certificate stands for the first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now

from listening.models import Page, Session
from listening.parts import pages_of_part, store
from listening.plan import Part


def renew(session: Session, *, at: datetime | None = None) -> None:
    """Put the pages of every expired part before the next rating page, if that is where `session` is."""
    at = at or now()
    expiring = [
        (place, part) for place, part in enumerate(session.campaign.plan) if "expires_min" in part
    ]
    if not expiring:
        return
    with transaction.atomic():
        # two tabs opened at once queue here, so that one of them draws
        session = Session.objects.select_for_update().get(pk=session.pk)
        page = session.current_page()
        if page is None or not _may_wait(page):
            return
        for place, part in expiring:
            if attempt := _next_attempt(session, place, part, at):
                seed = f"{session.seed}/attempt {attempt}"
                planned = pages_of_part(session.campaign, seed, place, part)
                store(session, planned, attempt=attempt)


def _may_wait(page: Page) -> bool:
    """Whether it is a page of ratings that nobody has begun."""
    begun = page.responses.exists()
    return page.kind in (Page.Kind.RATING, Page.Kind.CONTROL) and not begun


def _next_attempt(session: Session, place: int, part: Part, at: datetime) -> int | None:
    """Which attempt at the part is due; None while it holds, or before it was first done."""
    pages = session.pages.filter(part=place)
    found = pages.aggregate(last=Max("finished_at"), attempt=Max("attempt"))
    last = found["last"]
    if found["attempt"] is None and (earned := session.certified.get(str(place))):
        last = datetime.fromisoformat(earned)
    if last is None or pages.filter(finished_at=None).exists():
        return None
    expired = at - last > timedelta(minutes=part["expires_min"])
    return (found["attempt"] or 1) + 1 if expired else None
