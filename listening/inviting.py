"""Invite listeners by links of their own: make them, and list them with what became of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils.timezone import now

from listening.exchange.tables import replace_file
from listening.models import Campaign, Invitation, Session
from models_registry import audit

MOST = 10_000
COLUMNS = ["link", "code", "state", "expires_at", "group"]


class InvitationError(ValueError):
    """Invitations that cannot be made as asked; the message says what was expected and found."""


def invite(
    campaign: Campaign,
    count: int,
    *,
    expires_at: datetime | None = None,
    only: bool = False,
    group: str = "",
    actor: str,
) -> list[Invitation]:
    """Make `count` invitations; with `only`, the campaign takes listeners by invitation alone from now on."""
    if not 1 <= count <= MOST:
        raise InvitationError(f"expected 1 to {MOST} invitations, found {count}")
    if expires_at is not None and expires_at <= now():
        raise InvitationError(f"expected them to expire in the future, found {expires_at:%c}")
    if campaign.state == Campaign.State.CLOSED:
        raise InvitationError(f"{campaign.slug}: expected a campaign to invite to, found it closed")
    quotas = campaign.group_quotas if campaign.groups.get("invitation") else {}
    if group and group not in quotas:
        known = ", ".join(quotas) or "none by invitation"
        raise InvitationError(f"expected a group of the campaign ({known}), found {group!r}")
    with transaction.atomic():
        made = Invitation.objects.make(campaign, count, expires_at=expires_at, group=group)
        if only:
            Campaign.objects.filter(pk=campaign.pk).update(invited_only=True)
            campaign.refresh_from_db()
        content = {"count": count, "only": only, "expires_at": str(expires_at or "")}
        content |= {"group": group} if group else {}
        audit.record("invite", campaign, actor=actor, content=content)
    return made


def table(invitations: Iterable[Invitation], *, site: str) -> list[list[str]]:
    """A heading and one row for each: the link, its code, whether it was used, until when it may be."""
    listed = list(invitations)
    sessions = {
        session.listener.external_code: session
        for session in Session.objects.filter(
            campaign__in={one.campaign_id for one in listed},
            listener__external_code__startswith="invitation:",
        ).select_related("listener")
    }
    return [
        COLUMNS,
        *(
            [
                site.rstrip("/") + one.get_absolute_url(),
                one.code,
                _state(one, sessions.get(one.external_code)),
                one.expires_at.isoformat() if one.expires_at else "",
                one.group,
            ]
            for one in listed
        ),
    ]


def _state(invitation: Invitation, session: Session | None) -> str:
    if session is not None:
        return session.ending or "begun"
    return "expired" if invitation.has_expired else "unused"


def write(rows: list[list[str]], path: Path) -> None:
    """Write the table to `path`, whole or not at all."""
    replace_file(path, as_csv(rows))


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
