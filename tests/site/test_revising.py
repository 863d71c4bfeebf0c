"""After a launch: the content is frozen, a change of it is a new draft, and what may change does so for a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from listening import bundling, composing, revising, sessions, unbundling
from listening.models import Campaign, Stimulus
from listening.models.campaign import CampaignError
from models_registry.models import AuditEvent, Signal
from models_registry.teams import Role
from tests.factories import WHOLE_PLAN, account, mushra_campaign


@pytest.fixture
def campaign(db):
    return mushra_campaign(plan=WHOLE_PLAN, quota=10)


def address(act, campaign):
    return reverse(f"campaign-{act}", args=[campaign.slug])


def test_a_revision_is_a_draft_of_the_same_content_that_names_what_it_revises(researcher, campaign):
    sessions.start(campaign)
    shown = researcher.post(address("revise", campaign), {"reason": "item 2 clips"}, follow=True)
    assert b"which stays as it is" in shown.content
    made = Campaign.objects.get(slug="tones-2")
    assert (made.state, made.revises, made.sessions.count()) == ("draft", "tones", 0)
    assert composing.describe(made) == composing.describe(campaign) | {"slug": "tones-2"}
    event = AuditEvent.objects.get(act="revise")
    assert (event.actor, event.reason, event.content) == ("alice", "item 2 clips", {"of": "tones"})
    campaign.refresh_from_db()
    assert (campaign.state, campaign.sessions.count()) == ("open", 1)
    assert b"Revised by" in researcher.get(campaign.get_absolute_url()).content
    assert b"A revision of" in researcher.get(made.get_absolute_url()).content
    with pytest.raises(CampaignError, match="found a draft: edit it"):
        revising.revise(made, reason="again", owner=None, actor="alice")


def test_a_launched_campaign_cannot_be_edited_by_any_way_in(researcher, campaign):
    before = composing.describe(campaign)
    for way in ("campaign-edit", "campaign-document"):
        for send in (researcher.get, researcher.post):
            shown = send(reverse(way, args=[campaign.slug]), follow=True).content.decode()
            assert "expected a draft to change, found it open" in shown
    with pytest.raises(CampaignError, match="expected a draft"):
        campaign.lay_out([{"part": "ratings"}], actor="alice")
    campaign.refresh_from_db()
    assert composing.describe(campaign) == before


def test_quota_and_dates_change_for_a_reason_and_keep_what_they_were(researcher, campaign):
    asked = {"quota": "40", "opens_at": "", "closes_at": "2099-06-30T18:00", "reason": "too few"}
    shown = researcher.post(address("change", campaign), asked, follow=True)
    assert b"in the record" in shown.content
    campaign.refresh_from_db()
    assert campaign.quota == 40
    assert campaign.closes_at == datetime(2099, 6, 30, 18, tzinfo=UTC)
    event = AuditEvent.objects.get(act="change")
    assert event.content == {"quota": [10, 40], "closes_at": [None, "2099-06-30T18:00:00+00:00"]}
    assert event.reason == "too few"
    assert (
        b"Nothing differs"
        in researcher.post(address("change", campaign), asked, follow=True).content
    )
    assert AuditEvent.objects.filter(act="change").count() == 1


@pytest.fixture
def grouped(db):
    """A running campaign with quotas by the answer to a question of three choices."""
    question = {"name": "trained", "text": "Are you trained?", "ask": "choice"}
    asked = {"part": "questions", "questions": [question | {"choices": ["yes", "no", "a little"]}]}
    groups = {"question": "trained", "quotas": {"yes": 3, "no": 6}}
    campaign = mushra_campaign(plan=[asked, {"part": "ratings"}])
    Campaign.objects.filter(pk=campaign.pk).update(groups=groups)
    campaign.refresh_from_db()
    return campaign


def test_quotas_of_groups_change_too_and_the_groups_stay(researcher, grouped):
    shown = researcher.get(grouped.get_absolute_url()).content.decode()
    for name in grouped.plan[0]["questions"][0]["choices"]:
        assert f"Listeners wanted of {name}" in shown
    asked = {"group-0": "8", "group-1": "", "group-2": "2", "reason": "the course grew"}
    assert (
        b"in the record" in researcher.post(address("change", grouped), asked, follow=True).content
    )
    grouped.refresh_from_db()
    assert grouped.groups == {"question": "trained", "quotas": {"yes": 8, "a little": 2}}
    event = AuditEvent.objects.get(act="change")
    assert event.content == {"group_quotas": [{"yes": 3, "no": 6}, {"yes": 8, "a little": 2}]}
    told = StringIO()
    more = ["--group", "yes=9", "--group", "a little=none"]
    call_command("change", "tones", *more, "--reason", "x", stdout=told)
    grouped.refresh_from_db()
    assert grouped.group_quotas == {"yes": 9}
    assert "'yes': 8" in told.getvalue()
    posted = researcher.post(
        "/api/campaigns/tones/change/",
        {"group_quotas": {"no": 4}, "reason": "x"},
        content_type="application/json",
    )
    assert posted.status_code == 200
    grouped.refresh_from_db()
    assert grouped.group_quotas == {"yes": 9, "no": 4}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"never": 3}, "expected quotas of its choices, found 'never'"),
        ({"yes": -1}, "expected a number of listeners for yes, found -1"),
    ],
)
def test_a_quota_of_no_group_is_refused(grouped, asked, said):
    with pytest.raises(CampaignError, match=said):
        revising.change(grouped, {"quota": 7, "group_quotas": asked}, reason="x", actor="alice")
    grouped.refresh_from_db()
    assert (grouped.quota, grouped.group_quotas) == (None, {"yes": 3, "no": 6})


def test_a_campaign_without_groups_gets_none_by_a_change(campaign):
    with pytest.raises(CampaignError, match="it was launched without groups"):
        revising.change(campaign, {"group_quotas": {"yes": 1}}, reason="x", actor="alice")
    assert revising.change(campaign, {"group_quotas": {}}, reason="x", actor="alice") == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": ""}, "Reason: This field is required"),
        ({"quota": "0"}, "Listeners wanted: Ensure this value"),
        ({"opens_at": "2099-07-01T00:00"}, "expected it to open before it closes"),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(researcher, campaign, wrong, said):
    asked = {"quota": "40", "closes_at": "2099-06-30T18:00", "reason": "too few"} | wrong
    assert said in researcher.post(address("change", campaign), asked, follow=True).content.decode()
    campaign.refresh_from_db()
    assert (campaign.quota, campaign.closes_at) == (10, None)
    assert not AuditEvent.objects.filter(act="change").exists()


def test_what_does_not_run_takes_no_change(campaign):
    campaign.close(actor="alice", reason="done")
    with pytest.raises(CampaignError, match="expected it to run, found it closed"):
        revising.change(campaign, {"quota": 5}, reason="more", actor="alice")
    with pytest.raises(CampaignError, match="expected only quota"):
        revising.change(campaign, {"title": 5}, reason="more", actor="alice")


def test_commands_change_and_revise(campaign):
    told = StringIO()
    moment = (now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    call_command(
        "change", "tones", "--quota", "none", "--closes", moment, "--reason", "x", stdout=told
    )
    assert "quota was 10, is None" in told.getvalue()
    call_command("revise", "tones", "--reason", "item 2 clips", stdout=told)
    assert "tones-2: a draft that revises tones" in told.getvalue()


def test_an_owner_deletes_a_draft_and_its_sounds_stay(researcher, campaign):
    draft = mushra_campaign(slug="draft", launched=False)
    signals = Signal.objects.count()
    editor = Client()
    editor.force_login(account("eve", role=Role.EDITOR))
    assert editor.post(address("delete", draft), {"reason": "x"}).status_code == 403
    assert b"expected a reason" in researcher.post(address("delete", draft), follow=True).content
    shown = researcher.post(address("delete", draft), {"reason": "a trial"}, follow=True)
    assert b"its sounds stay" in shown.content
    assert not Stimulus.objects.filter(trial__campaign__slug="draft").exists()
    assert Signal.objects.count() == signals
    event = AuditEvent.objects.get(act="delete")
    assert (event.subject, event.reason) == ("draft", "a trial")
    refused = researcher.post(address("delete", campaign), {"reason": "x"}, follow=True)
    assert b"what was launched stays" in refused.content
    assert Campaign.objects.filter(slug="tones").exists()


def test_the_command_deletes_a_draft_for_a_reason_and_nothing_else(campaign):
    mushra_campaign(slug="draft", launched=False)
    told = StringIO()
    call_command("discard", "draft", "--reason", "a trial", stdout=told)
    assert "its sounds stay" in told.getvalue()
    event = AuditEvent.objects.get(act="delete")
    assert (event.subject, event.reason) == ("draft", "a trial")
    for refused in (["draft", "--reason", "x"], ["tones", "--reason", "x"]):
        with pytest.raises(CommandError, match="expected a (campaign|draft)"):
            call_command("discard", *refused)
    assert list(Campaign.objects.values_list("slug", flat=True)) == ["tones"]


def test_a_bundle_keeps_what_a_campaign_revises(campaign, tmp_path):
    """The revised campaign may be elsewhere: its name is kept, and nothing else is asked for."""
    made = revising.revise(campaign, reason="item 2 clips", owner=None, actor="alice")
    made.launch(actor="alice")
    bundling.export_bundle(made, tmp_path / "b.zip", actor="alice")
    Campaign.objects.filter(pk=made.pk).update(slug="gone")
    restored = unbundling.import_bundle(tmp_path / "b.zip", actor="alice")
    assert (restored.slug, restored.revises) == ("tones-2", "tones")
