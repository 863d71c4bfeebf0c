"""What a browser tells of a visit: checked, stored once, flagged for the researcher, and held against the gates."""

from __future__ import annotations

import json
import uuid

import pytest
from django.urls import reverse

from listening import sessions, telemetry
from listening.models import Response, Session, Visit
from listening.telemetry import TelemetryError, checked_visit, flags
from tests.factories import account, mushra_campaign

LABELS = ["Reference", "1", "2", "3", "4", "5"]


def a_visit(**change) -> dict:
    return {
        "open_s": 60.0,
        "hidden_s": 0.0,
        "device_rate": 48_000,
        "latency_s": 0.02,
        "drop_outs": 0,
        "heard": dict.fromkeys(LABELS, 3.0),
        "ended": [],
        "volume": [],
    } | change


def flagged(*visits, level_db=None) -> list[str]:
    return flags(visits, labels=LABELS, rate=48_000, level_db=level_db)


def test_a_visit_as_it_should_be_has_no_flag():
    assert checked_visit(a_visit()) == a_visit()
    assert flagged(a_visit(), level_db=-10) == []


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"hidden_s": 12.4}, "out of sight for 12 s"),
        ({"drop_outs": 3}, "3 drop-outs"),
        ({"device_rate": 44_100}, "resampled by the device to 44100 Hz"),
        ({"latency_s": 0.3}, "300 ms from page to ear"),
        ({"volume": [[1.0, -10], [9.0, -15]]}, "volume changed by more than 4 dB"),
        ({"heard": dict.fromkeys(LABELS[:4], 3.0) | {"4": 0.2}}, "heard for less than 0.5 s: 4, 5"),
    ],
)
def test_what_a_researcher_should_know_is_flagged(change, flag):
    assert flagged(a_visit(**change), level_db=-10) == [flag]


def test_visits_add_up():
    """A page that was left and opened again was heard in both visits."""
    half = a_visit(heard=dict.fromkeys(LABELS, 0.3), hidden_s=3, ended=["1"])
    assert flagged(half, half) == ["out of sight for 6 s"]
    assert telemetry.heard([half, half])["2"] == pytest.approx(0.6)
    assert telemetry.ended([half, a_visit(ended=["2"])]) == {"1", "2"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        a_visit(more=1),
        a_visit(open_s=-1),
        a_visit(open_s=True),
        a_visit(hidden_s=float("nan")),
        a_visit(latency_s=float("inf")),
        a_visit(device_rate="48000"),
        a_visit(heard=[1]),
        a_visit(heard={"x" * 21: 1}),
        a_visit(heard={str(n): 1 for n in range(21)}),
        a_visit(ended=[1]),
        a_visit(volume=[[1, 2, 3]]),
        a_visit(volume=[[1, 3]]),
        a_visit(volume=[[0, 0]] * 51),
    ],
)
def test_what_no_browser_would_tell_is_refused(body):
    with pytest.raises(TelemetryError, match="expected"):
        checked_visit(body)


def tell(client, session, body, *, visit_id=None, page=1, **more):
    form = {"id": str(visit_id or uuid.uuid4()), "body": json.dumps(body), **more}
    return client.post(reverse("visit", args=[session.token, page]), form)


@pytest.fixture
def session(db) -> Session:
    return sessions.start(mushra_campaign(items=2))


def rate_all(session) -> None:
    page = session.pages.get(number=1)
    for slot in page.slots.exclude(stimulus=None):
        sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 50})


def test_a_visit_told_twice_is_one_and_its_last_word_stands(client, session):
    visit_id = uuid.uuid4()
    for open_s in (10, 20):
        assert tell(client, session, a_visit(open_s=open_s), visit_id=visit_id).status_code == 200
    assert Visit.objects.get().body["open_s"] == 20
    assert tell(client, session, a_visit(), visit_id=visit_id, page=2).status_code == 409
    assert tell(client, session, a_visit(open_s=-1)).status_code == 422
    assert tell(client, session, a_visit(), page=3).status_code == 404
    for form in ({}, {"id": "x", "body": "{}"}, {"id": str(uuid.uuid4()), "body": "[" * 9999}):
        assert client.post(reverse("visit", args=[session.token, 1]), form).status_code == 400
    assert Visit.objects.count() == 1


def test_answers_beside_a_visit_are_stored_once_and_bad_ones_left_out(client, session):
    slot = session.pages.get(number=1).slots.last()
    good = {"id": str(uuid.uuid4()), "page": 1, "slot": str(slot.token), "value": 70}
    bad = {"id": str(uuid.uuid4()), "page": 1, "slot": str(slot.token), "value": 700}
    for _ in range(2):
        tell(client, session, a_visit(), answers=json.dumps([bad, good]))
    assert Response.objects.get().ratings.get().value == 70
    for answers in ("{", "[1]", '[{"id": 1}]', "{}", "null"):
        assert tell(client, session, a_visit(), answers=answers).status_code == 200
    assert Response.objects.count() == 1


def test_the_campaigns_page_lists_flagged_pages(client, session):
    tell(client, session, a_visit(hidden_s=42))
    client.force_login(account("alice"))
    html = client.get(session.campaign.get_absolute_url()).content.decode()
    assert "out of sight for 42 s" in html
    assert session.listener.code in html
    Visit.objects.all().delete()
    html = client.get(session.campaign.get_absolute_url()).content.decode()
    assert 'id="playback"' not in html


def gated(**gates) -> Session:
    plan = [{"part": "ratings", "gates": gates}]
    return sessions.start(mushra_campaign(items=2, plan=plan))


@pytest.mark.django_db
def test_a_page_that_must_be_heard_is_not_left_before(client):
    session = gated(listen=True)
    rate_all(session)
    page = session.pages.get(number=1)
    with pytest.raises(
        sessions.Unanswered, match="found none to the sound of Reference, the sound"
    ):
        sessions.finish(session, page)
    tell(client, session, a_visit(heard=dict.fromkeys(LABELS[1:], 2.0)))
    with pytest.raises(sessions.Unanswered, match="found none to the sound of Reference$"):
        sessions.finish(session, page)
    tell(client, session, a_visit(heard={"Reference": 2.0}))
    sessions.finish(session, page)


@pytest.mark.django_db
def test_a_page_that_must_be_heard_to_the_end_is_not_left_before(client):
    session = gated(hear_end=True)
    rate_all(session)
    page = session.pages.get(number=1)
    tell(client, session, a_visit(ended=LABELS[:-1]))
    with pytest.raises(sessions.Unanswered, match="found none to the end of 5$"):
        sessions.finish(session, page)
    tell(client, session, a_visit(ended=["5"]))
    sessions.finish(session, page)


@pytest.mark.django_db
def test_where_nothing_must_be_rated_what_is_not_stays_unrated():
    session = gated(rate=False)
    page = session.pages.get(number=1)
    sessions.finish(session, page)
    assert not page.ratings.exists()


@pytest.mark.django_db
def test_simulated_listeners_have_no_ears_to_ask():
    campaign = mushra_campaign(items=2, plan=[{"part": "ratings", "gates": {"listen": True}}])
    session = sessions.start(campaign, simulated=True)
    rate_all(session)
    sessions.finish(session, session.pages.get(number=1))
    assert session.pages.get(number=1).finished_at is not None
