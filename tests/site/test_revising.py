"""After a launch: the content is frozen, a change of it is a new draft, and what may change does so for a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
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


def test_a_bundle_keeps_what_a_campaign_revises(campaign, tmp_path):
    """The revised campaign may be elsewhere: its name is kept, and nothing else is asked for."""
    made = revising.revise(campaign, reason="item 2 clips", owner=None, actor="alice")
    made.launch(actor="alice")
    bundling.export_bundle(made, tmp_path / "b.zip", actor="alice")
    Campaign.objects.filter(pk=made.pk).update(slug="gone")
    restored = unbundling.import_bundle(tmp_path / "b.zip", actor="alice")
    assert (restored.slug, restored.revises) == ("tones-2", "tones")
