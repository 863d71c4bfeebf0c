"""Sessions run by webMUSHRA's own front end: stored whole, once, under the campaign of their testId."""

from __future__ import annotations

import json
import uuid
from urllib.parse import quote

import pandas as pd
import pytest
from django.core.management import call_command
from django.utils.timezone import now

from listening.collecting import GRACE
from listening.evidence import ratings_frame
from listening.models import Campaign, Listener, Page, Rating, Response
from tests.factories import here, mushra_campaign

pytestmark = pytest.mark.django_db

PLAN: list[dict] = [
    {"part": "ratings"},
    {
        "part": "questions",
        "questions": [
            {"name": "age", "ask": "number", "text": "Age", "least": 18, "most": 99},
            {"name": "email", "ask": "text", "text": "eMail", "optional": True},
        ],
    },
]
SCORES = {
    "anchor 3.5 kHz": 12,
    "reference": 100,
    "system one": 55,
    "anchor 7 kHz": 40,
    "system two": 71,
}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path / "home"
    settings.MEDIA_ROOT = settings.HOME / "media"


@pytest.fixture
def campaign():
    made = mushra_campaign(plan=PLAN)
    Campaign.objects.filter(pk=made.pk).update(collect_as="Tones 1")
    return made


def session(**changes) -> dict:
    trials = [
        {
            "id": f"tone {number}",
            "type": "mushra",
            "responses": [
                {"stimulus": name, "score": str(score), "comment": None, "time": 4200}
                for name, score in SCORES.items()
            ],
        }
        for number in (2, 1)
    ]
    return {
        "testId": "Tones 1",
        "config": "configs/tones.yaml",
        "uuid": str(uuid.uuid4()),
        "participant": {"name": ["age", "email"], "response": ["33", "a+b@c.de"]},
        "trials": trials,
    } | changes


def send(client, data, *, to="/collect", encoded=False):
    text = json.dumps(data)
    body = "sessionJSON=" + (quote(text) if encoded else text)
    return client.post(to, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("encoded", [False, True])
def test_a_session_is_taken_and_the_answer_is_empty(client, campaign, encoded):
    answer = send(client, session(), encoded=encoded)
    assert (answer.status_code, answer.content) == (200, b"")
    frame = ratings_frame(campaign)
    assert len(frame) == 10
    rated = frame.set_index(["item", "condition"])["rating"]
    assert rated["tone 1", "system two"] == 71
    assert not frame["simulated"].any()


def test_the_order_on_screen_is_kept(client, campaign):
    send(client, session())
    frame = ratings_frame(campaign)
    assert list(frame["item"].unique()) == ["tone 2", "tone 1"]
    assert list(frame.sort_values(["trial", "position"])["condition"][:5]) == list(SCORES)


def test_a_session_is_stored_once_however_often_it_is_sent(client, campaign):
    sent = session()
    assert [send(client, sent).status_code for _ in range(3)] == [200] * 3
    assert (Listener.objects.count(), Rating.objects.count()) == (1, 10)


def test_the_questionnaire_is_answered(client, campaign):
    send(client, session())
    response = Response.objects.get(page__kind=Page.Kind.QUESTIONS)
    assert response.body == {"answers": {"age": 33, "email": "a+b@c.de"}}


def test_the_table_holds_a_row_for_each_rating(client, campaign, tmp_path):
    for _ in range(3):
        send(client, session())
    target = tmp_path / "ratings.csv"
    call_command("export", campaign.slug, "--to", str(target))
    table = pd.read_csv(target)
    assert len(table) == 30
    assert table["listener"].nunique() == 3


def test_a_session_of_an_unknown_test_is_refused_by_name(client, campaign):
    answer = send(client, session(testId="nobody's"))
    assert answer.status_code == 404
    assert "nobody's" in answer.content.decode()
    assert not Listener.objects.exists()


def test_the_address_may_name_the_test_too(client, campaign):
    assert send(client, session(), to="/Tones%201/collect").status_code == 200
    assert send(client, session(), to="/other/collect").status_code == 404


def test_a_draft_takes_no_sessions(client):
    mushra_campaign(launched=False)
    assert send(client, session(testId="tones")).status_code == 404


def test_who_began_before_the_end_may_still_hand_in(client, campaign):
    campaign.close(actor="alice", reason="enough")
    assert send(client, session()).status_code == 200
    Campaign.objects.filter(pk=campaign.pk).update(closed_at=now() - GRACE)
    answer = send(client, session())
    assert answer.status_code == 400
    assert "is closed" in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"trials": [{"id": "tone 9", "type": "mushra", "responses": []}]}, "'tone 9'"),
        (
            {
                "trials": [
                    {"id": "tone 1", "type": "mushra", "responses": [{"stimulus": "x", "score": 1}]}
                ]
            },
            "found 'x'",
        ),
        ({"trials": [{"id": "tone 1", "type": "bs1116", "responses": []}]}, "(bs1116)"),
        ({"trials": []}, "expected trials"),
    ],
)
def test_a_session_that_does_not_fit_is_refused_whole(client, campaign, changes, what):
    answer = send(client, session(**changes))
    assert answer.status_code == 400
    assert what in answer.content.decode()
    assert not Listener.objects.exists()


