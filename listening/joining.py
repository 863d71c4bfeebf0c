"""How a team changes: every act on it is written into the record, where its members may read it.

A person is invited by a link that lets one in, once, within days; it is shown, and mailed where mail is set up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.timezone import now

from listening import mailing
from models_registry import audit
from models_registry.models import AuditEvent
from models_registry.teams import Entry, Membership, Project, Role, TeamError

MAIL = """{by} invites you to the project "{project}" on Earwitness, as {role}: a member who {allows}.

{link}

The link lets one person in, once, until {until:%Y-%m-%d %H:%M} UTC. If you have no account yet, it makes one.
"""


@dataclass(frozen=True)
class Invited:
    """A link to pass on, and what became of the mail: sent to whom, or why not (empty: none was asked for)."""

    entry: Entry
    link: str
    sent_to: str = ""
    not_sent: str = ""


def found(name: str, *, owner: User) -> Project:
    """A new project; raises `TeamError` for one without a name."""
    with transaction.atomic():
        project = Project.objects.make(name, owner=owner)
        actor = owner.get_username()
        audit.record("project", project, actor=actor, content=_about(project), project=project)
    return project


def invite(
    project: Project,
    *,
    role: Role,
    days: int,
    email: str = "",
    actor: str,
    address: Callable[[str], str],
) -> Invited:
    """A link for one more member; `address` makes a whole address of the link's secret."""
    with transaction.atomic():
        until = now() + timedelta(days=days)
        entry, secret = Entry.objects.make(
            project, role=role, expires_at=until, email=email, by=actor
        )
        content = _about(project) | {"role": role, "expires_at": until.isoformat()}
        audit.record("member-invite", project, actor=actor, content=content, project=project)
    return _told(entry, address(secret))


def _told(entry: Entry, link: str) -> Invited:
    if not entry.email:
        return Invited(entry, link)
    project, role = entry.project, Role(entry.role)
    text = MAIL.format(
        by=entry.made_by,
        project=project.name,
        role=role,
        allows=role.allows,
        link=link,
        until=entry.expires_at,
    )
    reason = mailing.not_sent(f"Join {project.name} on Earwitness", text, [entry.email])
    return Invited(entry, link, "" if reason else entry.email, reason)


def take_back(entry: Entry, *, actor: str) -> bool:
    """Let nobody in by this link any more; False where it was over already."""
    with transaction.atomic():
        ended = Entry.objects.open().filter(pk=entry.pk).update(ended_at=now())
        if ended:
            project = entry.project
            content = _about(project) | {"role": entry.role}
            audit.record("member-uninvite", project, actor=actor, content=content, project=project)
    return bool(ended)


def join(entry: Entry, user: User) -> Membership:
    """Let the person in; raises `TeamError` where the link is void or they belong there already."""
    with transaction.atomic():
        made = entry.let_in(user)
        content = _about(entry.project) | {"role": made.role, "invited_by": entry.made_by}
        audit.record(
            "member-join",
            user.get_username(),
            actor=user.get_username(),
            content=content,
            project=entry.project,
        )
    return made


def change_role(project: Project, user: User, role: Role | None, *, actor: str) -> None:
    """Give a member another role, or none; raises `TeamError` for the last owner."""
    with transaction.atomic():
        before = project.role_of(user) if not user.is_superuser else None
        project.change_role(user, role)
        gone = "member-leave" if actor == user.get_username() else "member-remove"
        content = _about(project) | {"before": before or "", "role": role or ""}
        audit.record(
            "member-role" if role else gone,
            user.get_username(),
            actor=actor,
            content=content,
            project=project,
        )


def set_role(project: Project, user: User, role: Role | None, *, actor: str) -> None:
    """As an operator does it: who does not belong there yet is let in. Raises `TeamError` as `change_role` does."""
    with transaction.atomic():
        if role and not project.memberships.filter(user=user).exists():
            Membership.objects.create(project=project, user=user, role=role)
            content = _about(project) | {"role": role, "invited_by": actor}
            name = user.get_username()
            audit.record("member-join", name, actor=actor, content=content, project=project)
            return
        change_role(project, user, role, actor=actor)


def rename(project: Project, name: str, *, actor: str) -> None:
    """Call it something else; its address stays. Raises `TeamError` for no name."""
    name = " ".join(name.split())[:80]
    if not name:
        raise TeamError("Expected a name for the project, found none.")
    with transaction.atomic():
        content = _about(project) | {"before": project.name, "name": name}
        Project.objects.filter(pk=project.pk).update(name=name)
        audit.record("project-rename", project, actor=actor, content=content, project=project)
    project.refresh_from_db()


def dissolve(project: Project, *, actor: str) -> None:
    """Delete a project in which there is nothing left but its people; the record keeps that it was.

    Raises `TeamError` where something belongs to it, and for the first project, which takes what names none.
    """
    with transaction.atomic():
        held = Project.objects.select_for_update().get(pk=project.pk)
        if held == Project.objects.operators():
            raise TeamError(
                f"{held.name} is the first project, which takes what names none: it stays."
            )
        content = _about(held) | {"name": held.name}
        event = audit.record("project-delete", held, actor=actor, content=content)
        # events stay, and those about a team that is gone are the operator's to read
        AuditEvent.objects.filter(project=held).update(project=None)
        AuditEvent.objects.filter(pk=event.pk).update(project=None)
        held.signals.clear()
        try:
            held.delete()
        except (ProtectedError, RestrictedError) as error:
            kinds = sorted({str(one._meta.verbose_name_plural) for one in error.args[1]})
            raise TeamError(
                f"Expected nothing left in {held.name}, found {', '.join(kinds)}: what was tested stays."
            ) from error


def _about(project: Project) -> dict[str, str]:
    return {"project": project.slug}
