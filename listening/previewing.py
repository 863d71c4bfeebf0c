"""A campaign as listeners will meet it, before there are any: a session of a copy, which nothing counts or lists.

All that is evidence belongs to a campaign, so a session of a copy of it can enter no result, no quota and no export;
the copy stays a draft and out of every list (`CampaignQuerySet.visible_to`), and is gone with the next preview.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from listening import parts
from listening.forgetting import erase
from listening.models import Campaign, Condition, Listener, Session, Stimulus, Trial
from listening.models.campaign import CampaignError


def session_at(campaign: Campaign, number: int) -> Session:
    """A new session of a copy of `campaign` that stands at its page `number`; earlier previews of it are gone.

    Raises `CampaignError` for a campaign that no listener could be shown.
    """
    if problems := campaign.problems():
        raise CampaignError(f"{campaign.slug} cannot be previewed: " + "; ".join(problems))
    with transaction.atomic():
        discard(campaign)
        copy = _copied(campaign)
        session = _session(copy)
        parts.store(session, parts.planned_pages(copy, campaign.seed, row=0))
        session.pages.filter(number__lt=number).update(finished_at=now())
    return session


def _session(campaign: Campaign, *, ending: str = "") -> Session:
    return Session.objects.create(
        listener=Listener.objects.create(campaign=campaign, code="preview"),
        campaign=campaign,
        seed=campaign.seed,
        language=campaign.language,
        consented_at=now(),
        ending=ending,
    )


@contextmanager
def as_if(campaign: Campaign, settings: dict[str, Any]) -> Iterator[Campaign]:
    """The draft with other settings, for as long as it takes to draw a page of it: all is taken back at the end."""
    with transaction.atomic():
        try:
            Campaign.objects.filter(pk=campaign.pk).update(**settings)
            yield Campaign.objects.get(pk=campaign.pk)
        finally:
            transaction.set_rollback(True)


def drawn_session(campaign: Campaign, planned: list[parts.PlannedPage], number: int) -> Session:
    """A session at page `number` of those `planned`, or past the last; only that page has its slots. For `as_if`."""
    session = _session(campaign, ending=Session.Ending.FINISHED if number > len(planned) else "")
    bare = (
        page if place == number else replace(page, slots=[])
        for place, page in enumerate(planned, start=1)
    )
    parts.store(session, bare)
    session.pages.filter(number__lt=number).update(finished_at=now())
    return session


def discard(campaign: Campaign) -> None:
    """Take away the copies that were made of `campaign`, with all that was answered in them."""
    for copy in campaign.previews.all():
        for listener in copy.listeners.all():
            erase(listener)
        copy.delete()


def _copied(campaign: Campaign) -> Campaign:
    copy = Campaign.objects.get(pk=campaign.pk)
    copy.pk, copy._state.adding = None, True
    copy.slug, copy.preview_of = f"preview-{uuid.uuid4().hex}", campaign
    copy.state, copy.collect_as, copy.retain_until = Campaign.State.DRAFT, "", None
    copy.save()
    conditions = {
        one.pk: Condition(campaign=copy, name=one.name, role=one.role, version_id=one.version_id)
        for one in campaign.conditions.all()
    }
    trials = {
        one.pk: Trial(
            campaign=copy, number=one.number, item=one.item, reference_id=one.reference_id
        )
        for one in campaign.trials.all()
    }
    Condition.objects.bulk_create(conditions.values())
    Trial.objects.bulk_create(trials.values())
    Stimulus.objects.bulk_create(
        Stimulus(
            trial=trials[one.trial_id],
            condition=conditions[one.condition_id],
            signal_id=one.signal_id,
        )
        for one in Stimulus.objects.filter(trial__campaign=campaign)
    )
    return copy
