"""A listener's way through every part of a plan, as a browser without scripts would go it."""

from __future__ import annotations

import re
import uuid

import pytest
from django.urls import reverse

from listening import evidence, exporting, parts, sessions
from listening.headphones import TESTS, right_answer
from listening.methods import AnswerError
from listening.models import Campaign, Check, Listener, Page, Rating, Response, Session
from tests.factories import WHOLE_PLAN, mushra_campaign

pytestmark = pytest.mark.django_db

Kind = Page.Kind
ABOUT_YOU = {"age": "30", "hearing": "yes", "devices": ["earbuds", "headphones"], "trained": "4"}


@pytest.fixture
def session() -> Session:
    return sessions.start(mushra_campaign(items=3, plan=WHOLE_PLAN), seed=1)


def fill_in(client, session, **form):
    """Send the form of the current page, under the id it came with."""
    page = session.current_page()
    html = client.get(session.get_absolute_url()).content.decode()
    response_id = re.search(r'name="id" value="([^"]+)"', html).group(1)
    url = reverse("answer-part", args=[session.token, page.number])
    reply = client.post(url, {"id": response_id, **form})
    session.refresh_from_db()
    return reply


def check_trials(session, *, wrong: int = 0) -> None:
    """Answer the headphone trials that come next, the first `wrong` of them wrongly."""
    page = session.current_page()
    part = page.part
    while page and page.kind == Kind.HEADPHONES and page.part == part:
        answer = right_answer(page.slots.get().clip.partition("/")[2])
        if wrong:
            answers = TESTS[page.content["test"]].answers
            answer = next(other for other in answers if other != answer)
            wrong -= 1
        sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
        sessions.finish(session, page)
        session.refresh_from_db()
        page = session.current_page()


def rate_page(session) -> None:
    page = session.current_page()
    for slot in page.slots.exclude(stimulus=None):
        sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 50})
    sessions.finish(session, page)
    session.refresh_from_db()


def set_volume(session) -> None:
    page = session.current_page()
    sessions.respond(session, page, uuid.uuid4(), {"volume_db": -9})
    sessions.finish(session, page)


def to_the_volume(client, session) -> None:
    fill_in(client, session, consent="yes")
    fill_in(client, session, **ABOUT_YOU)


def test_the_pages_follow_the_plan(session):
    kinds = [page.kind for page in session.pages.all()]
    assert kinds == [
        Kind.CONSENT,
        Kind.QUESTIONS,
        Kind.VOLUME,
        *[Kind.HEADPHONES] * 10,
        Kind.INSTRUCTIONS,
        Kind.TRAINING,
        Kind.RATING,
        Kind.BREAK,
        Kind.RATING,
        Kind.QUESTIONS,
    ]
    trained = session.pages.get(kind=Kind.TRAINING).trial
    rated = {page.trial for page in session.pages.filter(kind=Kind.RATING)}
    assert trained.item == "tone 1"
    assert {trial.item for trial in rated} == {"tone 2", "tone 3"}


def test_a_whole_way_from_consent_to_the_completion_code(client, session):
    assert session.consented_at is None
    consent = client.get(session.get_absolute_url()).content.decode()
    assert "We store what you answer." in consent
    assert "Version 2026-01" in consent
    to_the_volume(client, session)
    assert session.consented_at is not None
    stored = session.pages.get(number=2).responses.get().body["answers"]
    assert stored == {
        "age": 30,
        "hearing": "yes",
        "devices": ["headphones", "earbuds"],
        "trained": 4,
    }
    set_volume(session)
    assert parts.volume_set(session) == -9
    check_trials(session, wrong=1)
    check_trials(session)
    assert list(session.checks.values_list("test", "right", "trials", "passed")) == [
        ("woods", 5, 6, True),
        ("channels", 4, 4, True),
    ]
    assert "First you practise." in client.get(session.get_absolute_url()).content.decode()
    fill_in(client, session)
    practice = client.get(session.get_absolute_url()).content.decode()
    assert "Its answers are not counted." in practice
    assert "Hear the worst and the best." in practice
    rate_page(session)
    rate_page(session)
    assert "Rest your ears." in client.get(session.get_absolute_url()).content.decode()
    fill_in(client, session)
    rate_page(session)
    fill_in(client, session, comment="Good\r\ntest")
    assert session.ending == Session.Ending.FINISHED
    assert session.finished_at is not None
    assert session.pages.last().responses.get().body == {"answers": {"comment": "Good\ntest"}}
    end = client.get(session.get_absolute_url()).content.decode()
    assert "DONE1" in end
    assert 'href="https://example.org/complete?cc=DONE1"' in end