def test_a_session_that_is_too_long_is_refused(client, campaign, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert send(client, session()).status_code == 413


def test_another_server_s_page_may_post_and_read_what_became_of_it(client, campaign):
    answer = send(client, session())
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert client.options("/collect").status_code == 204
    assert client.get("/collect").status_code == 405


def test_csrf_does_not_stand_in_the_way(campaign):
    from django.test import Client

    assert send(Client(enforce_csrf_checks=True), session()).status_code == 200


def others() -> None:
    """Campaigns of the further types, as a configuration of webMUSHRA makes them."""
    from listening.composing import compose
    from listening.exchange import campaign_document, webmushra
    from listening.exchange.documents import Document
    from tests.factories import stored_tone

    sounds = {
        "R": f"sha256:{stored_tone(440.0).sha256}",
        "X": f"sha256:{stored_tone(880.0).sha256}",
    }
    config = {
        "testId": "others",
        "pages": [
            {"type": "bs1116", "id": "b", "reference": sounds["R"], "stimuli": {"X": sounds["X"]}},
            {
                "type": "paired_comparison",
                "id": "p",
                "reference": sounds["R"],
                "stimuli": {"X": sounds["X"]},
            },
            {
                "type": "likert_single_stimulus",
                "id": "l",
                "stimuli": {"X": sounds["X"]},
                "response": [{"value": value} for value in range(1, 6)],
            },
        ],
    }
    found = webmushra.campaigns(Document("others", config, {(): (1, 1)}))
    for data in found.campaigns:
        document = Document("others", campaign_document.checked(data, name="others"), {(): (1, 1)})
        compose(document, project=here(), actor="alice").launch(actor="alice")


def test_the_other_types_of_pages_reach_the_campaigns_of_their_methods(client):
    others()
    trials = [
        {
            "id": "b",
            "type": "bs1116",
            "responses": [
                {
                    "reference": "reference",
                    "nonReference": "X",
                    "referenceScore": 5,
                    "nonReferenceScore": 3.2,
                }
            ],
        },
        {
            "id": "p",
            "type": "paired_comparison",
            "responses": [{"reference": "reference", "nonReference": "X", "answer": "correct"}],
        },
        {
            "id": "l",
            "type": "likert_single_stimulus",
            "responses": [{"stimulus": "X", "stimulusRating": ["4"]}],
        },
    ]
    sent = session(testId="others", trials=trials)
    assert [send(client, sent).status_code for _ in range(2)] == [200, 200]
    frames = {one.method: ratings_frame(one) for one in Campaign.objects.all()}
    assert sorted(frames["bs1116"]["rating"]) == [3.2, 5.0]
    assert list(frames["abx"]["rating"]) == [1.0]
    assert list(frames["acr"]["rating"]) == [4.0]
