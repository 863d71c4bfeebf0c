"""Who is taken, and who is kindly told why not: dates, pauses, quotas of groups, one session per browser."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from listening import admission, inviting, sessions
from listening.models import Campaign, Invitation, Page, Session
from listening.models.campaign import CampaignError
from models_registry.models import AuditEvent
from tests.factories import account, mushra_campaign

EXPERIENCE: dict = {
    "name": "experience",
    "ask": "choice",
    "text": "Have you taken part before?",
    "choices": ["trained", "naive", "none of these"],
}
PLAN: list[dict] = [
    {"part": "questions", "questions": [EXPERIENCE]},
    {"part": "ratings"},
    {"part": "finish", "full": {"code": "FULL7", "text": "We have enough of you."}},
]
GROUPS = {"question": "experience", "quotas": {"trained": 1, "naive": 2}}


def campaign_with(plan=None, launched=True, **settings) -> Campaign:
    campaign = mushra_campaign(items=1, plan=plan, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(**settings)
    campaign.refresh_from_db()
    if launched:
        campaign.launch(actor="alice")
    return campaign


def welcome(campaign, client=None):
    return (client or Client()).get(reverse("welcome", args=[campaign.slug]))


def answer(session: Session, group: str) -> Session:
    page = session.pages.get(kind=Page.Kind.QUESTIONS)
    body = {"answers": {"experience": group}}
    sessions.respond(session, page, uuid.uuid4(), body)
    sessions.finish(session, page)
    session.refresh_from_db()
    return session


def complete(session: Session) -> None:
    for page in session.pages.filter(finished_at=None):
        session.finish_page(page)


# dates and pauses


@pytest.mark.django_db
def test_before_it_opens_and_after_it_closes_a_page_says_when():
    day = timedelta(days=1)
    campaign = campaign_with(opens_at=now() + day, closes_at=now() + 2 * day)
    early = welcome(campaign)
    assert early.status_code == 403
    assert "This listening test begins on" in early.content.decode()
    with pytest.raises(sessions.NotOpen, match="takes listeners from"):
        sessions.start(campaign)
    # a rehearsal may come before
    assert sessions.start(campaign, simulated=True).pk
    Campaign.objects.update(opens_at=now() - 2 * day)
    assert welcome(campaign).status_code == 200
    begun = sessions.start(Campaign.objects.get())
    Campaign.objects.update(closes_at=now() - day)
    late = welcome(campaign)
    assert late.status_code == 410
    assert "This listening test ended on" in late.content.decode()
    # who is in the middle goes on
    assert Client().get(begun.get_absolute_url()).status_code == 200
    complete(begun)
    assert Session.objects.get(pk=begun.pk).ending == "finished"


@pytest.mark.django_db
def test_a_paused_campaign_takes_nobody_new_until_it_goes_on(researcher_client):
    campaign = campaign_with()
    begun = sessions.start(campaign)
    pause = reverse("campaign-pause", args=[campaign.slug])
    researcher_client.post(pause)
    campaign.refresh_from_db()
    assert campaign.state == "open"
    researcher_client.post(pause, {"reason": "the room is painted"})
    assert "paused" in welcome(campaign).content.decode()
    assert Client().get(begun.get_absolute_url()).status_code == 200
    again = researcher_client.post(pause, {"reason": "twice"}, follow=True).content.decode()
    assert "It was paused already." in again
    assert "Take new listeners again" in again
    researcher_client.post(reverse("campaign-resume", args=[campaign.slug]))
    assert welcome(campaign).status_code == 200
    acts = [event.act for event in AuditEvent.objects.filter(subject=campaign.slug)]
    assert acts.count("pause") == acts.count("resume") == 1


@pytest.mark.django_db
def test_closing_twice_says_so_and_is_recorded_once(researcher_client):
    campaign = campaign_with()
    campaign.pause(actor="alice", reason="a while")
    close = reverse("campaign-close", args=[campaign.slug])
    researcher_client.post(close, {"reason": "enough"})
    campaign.refresh_from_db()
    closed_at = campaign.closed_at
    again = researcher_client.post(close, {"reason": "enough"}, follow=True).content.decode()
    assert "It was closed already, on" in again
    campaign.refresh_from_db()
    assert campaign.closed_at == closed_at
    assert AuditEvent.objects.filter(act="close").count() == 1
    with pytest.raises(CampaignError, match="expected a campaign that is open, found it closed"):
        campaign.pause(actor="alice", reason="late")


@pytest.mark.django_db
def test_a_campaign_that_closes_before_it_opens_is_not_launched():
    campaign = campaign_with(launched=False, opens_at=now(), closes_at=now() - timedelta(hours=1))
    with pytest.raises(CampaignError, match="open before it closes"):
        campaign.launch(actor="alice")


# groups


@pytest.mark.django_db
def test_who_finds_their_group_full_is_told_kindly_with_a_code(client):
    campaign = campaign_with(PLAN, groups=GROUPS)
    first = answer(sessions.start(campaign), "trained")
    assert (first.group, first.ending) == ("trained", "")
    late = answer(sessions.start(campaign), "trained")
    assert (late.group, late.ending) == ("", "full")
    shown = client.get(late.get_absolute_url()).content.decode()
    assert "FULL7" in shown
    assert "We have enough of you." in shown
    assert answer(sessions.start(campaign), "naive").ending == ""
    for _ in range(3):
        assert answer(sessions.start(campaign), "none of these").ending == ""
    table = {row["group"]: row for row in admission.standings(campaign)}
    assert (table["trained"]["under_way"], table["trained"]["wanted"]) == (1, 1)
    assert (table["none of these"]["under_way"], table["none of these"]["wanted"]) == (3, None)


@pytest.mark.django_db
def test_a_place_in_a_group_comes_free_when_its_listener_is_gone():
    campaign = campaign_with(PLAN, groups=GROUPS)
    first = answer(sessions.start(campaign), "trained")
    Session.objects.filter(pk=first.pk).update(created_at=now() - timedelta(hours=25))
    Page.objects.filter(session=first).exclude(finished_at=None).update(
        finished_at=now() - timedelta(hours=25)
    )
    first.pages.get(kind="questions").responses.update(received_at=now() - timedelta(hours=25))
    second = answer(sessions.start(campaign), "trained")
    assert second.ending == ""
    complete(second)
    assert answer(sessions.start(campaign), "trained").ending == "full"
    second.exclude(reason="an echo", actor="alice")
    assert answer(sessions.start(campaign), "trained").ending == ""


@pytest.mark.django_db(transaction=True)
def test_the_last_place_of_a_group_is_given_once():
    campaign = campaign_with(PLAN, groups=GROUPS)
    begun = [sessions.start(campaign) for _ in range(6)]

    def ask(session: Session) -> str:
        try:
            return answer(session, "naive").ending
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as listeners:
        endings = sorted(listeners.map(ask, begun))
    assert endings == ["", "", "full", "full", "full", "full"]


@pytest.mark.django_db
def test_invitations_may_be_to_a_group(client, tmp_path):
    campaign = campaign_with(groups={"invitation": True, "quotas": {"trained": 1, "naive": 9}})
    with pytest.raises(inviting.InvitationError, match=r"group of the campaign \(trained, naive\)"):
        inviting.invite(campaign, 1, group="deaf", actor="alice")
    output = tmp_path / "links.csv"
    call_command(
        "invite", campaign.slug, "--count", "2", "--group", "trained", "--output", str(output)
    )
    assert output.read_text().count(",trained") == 2
    first, second = Invitation.objects.all()
    client.post(first.get_absolute_url())
    session = campaign.sessions.get()
    assert session.group == "trained"
    # the link leads its owner back, and says to others that the group is full
    assert client.get(first.get_absolute_url()).status_code == 302
    full = client.get(second.get_absolute_url())
    assert full.status_code == 410
    assert "all the listeners of your group" in full.content.decode()
    assert client.post(second.get_absolute_url()).status_code == 410
    assert campaign.sessions.count() == campaign.listeners.count() == 1


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ({"quotas": {}}, "either a question or invitation"),
        ({"question": "experience"}, "expected 'quotas', found none"),
        ({"question": "age", "quotas": {}}, "a question of the plan, found 'age'"),
        ({"question": "experience", "quotas": {"deaf": 1}}, "quotas of its choices, found 'deaf'"),
        ({"question": "experience", "quotas": {"naive": -1}}, "number of listeners for naive"),
        ({"question": "experience", "quotas": {"naive": "2"}}, "number of listeners for naive"),
    ],
)
@pytest.mark.django_db
def test_groups_that_cannot_be_are_refused_at_launch(groups, problem):
    campaign = campaign_with(PLAN, launched=False, groups=groups)
    with pytest.raises(CampaignError, match=problem):
        campaign.launch(actor="alice")


@pytest.mark.django_db
def test_a_group_is_asked_for_before_the_ratings_and_by_one_choice():
    campaign = campaign_with(PLAN[1::-1], launched=False, groups=GROUPS)
    assert any("before the ratings" in problem for problem in campaign.problems())
    several: list[dict] = [
        {"part": "questions", "questions": [EXPERIENCE | {"several": True}]},
        PLAN[1],
    ]
    campaign.lay_out(several, actor="alice")
    assert any("one choice" in problem for problem in campaign.problems())


# one session per browser


@pytest.mark.django_db
def test_a_browser_comes_back_to_its_session_and_another_one_begins_anew():
    campaign = campaign_with(once_per_browser=True)
    mine, other = Client(), Client()
    address = reverse("welcome", args=[campaign.slug])
    shown = mine.get(address)
    cookie = shown.cookies[f"once-{campaign.slug}"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", address)
    first = mine.post(address)
    assert mine.get(address)["Location"] == mine.post(address)["Location"] == first["Location"]
    other.get(address)
    assert other.post(address)["Location"] != first["Location"]
    assert campaign.sessions.count() == 2
    # a cookie that is none of ours is replaced
    other.cookies[f"once-{campaign.slug}"] = "../../etc"
    assert other.get(address).status_code == 200


@pytest.mark.django_db
def test_without_the_rule_no_cookie_is_set():
    assert not welcome(campaign_with()).cookies


@pytest.fixture
def researcher_client(db, django_user_model):
    client = Client()
    client.force_login(account("alice"))
    return client


@pytest.mark.django_db
def test_a_command_that_names_no_group_of_the_campaign_is_refused():
    campaign = campaign_with()
    with pytest.raises(CommandError, match="none by invitation"):
        call_command("invite", campaign.slug, "--count", "1", "--group", "trained")