def test_who_does_not_consent_is_thanked_and_the_refusal_is_stored(client, session):
    fill_in(client, session, consent="no")
    assert session.ending == Session.Ending.REFUSED
    assert session.consented_at is None
    assert session.finished_at is None
    assert session.pages.first().responses.get().body == {"consent": False}
    assert session.pages.first().content["version"] == "2026-01"
    end = client.get(session.get_absolute_url()).content.decode()
    assert "You did not agree to take part." in end
    assert "NO1" in end
    assert "DONE1" not in end


def test_a_decision_must_be_made(client, session):
    shown = fill_in(client, session)
    assert shown.status_code == 200
    assert not Response.objects.exists()


def test_an_answer_that_screens_out_ends_the_session(client, session):
    fill_in(client, session, consent="yes")
    fill_in(client, session, **ABOUT_YOU | {"hearing": "no"})
    assert session.ending == Session.Ending.SCREENED_OUT
    end = client.get(session.get_absolute_url()).content.decode()
    assert "Your set-up does not fit." in end
    assert "OUT1" in end


def test_who_fails_the_headphone_check_is_screened_out_after_its_last_trial(client, session):
    to_the_volume(client, session)
    set_volume(session)
    check_trials(session, wrong=2)
    assert session.ending == Session.Ending.SCREENED_OUT
    check = Check.objects.get()
    assert (check.right, check.passed) == (4, False)
    late = session.pages.get(kind=Kind.INSTRUCTIONS)
    rating = session.pages.filter(kind=Kind.RATING).first()
    sessions.finish(session, late)
    slot = rating.slots.exclude(stimulus=None).first()
    with pytest.raises(sessions.PageOver, match="the session is over"):
        sessions.respond(session, rating, uuid.uuid4(), {"slot": str(slot.token), "value": 1})


def test_a_failed_check_that_only_flags_lets_the_listener_go_on(client, session):
    to_the_volume(client, session)
    set_volume(session)
    check_trials(session)
    check_trials(session, wrong=1)
    assert session.ending == ""
    assert session.current_page().kind == Kind.INSTRUCTIONS
    assert session.checks.filter(passed=False).get().test == "channels"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"age": ""}, "Please answer this question."),
        ({"age": "seventeen"}, "Please give a number from 18 to 99."),
        ({"age": "17"}, "Please give a number from 18 to 99."),
        ({"age": "30.5"}, "Please give a whole number from 18 to 99."),
        ({"age": "nan"}, "Please give a number from 18 to 99."),
        ({"hearing": "perhaps"}, "Please choose among the answers shown."),
        ({"devices": []}, "Please answer this question."),
        ({"trained": "6"}, "Please give a number from 1 to 5."),
    ],
)
def test_an_answer_that_does_not_fit_is_shown_again_with_the_rest(client, session, change, problem):
    fill_in(client, session, consent="yes")
    again = fill_in(client, session, **ABOUT_YOU | change)
    html = again.content.decode()
    assert again.status_code == 422
    assert problem in html
    assert "One answer needs another look:" in html
    (name,) = change
    assert f'id="ask-{name}-problem"' in html
    assert f'href="#ask-{name}"' in html
    if name != "age":
        assert 'value="30"' in html
    assert not session.pages.get(number=2).responses.exists()


def test_a_form_sent_twice_is_one_answer(client, session):
    url = reverse("answer-part", args=[session.token, 1])
    form = {"id": str(uuid.uuid4()), "consent": "yes"}
    for _ in range(2):
        assert client.post(url, form)["Location"] == session.get_absolute_url()
    # from the page that the browser's back button shows
    client.post(url, {"id": str(uuid.uuid4()), "consent": "no"})
    session.refresh_from_db()
    assert (session.ending, Response.objects.count()) == ("", 1)


