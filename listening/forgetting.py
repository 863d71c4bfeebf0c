"""A listener's right to be forgotten: what is personal goes, and ratings stay without it or go as well.

Personal is what a listener answered to questions, wrote as a comment, or was called by a recruiter or an invitation.
The session's token and the listener's code are drawn anew, so that no link and no code leads to what is left. The
record keeps that somebody was forgotten and how many ratings stayed or went, and nothing that says who.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from listening import attesting, certificates
from listening.models import Campaign, Check, Invitation, Listener, Page, Rating, Response, Session
from listening.sessions import random_code
from models_registry import audit

RATINGS = ("keep", "delete")


class ForgetError(ValueError):
    """Somebody who cannot be forgotten as asked; the message says what was expected and found."""


def listener_called(name: str, *, campaign: str = "") -> Listener:
    """The listener whose session has the token `name`, or whose code or recruiter's code it is.

    Raises `ForgetError` for nobody, and for a code that several campaigns know unless `campaign` says which is meant.
    """
    listeners = Listener.objects.select_related("campaign")
    if campaign:
        listeners = listeners.filter(campaign__slug=campaign)
    called = Q(code=name) | Q(external_code=name)
    with suppress(ValueError):
        called |= Q(sessions__token=uuid.UUID(name))
    found = list(listeners.filter(called).distinct()) if name else []
    if not found:
        raise ForgetError(
            f"expected a session's token or a listener's code, found nobody under {name!r}"
        )
    if len(found) > 1:
        slugs = ", ".join(sorted(one.campaign.slug for one in found))
        raise ForgetError(
            f"expected one listener {name!r}, found some in {slugs}: say which campaign"
        )
    return found[0]


def forget(listener: Listener, *, ratings: str = "keep", actor: str) -> int:
    """Forget `listener`; with `ratings` 'delete' their ratings go as well. Returns how many ratings there were."""
    if ratings not in RATINGS:
        raise ForgetError(f"expected ratings to be {' or '.join(RATINGS)}, found {ratings!r}")
    with transaction.atomic():
        listener = Listener.objects.select_for_update().get(pk=listener.pk)
        given = Rating.objects.filter(page__session__listener=listener)
        count = given.count()
        content: dict[str, Any] = {"number": count}
        code = listener.external_code.removeprefix("invitation:")
        if code != listener.external_code:
            Invitation.objects.filter(campaign=listener.campaign_id, code=code).delete()
        certificates.withdraw(listener)
        campaign = listener.campaign
        if ratings == "delete":
            content |= attesting.struck(attesting.digests(given))
            erase(listener)
        else:
            _make_anonymous(listener)
        content["ratings"] = "deleted" if ratings == "delete" else "kept without a name"
        audit.record("forget", campaign, actor=actor, content=content)
    return count


def prune(*, ratings: str = "keep", actor: str, at: date | None = None) -> dict[str, int]:
    """Forget everybody in campaigns whose date of retention has passed; returns how many, by campaign.

    Certificates that have expired go as well.
    """
    certificates.sweep()
    at = at or now().date()
    found = {}
    for campaign in Campaign.objects.filter(retain_until__lt=at).order_by("pk"):
        known = campaign.listeners.filter(Q(sessions=None) | Q(sessions__forgotten_at=None))
        listeners = list(known.distinct())
        for listener in listeners:
            forget(listener, ratings=ratings, actor=actor)
        found[campaign.slug] = len(listeners)
    return {slug: count for slug, count in found.items() if count}


def _make_anonymous(listener: Listener) -> None:
    at = now()
    responses = Response.objects.filter(page__session__listener=listener)
    asked = responses.filter(page__kind=Page.Kind.QUESTIONS)
    asked.update(body={"answers": {}}, forgotten_at=at)
    for response in responses.filter(body__has_key="comment"):
        body = {key: value for key, value in response.body.items() if key != "comment"}
        Response.objects.filter(pk=response.pk).update(body=body, forgotten_at=at)
    commented = Rating.objects.filter(page__session__listener=listener, detail__has_key="comment")
    for rating in commented:
        detail = {key: value for key, value in rating.detail.items() if key != "comment"}
        Rating.objects.filter(pk=rating.pk).update(detail=detail, forgotten_at=at)
    for session in listener.sessions.all():
        Session.objects.filter(pk=session.pk).update(
            token=uuid.uuid4(), external={}, language="", forgotten_at=at
        )
    Listener.objects.filter(pk=listener.pk).update(code=random_code(), external_code="")


def erase(listener: Listener) -> None:
    """Take away a listener with all that they gave; the record is the caller's affair."""
    ratings = Rating.objects.filter(page__session__listener=listener)
    responses = Response.objects.filter(page__session__listener=listener)
    # only what says that it is forgotten may be deleted
    ratings.update(detail={}, forgotten_at=now())
    responses.update(body={}, forgotten_at=now())
    # a correction protects what it supersedes: the last of each chain goes first
    while last := list(ratings.filter(superseded_by=None).values_list("pk", flat=True)):
        Rating.objects.filter(pk__in=last).delete()
    responses.delete()
    Check.objects.filter(session__listener=listener).delete()
    listener.sessions.all().delete()
    listener.delete()
