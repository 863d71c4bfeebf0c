"""A campaign's sessions as a table: how each went, what its screenings found, and how it was listened to.

One row a session, also of those that were turned away or left out. Times are UTC in ISO 8601, volumes dB relative to
the sounds as they are. A check that was done several times counts as it was last; every test that somebody did has
columns `TEST right`, `TEST trials`, `TEST passed`, and `TEST value` where it measures one (digits in noise: the speech
reception threshold in dB).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from listening.models import Campaign, Check, Page, Response, Session, Visit

COLUMNS = [
    "campaign",
    "listener",
    "session",
    "simulated",
    "language",
    "began_at",
    "finished_at",
    "ending",
    "left_out",
    "spared_parts",
    "volume_set_db",
    "volume_changes",
    "volume_lowest_db",
    "volume_highest_db",
    "drop_outs",
    "hidden_s",
]


def sessions_frame(campaign: Campaign) -> pd.DataFrame:
    """A row per session of `campaign`, in the order in which they began."""
    sessions = campaign.sessions.select_related("listener").order_by("pk")
    checks, volumes, played = _checks(campaign), _volumes_set(campaign), _playback(campaign)
    rows = [
        {
            "campaign": campaign.slug,
            "listener": session.listener.code,
            "session": str(session.token),
            "simulated": session.listener.simulated,
            "language": session.language,
            "began_at": session.created_at.isoformat(timespec="seconds"),
            "finished_at": _time(session),
            "ending": session.ending or "not ended",
            "left_out": session.excluded_because,
            "spared_parts": ", ".join(str(int(place) + 1) for place in session.certified),
            "volume_set_db": volumes.get(session.pk),
            **played.get(session.pk, {}),
            **checks.get(session.pk, {}),
        }
        for session in sessions
    ]
    found = [name for row in rows for name in row]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*COLUMNS, *found])))


def _time(session: Session) -> str:
    return session.finished_at.isoformat(timespec="seconds") if session.finished_at else ""


def _checks(campaign: Campaign) -> Mapping[int, dict[str, Any]]:
    """By session, the outcome of every test as it was last done."""
    found: dict[int, dict[str, Any]] = {}
    for check in Check.objects.filter(session__campaign=campaign).order_by("pk"):
        said = found.setdefault(check.session_id, {})
        said |= {
            f"{check.test} right": check.right,
            f"{check.test} trials": check.trials,
            f"{check.test} passed": check.passed,
        }
        if check.value is not None:
            said[f"{check.test} value"] = check.value
    return found


def _volumes_set(campaign: Campaign) -> dict[int, float]:
    """By session, what its last page of volume was left with."""
    answers = (
        Response.objects.filter(
            page__session__campaign=campaign,
            page__kind=Page.Kind.VOLUME,
            page__finished_at__isnull=False,
        )
        .order_by("page__number", "received_at")
        .values_list("page__session", "body")
    )
    return {session: body["volume_db"] for session, body in answers}


def _playback(campaign: Campaign) -> dict[int, dict[str, Any]]:
    """By session, what browsers told of its rating pages."""
    visits = (
        Visit.objects.filter(page__session__campaign=campaign, page__kind=Page.Kind.RATING)
        .order_by("opened_at")
        .values_list("page__session", "body")
    )
    bodies: dict[int, list[Any]] = {}
    for session, body in visits:
        bodies.setdefault(session, []).append(body)
    return {session: _played(told) for session, told in bodies.items()}


def _played(told: list[Any]) -> dict[str, Any]:
    levels = [db for one in told for _, db in one["volume"]]
    return {
        "volume_changes": len(levels),
        "volume_lowest_db": min(levels, default=None),
        "volume_highest_db": max(levels, default=None),
        "drop_outs": sum(one["drop_outs"] for one in told),
        "hidden_s": sum(one["hidden_s"] for one in told),
    }
