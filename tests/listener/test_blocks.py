"""More than twelve signals in MUSHRA: blocks of an item's systems, each with the hidden reference and both anchors."""

from __future__ import annotations

import uuid
from collections import Counter
from itertools import combinations

import pytest
from scipy.stats import chisquare

from listening import parts, sessions
from listening.analysis.report import analyse
from listening.evidence import ratings_frame
from listening.models import Campaign, Condition, Stimulus
from tests.factories import mushra_campaign, stored_tone

pytestmark = pytest.mark.django_db

FIXED = {"reference", "anchor 3.5 kHz", "anchor 7 kHz"}


def campaign_of(systems: int, *, items: int = 1, blocked: bool = True) -> Campaign:
    """A draft with so many systems, two of which every small campaign has."""
    campaign = mushra_campaign(items=items, launched=False)
    for number in range(3, systems + 1):
        condition = Condition.objects.create(campaign=campaign, name=f"system {number}")
        for trial in campaign.trials.all():
            tone = stored_tone(700 + 10 * number + trial.number)
            Stimulus.objects.create(trial=trial, condition=condition, signal=tone)
    campaign.options = {"blocked": True} if blocked else {}
    campaign.save()
    return campaign


def blocks(campaign: Campaign, seed: int) -> list[set[str]]:
    """The systems of every page, beside what every page has."""
    found = []
    for page in parts.planned_pages(campaign, seed):
        names = [slot.stimulus.condition.name for slot in page.slots if slot.stimulus]
        assert len(names) == len(set(names)) <= 12
        assert set(names) >= FIXED
        found.append(set(names) - FIXED)
    return found


@pytest.mark.parametrize(("systems", "sizes"), [(9, [9]), (10, [5, 5]), (20, [6, 7, 7])])
def test_every_system_is_once_on_a_page_and_pages_are_alike_in_size(systems, sizes):
    campaign = campaign_of(systems, items=2)
    for seed in range(3):
        found = blocks(campaign, seed)
        assert sorted(map(len, found)) == sorted(2 * sizes)
        assert Counter(name for block in found for name in block) == Counter(
            {one.name: 2 for one in campaign.conditions.filter(role=Condition.Role.SYSTEM)}
        )


def test_over_listeners_every_system_meets_every_other_equally_often():
    campaign = campaign_of(10)
    met: Counter[tuple[str, ...]] = Counter()
    for seed in range(150):
        for block in blocks(campaign, seed):
            met.update(combinations(sorted(block), 2))
    assert len(met) == 45
    assert chisquare(list(met.values())).pvalue > 0.001


def test_it_is_declared_or_refused():
    refused = campaign_of(10, blocked=False).problems()
    assert refused == [
        "expected at most 12 signals to grade on a page, found 13; the option blocked splits them over several pages"
    ]
    Campaign.objects.all().delete()
    assert campaign_of(10).problems() == []


def test_a_session_is_rated_and_analysed():
    campaign = campaign_of(10)
    campaign.launch(actor="alice")
    for _ in range(3):
        session = sessions.start(campaign)
        for page in session.pages.all():
            for slot in sessions.slots_of(page)[1:]:
                value = 100 if slot.stimulus.condition.role == "reference" else 40
                body = {"slot": str(slot.token), "value": value}
                sessions.respond(session, page, uuid.uuid4(), body)
            sessions.finish(session, page)
    ratings = ratings_frame(campaign)
    # both pages of the one item rate the reference and the anchors
    assert len(ratings) == 3 * (2 * 3 + 10)
    screening = analyse(ratings).screening
    assert set(screening.decisions["reference_rated"]) == {2}
    assert screening.excluded == ()
