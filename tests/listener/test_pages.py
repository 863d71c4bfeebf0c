"""What a listener's browser gets, and what it may send."""

from __future__ import annotations

import io
import json
import uuid

import numpy as np
import pytest
import soundfile
from django.test import Client
from django.urls import reverse

from listening import sessions
from listening.models import Response, Session
from tests.factories import abx_campaign, mushra_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return sessions.start(mushra_campaign(items=2))


def for_player(client, session) -> dict:
    html = client.get(session.get_absolute_url()).content.decode()
    start = html.index(">", html.index('id="for-player"')) + 1
    return json.loads(html[start : html.index("</script>", start)])


def post(client, session, body, **options):
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    options.setdefault("content_type", "application/json")
    return client.post(reverse("responses", args=[session.token]), content, **options)


def rating(session, *, page=1, position=1, value=72) -> dict:
    slot = session.pages.get(number=page).slots.get(position=position)
    return {"id": str(uuid.uuid4()), "page": page, "slot": str(slot.token), "value": value}


def audio(client, session, position=1, **headers):
    slot = session.pages.first().slots.get(position=position)
    return client.get(reverse("stimulus", args=[session.token, slot.token]), headers=headers)


def body_of(response) -> bytes:
    return b"".join(response.streaming_content)


# the way in


def test_the_invitation_shows_the_instructions_and_starts_a_session(client):
    campaign = mushra_campaign()
    page = client.get("/t/tones/")
    assert "One or more of the versions must be given a grade of 100" in page.content.decode()
    assert "There are 2 pages" in page.content.decode()
    started = client.post("/t/tones/")
    session = campaign.sessions.get()
    assert started["Location"] == f"/s/{session.token}/"
    assert session.consented_at is not None
    assert not session.listener.simulated


def test_a_campaigns_own_instructions_come_first(client):
    campaign = mushra_campaign()
    campaign.instructions = "Rate the <b>guitars</b>."
    campaign.save()
    assert "Rate the &lt;b&gt;guitars&lt;/b&gt;." in client.get("/t/tones/").content.decode()


def test_a_draft_and_an_unknown_campaign_look_alike_and_kind(client):
    mushra_campaign(launched=False)
    draft, unknown = client.get("/t/tones/"), client.get("/t/nothing/")
    assert draft.status_code == unknown.status_code == 404
    assert "There is no listening test at this address." in draft.content.decode()
    assert draft.content == unknown.content


def test_a_closed_and_a_full_campaign_say_so(client):
    campaign = mushra_campaign(quota=0)
    full = client.post("/t/tones/")
    assert full.status_code == 410
    assert "has found all the listeners it needs" in full.content.decode()
    campaign.close(actor="alice", reason="enough")
    closed = client.get("/t/tones/")
    assert closed.status_code == 410
    assert "This listening test is over" in closed.content.decode()
    assert not campaign.sessions.exists()


@pytest.mark.parametrize("path", ["", "audio/{other}.wav", "responses/", "pages/1/finish/"])
def test_an_unknown_token_opens_nothing(client, path):
    url = f"/s/{uuid.uuid4()}/{path.format(other=uuid.uuid4())}"
    send = client.post if path.endswith(("responses/", "finish/")) else client.get
    assert send(url).status_code == 404


@pytest.mark.parametrize(
    "address", ["/s/0b5c3e/", "/s/0b5c3e", "/t/tones/ABC/more/", "/t/%C3%A9t%C3%A9/", "/s/a/b/c/"]
)
def test_a_link_that_was_cut_off_says_so_kindly(client, address):
    reply = client.get(address, follow=True)
    assert reply.status_code == 404
    assert "This link is damaged" in reply.content.decode()
    assert "open it again from where you found it" in reply.content.decode()


# the page


def test_who_is_in_a_campaign_that_closes_goes_on_to_the_thanks(client, session):
    for_player(client, session)
    session.campaign.close(actor="alice", reason="enough")
    for number in (1, 2):
        assert for_player(client, session)["page"] == number
        for position in range(1, 6):
            sent = post(client, session, rating(session, page=number, position=position))
            assert sent.status_code == 200
        assert client.post(f"/s/{session.token}/pages/{number}/finish/").status_code == 200
    assert session.listener.code in client.get(session.get_absolute_url()).content.decode()
    assert client.get("/t/tones/").status_code == 410


def test_a_reload_shows_the_same_order_and_every_answer(client, session):
    before = for_player(client, session)
    assert [slot["answer"] for slot in before["slots"]] == [None] * 6
    post(client, session, rating(session, position=2, value=40))
    post(client, session, rating(session, position=2, value=41))
    post(client, session, rating(session, position=5, value=0))
    after = for_player(Client(), session)
    assert [slot["answer"] for slot in after["slots"]] == [None, None, 41, None, None, 0]
    assert [slot["token"] for slot in after["slots"]] == [slot["token"] for slot in before["slots"]]


def test_an_abx_page_restores_the_answer_and_nothing_else(client):
    session = sessions.start(abx_campaign(repetitions=1))
    post(client, session, {"id": str(uuid.uuid4()), "page": 1, "answer": "B"})
    assert [slot["answer"] for slot in for_player(client, session)["slots"]] == [None, None, "B"]


def test_pages_follow_each_other_to_the_thanks(client, session):
    for number in (1, 2):
        assert for_player(client, session)["page"] == number
        for position in range(1, 6):
            post(client, session, rating(session, page=number, position=position))
        finished = client.post(f"/s/{session.token}/pages/{number}/finish/")
        assert finished.json() == {"next": f"/s/{session.token}/"}
    thanks = client.get(session.get_absolute_url()).content.decode()
    assert session.listener.code in thanks
    session.refresh_from_db()
    assert session.finished_at


