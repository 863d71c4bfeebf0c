"""Whether a campaign takes a listener: its state, its dates, its quota, and the quotas of its groups.

A group is an answer to a question of the plan, or what an invitation says: `{"question": NAME, "quotas": {answer: n}}`
or `{"invitation": true, "quotas": {group: n}}`. People of a group without a quota are all taken. A place in a group is
held by who finished and by who is under way, until no sign of life came for as long as a row of the design is held.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now

from listening.models import Campaign, Page, Response, Session
from listening.scheme import Scheme

Ending = Session.Ending


class SessionError(ValueError):
    """A session that cannot begin or go on as asked; the message says what was expected and found."""


class NotOpen(SessionError):
    """A campaign takes no listener; `why` is paused, closed, early, late, full or group, and `when` its date."""

    def __init__(self, campaign: Campaign, why: str, found: str, when: datetime | None = None):
        super().__init__(f"{campaign.slug}: {found}")
        self.why, self.when = why, when


def check(campaign: Campaign, *, simulated: bool = False, at: datetime | None = None) -> None:
    """Raise `NotOpen` where nobody new can begin; dates and quotas are people's affair alone."""
    at = at or now()
    if campaign.state != Campaign.State.OPEN:
        paused = campaign.state == Campaign.State.PAUSED
        found = f"expected an open campaign, found it {campaign.state}"
        raise NotOpen(campaign, "paused" if paused else "closed", found)
    if simulated:
        return
    if campaign.opens_at and at < campaign.opens_at:
        found = f"takes listeners from {campaign.opens_at:%Y-%m-%d %H:%M} UTC on"
        raise NotOpen(campaign, "early", found, campaign.opens_at)
    if campaign.closes_at and at >= campaign.closes_at:
        found = f"took listeners until {campaign.closes_at:%Y-%m-%d %H:%M} UTC"
        raise NotOpen(campaign, "late", found, campaign.closes_at)
    if is_full(campaign):
        raise NotOpen(campaign, "full", f"has all the {campaign.quota} listeners it wants")


def is_full(campaign: Campaign) -> bool:
    """Whether as many people have finished as the campaign wants."""
    if campaign.quota is None:
        return False
    people = campaign.listeners.filter(simulated=False, sessions__finished_at__isnull=False)
    return people.distinct().count() >= campaign.quota


def silent(campaign: Campaign, *, at: datetime | None = None) -> QuerySet[Session]:
    """Sessions that are not over and show no sign of life for as long as their place is held.

    That time must be longer than the rests between visits, which the lint sees to.
    """
    limit = (at or now()) - timedelta(hours=Scheme.of(campaign.design).hold_hours)
    of_session = OuterRef("pk")
    return campaign.sessions.filter(ending="", created_at__lt=limit).exclude(
        Exists(Page.objects.filter(session=of_session, finished_at__gte=limit))
        | Exists(Response.objects.filter(page__session=of_session, received_at__gte=limit))
    )


# groups


def join(session: Session, group: str) -> bool:
    """Give `session` a place in `group`; False where its quota is full. Call it in a transaction."""
    # two who ask for the last place queue here
    campaign = Campaign.objects.select_for_update().get(pk=session.campaign_id)
    if group_is_full(campaign, group, but=session):
        return False
    Session.objects.filter(pk=session.pk).update(group=group)
    session.group = group
    return True


def group_is_full(campaign: Campaign, group: str, *, but: Session | None = None) -> bool:
    wanted = campaign.group_quotas.get(group)
    if wanted is None:
        return False
    others = _places(campaign).filter(group=group)
    return (others.exclude(pk=but.pk) if but else others).count() >= wanted


def _places(campaign: Campaign, *, at: datetime | None = None) -> QuerySet[Session]:
    """People's sessions that have a place in their group."""
    going = Q(ending="") & ~Q(pk__in=silent(campaign, at=at).values("pk"))
    return campaign.sessions.filter(listener__simulated=False, excluded_at=None).filter(
        Q(ending=Ending.FINISHED) | going
    )


def groups(campaign: Campaign) -> list[str]:
    """The groups that a quota can be set for: the answers of the question, or those with a quota or an invitation."""
    name = campaign.groups.get("question")
    for part in campaign.plan:
        for question in part.get("questions", ()):
            if name and question["name"] == name:
                return list(question["choices"])
    if not campaign.groups:
        return []
    invited = campaign.invitations.exclude(group="").values_list("group", flat=True).distinct()
    return list(dict.fromkeys([*campaign.group_quotas, *sorted(invited)]))


def standings(campaign: Campaign) -> list[dict[str, Any]]:
    """How full each group is: group, wanted (None: all are taken), finished and under way."""
    quotas = campaign.group_quotas
    taken = list(_places(campaign).exclude(group="").values_list("group", "ending"))
    names = list(dict.fromkeys([*quotas, *sorted({group for group, _ in taken})]))
    return [
        {
            "group": name,
            "wanted": quotas.get(name),
            "finished": sum(one == (name, Ending.FINISHED) for one in taken),
            "under_way": sum(one == (name, "") for one in taken),
        }
        for name in names
    ]
