"""Several visits: breaks that last, between parts, pages or blocks; practice that is the same for everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from listening import campaign_progress, linting, parts, sessions
from listening.models import Campaign, Page
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db
DAY = 24 * 60


def kinds(campaign, **asked):
    return [page.kind for page in parts.planned_pages(campaign, 1, **asked)]


def to_the_break(campaign):
    session = sessions.start(campaign)
    for page in session.pages.all():
        if page.kind == Page.Kind.BREAK:
            return session, page
        session.finish_page(page)
    raise AssertionError("no break")


def test_a_break_that_lasts_can_be_left_once_its_time_is_over(client):
    plan: list[dict] = [
        {"part": "ratings", "break_every": 1, "break_rest_min": 720, "break_text": "Rest."}
    ]
    session, page = to_the_break(mushra_campaign(items=2, plan=plan))
    shown = client.get(session.get_absolute_url()).content.decode()
    assert "You can go on in 11\xa0hours" in shown or "You can go on in 12\xa0hours" in shown
    assert "Look again" in shown
    assert "Continue" not in shown
    leave = reverse("answer-part", args=[session.token, page.number])
    client.post(leave)
    page.refresh_from_db()
    assert page.finished_at is None
    with pytest.raises(sessions.Unanswered, match="expected a rest until"):
        sessions.finish(session, page)
    session.pages.exclude(finished_at=None).update(finished_at=now() - timedelta(hours=13))
    assert "Continue" in client.get(session.get_absolute_url()).content.decode()
    client.post(leave)
    page.refresh_from_db()
    assert page.finished_at is not None


def test_who_rests_has_not_dropped_out():
    plan: list[dict] = [{"part": "ratings", "break_every": 1, "break_rest_min": 2 * DAY}]
    campaign = mushra_campaign(items=2, plan=plan)
    session, _ = to_the_break(campaign)
    for hours, state in ((30, "under way"), (50, "dropped")):
        (standing,) = campaign_progress.standings(campaign, at=now() + timedelta(hours=hours))
        assert standing.state == state


def test_breaks_may_lie_between_the_blocks_of_a_design():
    plan: list[dict] = [{"part": "ratings", "break_blocks": True, "break_text": "Rest."}]
    campaign = mushra_campaign(items=4, plan=plan, launched=False)
    blocks = [["tone 1", "tone 3", "tone 4"], ["tone 2"]]
    Campaign.objects.filter(pk=campaign.pk).update(design={"blocks": blocks, "order": "williams"})
    campaign.refresh_from_db()
    shapes = {"".join(kind[0] for kind in kinds(campaign, row=row)) for row in range(2)}
    assert shapes == {"rrrbr", "rbrrr"}


def test_breaks_after_so_many_pages_stay_where_they_were():
    campaign = mushra_campaign(
        items=5, plan=[{"part": "ratings", "break_every": 2}], launched=False
    )
    assert "".join(kind[0] for kind in kinds(campaign)) == "rrbrrbr"


def test_fixed_practice_is_the_same_for_everybody_and_in_the_declared_order():
    plan: list[dict] = [
        {"part": "training", "items": ["tone 3", "tone 1", "tone 2"], "fixed": True},
        {"part": "ratings"},
    ]
    campaign = mushra_campaign(items=3, plan=plan, launched=False)

    def practised(seed):
        return [
            (page.trial.item, [slot.stimulus and slot.stimulus.pk for slot in page.slots])
            for page in parts.planned_pages(campaign, seed)
            if page.kind == Page.Kind.TRAINING and page.trial
        ]

    assert [item for item, _ in practised(1)] == ["tone 3", "tone 1", "tone 2"]
    assert practised(1) == practised(2)
    campaign.lay_out([plan[0] | {"fixed": False}, plan[1]], actor="alice")
    assert practised(1) != practised(2)


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"part": "break", "rest_min": 0}, "expected rest_min above 0"),
        ({"part": "break", "rest_min": 10**9}, "40320 at most"),
        ({"part": "ratings", "break_rest_min": 5}, "break_every or break_blocks beside"),
    ],
)
def test_rests_that_cannot_be_are_refused(part, problem):
    plan: list[dict] = [part] if part["part"] == "ratings" else [part, {"part": "ratings"}]
    campaign = mushra_campaign(items=1, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(plan=plan)
    campaign.refresh_from_db()
    assert any(problem in one for one in campaign.problems())


def test_the_lint_warns_of_rests_that_cost_the_place():
    plan: list[dict] = [{"part": "ratings", "break_every": 1, "break_rest_min": 2 * DAY}]
    campaign = mushra_campaign(items=2, plan=plan, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(design={"order": "williams"})
    campaign.refresh_from_db()
    (found,) = [one for one in linting.findings(campaign) if one.code == "rest"]
    assert "shorter than the 24 h" in found.found