def test_a_part_with_no_answer_is_not_skipped(client, session):
    page = session.pages.first()
    refusal = client.post(reverse("finish-page", args=[session.token, page.number]))
    assert refusal.status_code == 409
    assert "found none to Consent" in refusal.json()["error"]
    assert client.post(reverse("answer-part", args=[session.token, 3])).status_code == 404


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        (Kind.CONSENT, {"consent": "yes"}, "expected consent to be true or false, found 'yes'"),
        (Kind.VOLUME, {"volume_db": 3}, "expected a volume from -40 to 0 dB, found 3"),
        (Kind.VOLUME, {"volume_db": float("nan")}, "found nan"),
        (Kind.VOLUME, {"volume_db": True}, "found True"),
        (Kind.HEADPHONES, {"answer": "4"}, "expected one of 1, 2, 3, found '4'"),
        (Kind.QUESTIONS, {"answers": {"name": 1}}, "expected answers to age, hearing"),
        (Kind.BREAK, {"answer": 1}, "expected no answer to a page of Break, found one"),
    ],
)
def test_an_answer_of_another_kind_is_refused(session, kind, body, problem):
    page = session.pages.filter(kind=kind).first()
    with pytest.raises(AnswerError, match=re.escape(problem)):
        sessions.respond(session, page, uuid.uuid4(), body)
    assert not Response.objects.exists()


def test_training_is_stored_but_never_counted_and_the_export_says_how_much(client, session):
    campaign = session.campaign
    for page in session.pages.filter(trial__isnull=False).exclude(kind=Kind.VOLUME):
        for slot in page.slots.exclude(stimulus=None):
            sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 50})
    assert Rating.objects.count() == 3 * 5
    frame = evidence.ratings_frame(campaign)
    assert len(frame) == 2 * 5
    assert set(frame["item"]) == {"tone 2", "tone 3"}
    left_out = {"training": 5, "control questions": 0, "screened out or not consented": 0}
    assert evidence.left_out(campaign) == left_out
    assert exporting.about(campaign)["ratings left out"].startswith("5 training;")


@pytest.mark.parametrize("ending", [Session.Ending.SCREENED_OUT, Session.Ending.REFUSED])
def test_ratings_of_who_was_turned_away_are_not_counted(ending):
    campaign = mushra_campaign(items=1)
    kept, turned_away = sessions.start(campaign), sessions.start(campaign)
    rate_page(kept)
    page = turned_away.pages.get()
    slot = page.slots.exclude(stimulus=None).first()
    sessions.respond(turned_away, page, uuid.uuid4(), {"slot": str(slot.token), "value": 1})
    turned_away.end(ending)
    assert set(evidence.ratings_frame(campaign)["session"]) == {str(kept.token)}
    assert evidence.left_out(campaign)["screened out or not consented"] == 1


def test_a_simulated_listener_gets_the_rating_pages_alone(session):
    simulated = sessions.start(session.campaign, simulated=True, seed=1)
    assert {page.kind for page in simulated.pages.all()} == {Kind.RATING}
    shown = [page.trial for page in session.pages.filter(kind=Kind.RATING)]
    assert [page.trial for page in simulated.pages.all()] == shown


# recruited listeners


def test_a_recruiters_link_is_kept_and_leads_back_to_the_same_session(client):
    campaign = mushra_campaign(plan=WHOLE_PLAN)
    link = "/t/tones/?PROLIFIC_PID=5f1c0ffee&STUDY_ID=study-1&SESSION_ID=visit_1"
    assert "Start the test" in client.get(link).content.decode()
    first = client.post(link)["Location"]
    session = campaign.sessions.get()
    assert session.listener.external_code == "5f1c0ffee"
    assert session.listener.code != "5f1c0ffee"
    assert session.external == {"STUDY_ID": "study-1", "SESSION_ID": "visit_1"}
    assert client.get(link)["Location"] == client.post(link)["Location"] == first
    campaign.close(actor="alice", reason="enough")
    assert client.get(link)["Location"] == first
    assert Listener.objects.count() == 1


@pytest.mark.parametrize("code", ["", "a b", "x" * 65, "<script>", "é"])
def test_a_damaged_recruiters_link_says_so(client, code):
    mushra_campaign()
    reply = client.post(f"/t/tones/?PROLIFIC_PID={code}")
    assert reply.status_code == 400
    assert "This link is damaged" in reply.content.decode()
    assert not Session.objects.exists()


def test_the_invitation_counts_every_page_and_leaves_consent_to_its_own(client):
    mushra_campaign(items=3, plan=WHOLE_PLAN)
    html = client.get("/t/tones/").content.decode()
    assert "There are 19 pages" in html
    assert "By starting you agree" not in html
    Campaign.objects.update(plan=[{"part": "ratings"}])
    assert "By starting you agree" in client.get("/t/tones/").content.decode()
