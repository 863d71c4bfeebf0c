"""A campaign after its launch: what may still be changed, for a reason, and how the rest becomes a new draft.

What listeners hear, read and answer is frozen by the launch, or its ratings would be of two tests. A change of that is
a new campaign that names the one it revises. How many listeners are wanted, and when they are taken, may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from listening import previewing
from listening.composing import TAKEN, compose, describe
from listening.exchange import campaign_document
from listening.exchange.documents import Document
from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.scheme import group_problems
from models_registry import audit

State = Campaign.State
# a document's keys that are one campaign's and not its revision's
OF_ONE = ("opens", "closes", "collect")
# what may change while a campaign runs, and the field of the row that keeps it
CHANGEABLE = {
    "quota": "quota",
    "opens_at": "opens_at",
    "closes_at": "closes_at",
    "group_quotas": "groups",
}
# a number of listeners or a date; of groups the numbers by name, where none ends a quota
Asked = int | datetime | Mapping[str, int | None] | None


def revise(campaign: Campaign, *, reason: str, owner: User | None, actor: str) -> Campaign:
    """A new draft of the same content, which names `campaign`; that stays as it is, open or closed.

    Raises `CampaignError` for a draft, which may be edited itself, and without a reason.
    """
    if campaign.state == State.DRAFT:
        raise CampaignError(
            f"{campaign.slug}: expected a launched campaign, found a draft: edit it"
        )
    _check_reason(campaign, reason)
    data = {key: value for key, value in describe(campaign).items() if key not in OF_ONE}
    slug = _free_slug(campaign.slug)
    document = Document(slug, campaign_document.checked(data | {"slug": slug}, name=slug))
    with transaction.atomic():
        made = compose(document, owner=owner, project=campaign.project, actor=actor)
        Campaign.objects.filter(pk=made.pk).update(revises=campaign.slug)
        audit.record("revise", made, actor=actor, reason=reason, content={"of": campaign.slug})
    made.refresh_from_db()
    return made


def _free_slug(slug: str) -> str:
    number = 2
    while (found := f"{slug[:70]}-{number}") in TAKEN or Campaign.objects.filter(
        slug=found
    ).exists():
        number += 1
    return found


def change(
    campaign: Campaign, asked: Mapping[str, Asked], *, reason: str, actor: str
) -> dict[str, Any]:
    """Give a running campaign what is `asked` of `CHANGEABLE`; returns what it was before of what did change.

    Quotas of groups that `group_quotas` does not name stay. Raises `CampaignError` for a campaign that does not run,
    for dates that contradict each other, for groups that it does not have, and without a reason.
    """
    if unknown := sorted(set(asked) - set(CHANGEABLE)):
        raise CampaignError(f"expected only {', '.join(CHANGEABLE)}, found {', '.join(unknown)}")
    _check_reason(campaign, reason)
    with transaction.atomic():
        held = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if held.state not in (State.OPEN, State.PAUSED):
            raise CampaignError(f"{held.slug}: expected it to run, found it {held.state}")
        wanted: dict[str, Any] = dict(asked)
        if "group_quotas" in wanted:
            wanted["group_quotas"] = _regrouped(held, wanted["group_quotas"])
        before = {key: getattr(held, key) for key in wanted if getattr(held, key) != wanted[key]}
        for key in before:
            setattr(held, key, wanted[key])
        if held.opens_at and held.closes_at and held.opens_at >= held.closes_at:
            raise CampaignError(
                f"{held.slug}: expected it to open before it closes, found it the other way round"
            )
        if before:
            held.save(update_fields=[CHANGEABLE[key] for key in before])
            content = {key: [_said(before[key]), _said(wanted[key])] for key in before}
            audit.record("change", held, actor=actor, reason=reason, content=content)
    campaign.refresh_from_db()
    return before


def _regrouped(campaign: Campaign, asked: Mapping[str, int | None]) -> dict[str, int]:
    """The quotas of a campaign's groups after those `asked` took the place of theirs."""
    if not asked:
        return campaign.group_quotas
    if not campaign.groups:
        raise CampaignError(
            f"{campaign.slug}: expected no quotas of groups, found {', '.join(asked)}: it was launched without groups"
        )
    merged = {**campaign.group_quotas, **asked}
    quotas = {name: wanted for name, wanted in merged.items() if wanted is not None}
    if problems := list(group_problems(campaign.groups | {"quotas": quotas}, campaign.plan)):
        raise CampaignError(f"{campaign.slug}: {'; '.join(problems)}")
    return quotas


def discard(campaign: Campaign, *, reason: str, actor: str) -> None:
    """Delete a draft; its sounds stay. Raises `CampaignError` for what was launched: that is evidence."""
    _check_reason(campaign, reason)
    with transaction.atomic():
        held = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if held.state != State.DRAFT:
            raise CampaignError(
                f"{held.slug}: expected a draft to delete, found it {held.state}: what was launched stays; "
                "close it, and forget its listeners where they ask for it"
            )
        previewing.discard(held)
        audit.record("delete", held, actor=actor, reason=reason, content=held.fingerprint())
        held.delete()


def _check_reason(campaign: Campaign, reason: str) -> None:
    if not reason.strip():
        raise CampaignError(f"{campaign.slug}: expected a reason for the record, found none")


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
