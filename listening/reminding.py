"""Reviews that fall due: who is told, once for each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from listening import mailing
from listening.models import Reminder
from models_registry import audit, standing
from models_registry.models import ModelVersion
from models_registry.standing import Mark
from models_registry.teams import Project, Role

# how long before it falls due a review is spoken of
SOON = timedelta(days=14)
MAIL = """The review of {version} ({title}) {falls} due on {due:%Y-%m-%d}.

Until somebody has reviewed it again {barred}. Open the version's page on Earwitness and choose
"Open a review". Who knows the version best should not be the one to approve it.
"""


@dataclass(frozen=True)
class Reminded:
    """One version of whose review somebody was told, or why not."""

    mark: Mark
    sent_to: Sequence[str]
    not_sent: str = ""


def due(
    versions: QuerySet[ModelVersion] | None = None, *, at: datetime | None = None
) -> list[Mark]:
    """Where those of the versions stand whose review is overdue or soon due, the most urgent first."""
    moment = at or now()
    found = ModelVersion.objects.all() if versions is None else versions
    watched = found.filter(model__review_days__isnull=False).defer("chain", "card")
    marks = [
        standing.of(one, at=moment)
        for one in watched.select_related("model__project").prefetch_related("standings")
    ]
    soon = [mark for mark in marks if mark.due_at and mark.due_at <= moment + SOON]
    return sorted(soon, key=lambda mark: (mark.due_at, str(mark.version)))


def remind(*, actor: str, at: datetime | None = None) -> list[Reminded]:
    """Mail the owners of every version that falls due, who were not told of this time yet."""
    told = []
    for mark in due(at=at):
        key = {"version": mark.version, "standing": mark.number}
        if Reminder.objects.filter(**key).exists():
            continue
        to = _owners(mark.version.project)
        if not to:
            told.append(Reminded(mark, (), "no owner of the project has a mail address"))
            continue
        try:
            told.append(_mailed(mark, to, actor=actor))
        except IntegrityError:
            # another reminder of this moment was first
            continue
    return told


def _mailed(mark: Mark, to: list[str], *, actor: str) -> Reminded:
    with transaction.atomic():
        Reminder.objects.create(version=mark.version, standing=mark.number, sent_to=to)
        barred = (
            "it may not enter a new campaign" if mark.is_overdue else "it may be used as before"
        )
        text = MAIL.format(
            version=mark.version,
            title=mark.version.model.title,
            falls="fell" if mark.is_overdue else "falls",
            due=mark.due_at,
            barred=barred,
        )
        reason = mailing.not_sent(f"Review due: {mark.version}", text, to)
        if reason:
            # it is tried again the next time
            transaction.set_rollback(True)
            return Reminded(mark, to, reason)
        content = {"owners": len(to), "due": mark.due_at.isoformat() if mark.due_at else ""}
        audit.record("review-remind", mark.version, actor=actor, content=content)
    return Reminded(mark, to)


def _owners(project: Project) -> list[str]:
    """Where the project's owners are reached; superusers own every project, and are asked where nobody else is."""
    owners = project.memberships.filter(role=Role.OWNER).exclude(user__email="")
    found = list(owners.order_by("pk").values_list("user__email", flat=True))
    if found:
        return found
    operators = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    return list(operators.order_by("pk").values_list("email", flat=True))
