"""What webMUSHRA's front end posts, in its own words: raw or URL-encoded, and what is refused."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from listening.exchange.collect import parse
from listening.exchange.errors import ExchangeError

SESSION = {
    "testId": "codecs_1",
    "config": "configs/codecs.yaml",
    "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "participant": {"name": ["email", "age"], "response": ["a+b@c.de", "33 % & more"]},
    "trials": [
        {
            "id": "trial1",
            "type": "mushra",
            "responses": [
                {"stimulus": "C1", "score": "47", "comment": None, "time": 6789},
                {"stimulus": "reference", "score": "100", "comment": None, "time": 6789},
            ],
        }
    ],
}


def body(**changes) -> bytes:
    return b"sessionJSON=" + json.dumps(SESSION | changes).encode()


def trial(kind: str, *responses: object) -> dict:
    return {"trials": [{"id": "t", "type": kind, "responses": list(responses)}]}


RAW = json.dumps(SESSION)


@pytest.mark.parametrize(
    "sent",
    [f"sessionJSON={RAW}", f"sessionJSON={quote(RAW)}", f"sessionJSON={quote_plus(RAW)}", RAW],
)
def test_a_session_is_read_as_sent_and_as_encoded(sent):
    found = parse(sent.encode())
    assert found.test_id == "codecs_1"
    assert str(found.id) == SESSION["uuid"]
    assert found.participant == {"email": "a+b@c.de", "age": "33 % & more"}
    assert [(answer.stimulus, answer.value) for answer in found.trials[0].answers] == [
        ("C1", 47.0),
        ("reference", 100.0),
    ]
    assert found.trials[0].seconds == 6.789


@pytest.mark.parametrize(
    ("kind", "response", "answers"),
    [
        (
            "bs1116",
            {
                "reference": "reference",
                "nonReference": "X",
                "referenceScore": "5",
                "nonReferenceScore": "3.25",
            },
            [("reference", 5.0), ("X", 3.25)],
        ),
        (
            "paired_comparison",
            {"reference": "r", "nonReference": "X", "answer": "correct"},
            [("X", 1.0)],
        ),
        (
            "paired_comparison",
            {"reference": "r", "nonReference": "X", "answer": "incorrect"},
            [("X", 0.0)],
        ),
        ("paired_comparison", {"reference": "r", "nonReference": "X", "answer": "undecided"}, []),
        ("likert_single_stimulus", {"stimulus": "X", "stimulusRating": ["4"]}, [("X", 4.0)]),
        ("likert_multi_stimulus", {"stimulus": "X", "stimulusRating": " 2 "}, [("X", 2.0)]),
        ("likert_multi_stimulus", {"stimulus": "X", "stimulusRating": "NA"}, []),
    ],
)
def test_every_type_of_page_gives_its_judgements(kind, response, answers):
    found = parse(body(**trial(kind, response)))
    assert [(answer.stimulus, answer.value) for answer in found.trials[0].answers] == answers


def test_a_session_without_its_uuid_has_the_same_one_when_sent_again():
    sent = body(uuid=None)
    assert parse(sent).id == parse(sent).id != parse(body(uuid=None, config="other")).id


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (b"", "a session as JSON"),
        (b"sessionJSON=[]", "a session as JSON"),
        (b"sessionJSON={", "a session as JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"sessionJSON=" + b"[" * 100_000, "a session as JSON"),
        (body(testId=3), "expected a testId, found 3"),
        (body(uuid="x"), "expected a UUID"),
        (body(trials=[]), "expected trials"),
        (body(trials=[3]), "expected a trial as a mapping"),
        (body(participant={"name": ["a"], "response": []}), "as many responses as names"),
        (body(**trial("karaoke")), "expected a type among mushra"),
        (body(**trial("mushra", {"stimulus": "C1", "score": "101"})), "from 0 to 100, found '101'"),
        (body(**trial("mushra", {"stimulus": "C1", "score": True})), "found True"),
        (body(**trial("mushra", {"stimulus": "C1", "score": "nan"})), "found 'nan'"),
        (body(**trial("mushra", {"stimulus": "C1"})), "found None"),
        (body(**trial("mushra", {"score": 3})), "the name of a stimulus"),
        (body(**trial("mushra", 3)), "expected a response as a mapping"),
        (
            body(**trial("paired_comparison", {"nonReference": "X", "answer": "maybe"})),
            "found 'maybe'",
        ),
    ],
)
def test_what_is_no_session_is_refused(sent, what):
    with pytest.raises(ExchangeError) as refusal:
        parse(sent)
    assert what in str(refusal.value)


def test_not_a_number_in_json_is_refused():
    with pytest.raises(ExchangeError, match="a session as JSON"):
        parse(body().replace(b'"47"', b"NaN"))
