"""Links made in advance are each for one session: used, expired and unknown ones are answered kindly."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from listening import inviting, sessions
from listening.models import Campaign, Invitation, Listener, Session
from models_registry.models import AuditEvent
from tests.factories import account, mushra_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return mushra_campaign(items=1)


@pytest.fixture
def link(campaign) -> str:
    (made,) = inviting.invite(campaign, 1, actor="alice")
    return made.get_absolute_url()


def text_of(response) -> str:
    return response.content.decode()


def test_a_link_starts_one_session_and_leads_back_to_it_on_any_device(client, campaign, link):
    assert "Start the test" in text_of(client.get(link))
    assert not Session.objects.exists()
    started = client.post(link)
    session = campaign.sessions.get()
    assert started["Location"] == session.get_absolute_url()
    for again in (client.get(link), client.post(link)):
        assert again["Location"] == session.get_absolute_url()
    assert Session.objects.count() == 1


def test_a_link_whose_session_is_over_is_used(client, campaign, link):
    client.post(link)
    campaign.sessions.update(ending=Session.Ending.FINISHED)
    used = client.get(link)
    assert used.status_code == 410
    assert "This link was for one session, and that session is over." in text_of(used)
    assert client.post(link).status_code == 410
    assert Session.objects.count() == 1


def test_an_expired_link_says_so_but_a_session_begun_in_time_goes_on(client, campaign, link):
    client.post(link)
    unused = Invitation.objects.make(campaign, 1)[0]
    Invitation.objects.update(expires_at=now() - timedelta(minutes=1))
    assert client.get(link)["Location"] == campaign.sessions.get().get_absolute_url()
    expired = client.get(unused.get_absolute_url())
    assert expired.status_code == 410
    assert "This invitation has expired." in text_of(expired)
    assert client.post(unused.get_absolute_url()).status_code == 410
    assert Session.objects.count() == 1


def test_unknown_malformed_and_foreign_codes_look_alike(client, campaign, link):
    mushra_campaign(slug="others", items=1)
    code = link.split("/")[-2]
    unknown = client.get("/t/tones/ABCDEFGHJKMN/")
    assert unknown.status_code == 404
    assert "There is no invitation at this address." in text_of(unknown)
    for address in (f"/t/others/{code}/", f"/t/tones/{code.lower()}/", "/t/tones/a-b_c/"):
        assert client.get(address).content == unknown.content
    assert client.get("/t/tones/%00/").status_code == 404


def test_a_closed_or_full_campaign_takes_nobody_new_by_a_link(client, campaign, link):
    other = Invitation.objects.make(campaign, 1)[0].get_absolute_url()
    client.post(other)
    campaign.close(actor="alice", reason="enough")
    assert "It takes no more listeners." in text_of(client.get(link))
    # who is in the middle goes on
    assert client.get(other)["Location"] == campaign.sessions.get().get_absolute_url()


def test_where_only_invited_ones_are_taken_the_plain_link_says_so(client, campaign):
    inviting.invite(campaign, 1, only=True, actor="alice")
    plain = client.post("/t/tones/")
    assert plain.status_code == 410
    assert "takes listeners by personal links alone" in text_of(plain)
    # a recruiter's link names its listener, too
    assert client.post("/t/tones/?PROLIFIC_PID=abc").status_code == 302


def test_nobody_gets_at_an_invitation_through_a_recruiters_link(client, campaign, link):
    client.post(link)
    code = Listener.objects.get().external_code
    assert client.get(f"/t/tones/?PROLIFIC_PID={code}").status_code == 400


def test_the_list_says_what_became_of_each(client, campaign):
    made = inviting.invite(campaign, 4, actor="alice")
    for invitation in made[:2]:
        sessions.start(campaign, external_code=invitation.external_code)
    campaign.sessions.filter(listener__external_code=made[0].external_code).update(
        ending=Session.Ending.FINISHED
    )
    Invitation.objects.filter(pk=made[3].pk).update(expires_at=now())
    client.force_login(account("alice"))
    response = client.get("/campaigns/tones/invitations.csv")
    rows = list(csv.DictReader(io.StringIO(text_of(response))))
    assert [row["state"] for row in rows] == ["finished", "begun", "unused", "expired"]
    assert rows[2]["link"] == f"http://testserver/t/tones/{made[2].code}/"
    assert len({row["code"] for row in rows}) == 4


def test_a_researcher_makes_them_on_the_campaigns_page(client, campaign):
    client.force_login(account("alice"))
    client.post("/campaigns/tones/invite/", {"count": 3, "days": 2, "only": "on"})
    campaign.refresh_from_db()
    assert campaign.invited_only
    assert campaign.invitations.count() == 3
    assert AuditEvent.objects.get(act="invite").content["count"] == 3
    page = text_of(client.get("/campaigns/tones/"))
    assert "(3 made)" in page
    assert "takes listeners by such links alone" in page
    client.post("/campaigns/tones/invite/", {"count": 0})
    assert campaign.invitations.count() == 3


def test_the_command_writes_the_links_and_refuses_what_makes_no_sense(campaign, tmp_path, capsys):
    path = tmp_path / "links.csv"
    call_command("invite", "tones", "--count=2", "--site=https://ears.example", f"--output={path}")
    assert "2 links in" in capsys.readouterr().out
    rows = list(csv.DictReader(path.open()))
    assert rows[0]["link"].startswith("https://ears.example/t/tones/")
    call_command("invite", "tones", "--count=1")
    assert capsys.readouterr().out.startswith("link,code,state,expires_at")
    for options in (["--count=0"], ["--count=1", "--days=-1"]):
        with pytest.raises(CommandError, match="expected"):
            call_command("invite", "tones", *options)
    Campaign.objects.update(state="closed")
    with pytest.raises(CommandError, match="found it closed"):
        call_command("invite", "tones", "--count=1")
    assert Invitation.objects.count() == 3