def test_an_incomplete_page_is_not_finished(client, session):
    post(client, session, rating(session))
    refusal = client.post(f"/s/{session.token}/pages/1/finish/")
    assert refusal.status_code == 409
    assert refusal.json()["error"].endswith("found none to 2, 3, 4, 5")
    assert client.post(f"/s/{session.token}/pages/3/finish/").status_code == 404


def test_no_page_is_kept_by_a_cache(client, session):
    for url in ("/t/tones/", session.get_absolute_url()):
        assert "no-store" in client.get(url)["Cache-Control"]


def test_every_script_and_style_comes_from_here(client, session):
    html = client.get(session.get_absolute_url()).content.decode()
    assert "http" not in html.replace("https.", "")
    assert "<style" not in html
    assert " style=" not in html
    policy = client.get(session.get_absolute_url())["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


# answers


def test_an_acknowledged_answer_is_stored(client, session):
    body = rating(session)
    acknowledged = post(client, session, body)
    assert acknowledged.status_code == 200
    assert acknowledged.json() == {"id": body["id"]}
    stored = Response.objects.get(pk=body["id"])
    assert stored.body == {"slot": body["slot"], "value": 72}
    assert stored.ratings.get().value == 72


def test_the_same_answer_twice_gets_the_same_acknowledgement(client, session):
    body = rating(session)
    first, second = (post(client, session, body) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Response.objects.count() == 1
    assert post(client, session, {**body, "value": 1}).status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("", 400, "expected a JSON object, found something else"),
        ("{", 400, "expected a JSON object, found something else"),
        (b"\xff\xfe", 400, "expected a JSON object, found something else"),
        ("[" * 4000, 400, "expected a JSON object, found something else"),
        ("[1]", 400, "expected a JSON object, found list"),
        ("{}", 400, "expected an id that is a UUID"),
        ('{"id": "one", "page": 1}', 400, "expected an id that is a UUID"),
        ('{"id": [1], "page": 1}', 400, "expected an id that is a UUID"),
        (" " * 5000, 413, "expected at most 4096 bytes, found more"),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(client, session, body, status, sentence):
    refusal = post(client, session, body)
    assert (refusal.status_code, refusal.json()) == (status, {"error": sentence})


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"value": 101}, 422, "expected a whole number from 0 to 100, found 101"),
        ({"value": "good"}, 422, "expected a whole number from 0 to 100, found 'good'"),
        ({"slot": "\ud800"}, 422, r"expected a stimulus of this page, found '\ud800'"),
        ({"more": 1}, 422, "expected an answer with slot and value, found more, slot, value"),
        ({"page": 3}, 404, "expected the number of a page of this session, found 3"),
        ({"page": "1"}, 404, "expected the number of a page of this session, found '1'"),
        ({"page": 10**30}, 404, f"expected the number of a page of this session, found {10**30}"),
        ({"page": 2}, 422, "expected a stimulus of this page, found"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(client, session, change, status, sentence):
    refusal = post(client, session, {**rating(session), **change})
    assert refusal.status_code == status
    assert refusal.json()["error"].startswith(sentence)
    assert not Response.objects.exists()


def test_another_sessions_sounds_cannot_be_rated(client, session):
    other = sessions.start(session.campaign)
    assert post(client, session, rating(other)).status_code == 422
    assert not Response.objects.exists()


def test_answers_after_the_page_is_finished_are_refused(client):
    session = sessions.start(abx_campaign(repetitions=1))
    answer = {"id": str(uuid.uuid4()), "page": 1, "answer": "A"}
    post(client, session, answer)
    client.post(f"/s/{session.token}/pages/1/finish/")
    late = post(client, session, {**answer, "id": str(uuid.uuid4()), "answer": "B"})
    assert late.status_code == 409
    assert late.json()["error"] == "page 1 was finished: its answers can no longer be changed"
    assert post(client, session, answer).status_code == 200


# sounds


def test_a_sound_is_the_stored_signal_in_24_bits(client, session):
    response = audio(client, session)
    samples, rate = soundfile.read(io.BytesIO(body_of(response)), always_2d=True)
    signal = session.pages.first().slots.get(position=1).signal
    error = samples.T - signal.audio().samples
    assert rate == signal.rate
    # rounding and TPDF dither: at most 1½ steps, RMS ½ step
    assert np.abs(error).max() <= 1.5 * 2**-23
    assert error.std() == pytest.approx(0.5 * 2**-23, rel=0.02)


def test_a_sound_may_be_fetched_in_ranges(client, session):
    whole = body_of(audio(client, session))
    assert len(whole) == 44 + 3 * 48_000
    for header, expected in (
        ("bytes=0-1", whole[:2]),
        ("bytes=144000-", whole[144_000:]),
        ("bytes=-10", whole[-10:]),
        ("bytes=144043-999999", whole[-1:]),
    ):
        part = audio(client, session, Range=header)
        assert part.status_code == 206
        assert body_of(part) == expected
    beyond = audio(client, session, Range="bytes=144044-")
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */144044")
    nonsense = audio(client, session, Range="bytes=a-b")
    assert (nonsense.status_code, body_of(nonsense)) == (200, whole)


def test_only_the_sessions_own_sounds_are_served(client, session):
    other = sessions.start(session.campaign)
    slot = other.pages.first().slots.first()
    url = reverse("stimulus", args=[session.token, slot.token])
    assert client.get(url).status_code == 404
    assert client.post(url).status_code == 405
