"""A session that stops by Wald's test: when, what is left out, what nobody is told, and what the analysis says."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from listening import evidence, sessions
from listening.models import Session
from listening.models.campaign import CampaignError
from tests.factories import choice_campaign

pytestmark = pytest.mark.django_db

SEQUENTIAL = {"sequential": True}
PLAN: list[dict] = [
    {"part": "ratings", "break_every": 5},
    {"part": "instructions", "title": "The end", "text": "Nearly done."},
]


def answer(page, *, right: bool) -> None:
    slots = {slot.label: slot.stimulus_id for slot in page.slots.all()}
    x = "A" if slots["X"] == slots["A"] else "B"
    said = x if right else "AB".replace(x, "")
    sessions.respond(page.session, page, uuid.uuid4(), {"answer": said})


def sit(session: Session, answers: list[bool]) -> int:
    """Answer until the rating pages are over; how many answers that took."""
    given = 0
    while (page := session.current_page()) and page.kind in ("rating", "break"):
        if page.kind == "rating":
            answer(page, right=answers[given])
            given += 1
        sessions.finish(session, page)
    return given


def test_it_stops_at_the_first_answer_outside_walds_bounds():
    # log((1 − β)/α) / log(p1/½) = 7.1 right answers in a row, log(β/(1 − α)) / log((1 − p1)/½) = 3.2 wrong ones
    campaign = choice_campaign("abx", repetitions=30, options=SEQUENTIAL)
    assert sit(sessions.start(campaign), [True] * 30) == 8
    assert sit(sessions.start(campaign), [False] * 30) == 4


def test_without_a_decision_it_goes_on_to_the_maximum():
    campaign = choice_campaign("abx", repetitions=10, options=SEQUENTIAL)
    session = sessions.start(campaign)
    assert sit(session, [True, True, False] * 4) == 10
    session.refresh_from_db()
    assert session.ending == Session.Ending.FINISHED


def test_a_fixed_number_of_trials_stays_fixed():
    assert sit(sessions.start(choice_campaign("abx", repetitions=12)), [True] * 12) == 12


def test_what_is_left_out_is_kept_in_its_order_and_the_rest_of_the_plan_follows():
    campaign = choice_campaign("abx", repetitions=30, options=SEQUENTIAL, plan=PLAN)
    session, twin = (sessions.start(campaign, seed=5) for _ in range(2))

    def order(one: Session) -> list[list[int | None]]:
        return [[slot.stimulus_id for slot in page.slots.all()] for page in one.pages.all()]

    sit(session, [True] * 30)
    assert order(session) == order(twin)
    page = session.current_page()
    assert page.kind == "instructions"
    assert set(session.pages.filter(left_out=True).values_list("kind", flat=True)) == {
        "rating",
        "break",
    }
    assert session.shown.count() == page.place == 8 + 1 + 1
    with pytest.raises(sessions.PageOver):
        answer(session.pages.filter(left_out=True, kind="rating").first(), right=True)


def test_the_browser_is_told_alike_which_way_it_was_decided():
    """Every reply of a session that ends in 'heard' is that of one that ends in 'not heard', but for tokens."""
    client, replies = Client(), {}
    # p1 halfway in both directions: four right or four wrong answers decide
    options = {"sequential": True, "p1": 0.95, "alpha": 0.1, "beta": 0.0002}
    campaign = choice_campaign("abx", repetitions=12, options=options)
    for right in (True, False):
        session = sessions.start(campaign, seed=8)
        found = []
        while page := session.current_page():
            slots = {slot.label: slot.stimulus_id for slot in page.slots.all()}
            x = "A" if slots["X"] == slots["A"] else "B"
            response_id, said = str(uuid.uuid4()), x if right else "AB".replace(x, "")
            body = {"id": response_id, "page": page.number, "answer": said}
            for url, content in (
                (reverse("responses", args=[session.token]), json.dumps(body)),
                (reverse("finish-page", args=[session.token, page.number]), ""),
            ):
                reply = client.post(url, content, content_type="application/json")
                shown = reply.content.decode().replace(response_id, "")
                found.append((reply.status_code, shown.replace(str(session.token), "")))
        last = client.get(session.get_absolute_url()).content.decode()
        for secret in (str(session.token), session.listener.code):
            last = last.replace(secret, "")
        replies[right] = (found, last)
    assert len(replies[True][0]) == len(replies[False][0])
    assert replies[True] == replies[False]


def test_the_listener_reads_that_there_may_be_fewer_pages():
    client = Client()
    campaign = choice_campaign("abx", repetitions=9, options=SEQUENTIAL)
    invitation = client.get(reverse("welcome", args=[campaign.slug])).content.decode()
    assert "There are at most 9 pages." in invitation
    session = sessions.start(campaign)
    assert "Page 1 of at most 9" in client.get(session.get_absolute_url()).content.decode()


def test_the_analysis_follows_the_test_that_stopped_and_says_what_does_not_hold():
    options = {"sequential": True, "p1": 0.9, "alpha": 0.05, "beta": 0.05}
    campaign = choice_campaign("abx", repetitions=20, options=options)
    hears, guesses = (sessions.start(campaign, code=code) for code in ("hears", "guesses"))
    taken = sit(hears, [True] * 20), sit(guesses, [True, False] * 10)
    found = campaign.protocol.analyse(evidence.ratings_frame(campaign), screening="none")
    results = found.as_dict()
    rows = {row["listener"]: row for row in results["listeners_by_pair"]}
    decided = {who: (row["sprt_decision"], row["sprt_stop"]) for who, row in rows.items()}
    assert decided == {"hears": ("heard", taken[0]), "guesses": ("not heard", taken[1])}
    assert results["sequential_test"] == {
        "chance": 0.5,
        "alternative": 0.9,
        "alpha": 0.05,
        "beta": 0.05,
    }
    assert "of a fixed number of trials do not hold" in results["caveats"][0]
    text = found.to_text()
    assert "Sequential test of 0.5 against 0.9" in text
    assert "not heard" in text


def test_practice_does_not_count_towards_the_decision():
    plan: list[dict] = [{"part": "training", "items": ["tone 1"]}, {"part": "ratings"}]
    campaign = choice_campaign("abx", repetitions=30, options=SEQUENTIAL, plan=plan)
    session = sessions.start(campaign)
    practice = session.pages.get(kind="training")
    answer(practice, right=False)
    sessions.finish(session, practice)
    assert sit(session, [False] * 30) == 4


def test_too_few_pages_to_find_anybody_are_refused():
    with pytest.raises(
        CampaignError, match=r"expected 8 pages \(items × repetitions\) or more, .* found 7"
    ):
        choice_campaign("abx", repetitions=7, options=SEQUENTIAL)
    # what is only practised with does not count
    plan: list[dict] = [{"part": "training", "items": ["tone 1"], "rated": False}]
    with pytest.raises(CampaignError, match="without which .* found 7"):
        choice_campaign(
            "abx",
            slug="other",
            items=2,
            repetitions=7,
            options=SEQUENTIAL,
            plan=[*plan, {"part": "ratings"}],
        )
