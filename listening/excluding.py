"""Which ratings a campaign's own declared rules leave out of the evidence, and why. Nothing is deleted.

The rules stand in the plan's part of ratings: limits on how a page was heard (`exclude`, see listening/telemetry.py),
judged by what browsers told of their visits, and control questions, one wrong answer to which leaves a listener out
(listening/controls.py). A researcher may exclude a whole session for a reason, which the record keeps.
A page of which no browser told anything is not left out by a limit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd
from django.db.models import QuerySet

from listening import controls, telemetry
from listening.models import Campaign, Page
from listening.models.session import TURNED_AWAY
from listening.parts import volume_set
from listening.plan import part_named


def limits_of(campaign: Campaign) -> dict[str, Any]:
    """The limits that the campaign declared; none: no page is left out."""
    found: dict[str, Any] = (part_named(campaign.plan, "ratings") or {}).get("exclude", {})
    return found


def pages_left_out(
    campaign: Campaign, *, listeners: Collection[int] | None = None
) -> dict[int, str]:
    """By rating page's key, of all listeners or of those named: why the campaign leaves it out."""
    limits = limits_of(campaign)
    if not limits:
        return {}
    found = (
        (page.pk, page_flags)
        for page, page_flags in flagged(campaign, limits=limits, listeners=listeners)
    )
    return {pk: "; ".join(page_flags) for pk, page_flags in found if page_flags}


def with_control_questions(campaign: Campaign, ratings: pd.DataFrame) -> pd.Series:
    """Why each of `ratings` is left out, with those of listeners who answered a control question otherwise."""
    decided = controls.judged(campaign, ratings)
    if decided is None or controls.declared(campaign).get("on_fail") == "flag":
        return ratings["excluded_by"]
    reasons = decided.decisions.set_index("listener")["reason"]
    of_listener = ratings["listener"].map(reasons)
    return ratings["excluded_by"].where(of_listener == "", of_listener)


def with_excluded_sessions(campaign: Campaign, ratings: pd.DataFrame) -> pd.Series:
    """Why each of `ratings` is left out, with those of sessions that a researcher excluded by hand."""
    excluded = campaign.sessions.exclude(excluded_at=None)
    reasons = {
        str(token): f"excluded by hand: {reason}"
        for token, reason in excluded.values_list("token", "excluded_because")
    }
    of_session = ratings["session"].astype(object).map(reasons)
    return ratings["excluded_by"].where(of_session.isna(), of_session)


def flagged(
    campaign: Campaign,
    *,
    limits: dict[str, Any] | None = None,
    listeners: Collection[int] | None = None,
) -> Iterator[tuple[Page, list[str]]]:
    """The rating pages that browsers told of, the last first, each with what went beyond `limits`."""
    pages = told_pages(campaign)
    if listeners is not None:
        pages = pages.filter(session__listener__in=listeners)
    for page in pages:
        slots = list(page.slots.all())
        yield (
            page,
            telemetry.flags(
                [visit.body for visit in page.visits.all()],
                labels=[slot.label for slot in slots],
                rate=slots[0].rate,
                level_db=volume_set(page.session, at=page.finished_at),
                limits=telemetry.LIMITS if limits is None else limits,
            ),
        )


def told_pages(campaign: Campaign) -> QuerySet[Page]:
    return (
        Page.objects.filter(session__campaign=campaign, kind=Page.Kind.RATING)
        .exclude(visits=None)
        .exclude(session__ending__in=TURNED_AWAY)
        .select_related("session__listener", "trial")
        .prefetch_related("visits", "slots__stimulus__signal", "slots__page__trial__reference")
        .order_by("-pk")
    )
