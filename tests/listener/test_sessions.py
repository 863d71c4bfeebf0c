"""A session's order, and answers that are stored once and never changed."""

from __future__ import annotations

import uuid

import pytest

from listening import sessions
from listening.models import Campaign, Listener, Rating, Response, Session
from tests.factories import abx_campaign, mushra_campaign

pytestmark = pytest.mark.django_db


def order(session) -> list[tuple[int, list[str]]]:
    return [
        (
            page.trial.number,
            [slot.stimulus.condition.name if slot.stimulus else "" for slot in page.slots.all()],
        )
        for page in session.pages.all()
    ]


def answer_everything(session) -> None:
    for page in session.pages.all():
        for slot in page.slots.exclude(stimulus=None):
            sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 50})
        sessions.finish(session, page)


def test_every_page_presents_the_open_reference_and_every_condition_once():
    campaign = mushra_campaign(items=3)
    session = sessions.start(campaign)
    names = sorted(campaign.conditions.values_list("name", flat=True))
    assert sorted(number for number, _ in order(session)) == [1, 2, 3]
    for _, (first, *others) in order(session):
        assert first == ""
        assert sorted(others) == names
    labels = [slot.label for slot in session.pages.first().slots.all()]
    assert labels == ["Reference", "1", "2", "3", "4", "5"]


def test_the_same_seed_draws_the_same_order_and_another_seed_another():
    campaign = mushra_campaign(items=4)
    first, again, other = (sessions.start(campaign, seed=seed) for seed in (1, 1, 2))
    assert order(first) == order(again) != order(other)


def test_two_listeners_get_two_codes_and_two_orders():
    campaign = mushra_campaign(items=4)
    alice, bob = sessions.start(campaign), sessions.start(campaign)
    assert alice.listener.code != bob.listener.code
    assert alice.token != bob.token
    assert alice.seed != bob.seed


def test_a_listener_may_come_for_a_second_session_under_the_same_code():
    campaign = mushra_campaign()
    first, second = (sessions.start(campaign, code="alice") for _ in range(2))
    assert first.listener == second.listener
    assert first != second


def test_a_simulated_listener_is_never_taken_for_a_person():
    campaign = mushra_campaign()
    simulated = sessions.start(campaign, simulated=True, code="robot")
    assert simulated.listener.simulated
    assert simulated.consented_at is None
    assert not sessions.start(campaign).listener.simulated
    with pytest.raises(sessions.SessionError, match="expected a human listener 'robot'"):
        sessions.start(campaign, code="robot")
    assert Listener.objects.filter(code="robot").count() == 1


def test_only_an_open_campaign_takes_listeners():
    draft = mushra_campaign(launched=False)
    with pytest.raises(sessions.NotOpen, match="expected an open campaign, found it draft"):
        sessions.start(draft)
    draft.launch(actor="alice")
    draft.close(actor="alice", reason="enough")
    with pytest.raises(sessions.NotOpen, match="found it closed"):
        sessions.start(draft)


def test_a_campaign_that_has_its_listeners_takes_no_more_people():
    campaign = mushra_campaign(items=1, quota=1)
    answer_everything(sessions.start(campaign, simulated=True))
    unfinished = sessions.start(campaign)
    answer_everything(sessions.start(campaign))
    with pytest.raises(sessions.NotOpen, match="has all the 1 listeners it wants"):
        sessions.start(campaign)
    answer_everything(unfinished)


def test_an_answer_sent_again_is_stored_once():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    response_id, body = uuid.uuid4(), {"slot": str(page.slots.last().token), "value": 72}
    first = sessions.respond(session, page, response_id, body)
    assert sessions.respond(session, page, response_id, body) == first
    assert page.ratings.get().value == 72


def test_an_id_used_for_another_answer_is_a_conflict_and_changes_nothing():
    session = sessions.start(mushra_campaign(items=2))
    page, other = session.pages.all()
    response_id, body = uuid.uuid4(), {"slot": str(page.slots.last().token), "value": 72}
    sessions.respond(session, page, response_id, body)
    for where, what in ((page, {**body, "value": 73}), (other, body)):
        with pytest.raises(sessions.Conflict, match="expected a new id for a new answer"):
            sessions.respond(session, where, response_id, what)
    assert Response.objects.get().body == body


def test_a_correction_is_a_new_rating_that_names_the_one_it_supersedes():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    slot = str(page.slots.last().token)
    for value in (10, 20, 30):
        sessions.respond(session, page, uuid.uuid4(), {"slot": slot, "value": value})
    current = page.ratings.current().get()
    assert current.value == 30
    assert current.supersedes.value == 20
    assert current.supersedes.supersedes.value == 10


def test_a_finished_page_takes_no_more_answers_but_confirms_those_it_has():
    session = sessions.start(abx_campaign(repetitions=2))
    page = session.pages.get(number=1)
    response_id = uuid.uuid4()
    sessions.respond(session, page, response_id, {"answer": "A"})
    sessions.finish(session, page)
    with pytest.raises(sessions.PageOver, match="page 1 was finished"):
        sessions.respond(session, page, uuid.uuid4(), {"answer": "B"})
    assert sessions.respond(session, page, response_id, {"answer": "A"}).id == response_id
    sessions.finish(session, page)
    assert session.current_page().number == 2


def test_the_last_page_ends_the_session():
    session = sessions.start(mushra_campaign(items=2))
    answer_everything(session)
    session.refresh_from_db()
    assert session.finished_at is not None
    assert session.current_page() is None


def test_who_is_in_the_middle_when_a_campaign_closes_may_finish():
    campaign = mushra_campaign(items=1)
    session = sessions.start(campaign)
    Campaign.objects.get(pk=campaign.pk).close(actor="alice", reason="enough")
    answer_everything(session)
    session.refresh_from_db()
    assert session.finished_at is not None


def test_pages_out_of_order_lose_nothing_and_end_nothing_early():
    """A late tab or a script may answer and finish page 2 first: it counts, and page 1 is still to come."""
    session = sessions.start(mushra_campaign(items=2))
    for number in (2, 1):
        page = session.pages.get(number=number)
        for slot in sessions.slots_of(page)[1:]:
            sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 50})
        sessions.finish(session, page)
        session.refresh_from_db()
        ahead = session.current_page()
        assert (ahead.number if ahead else None) == (1 if number == 2 else None)
        assert session.ending == ("" if number == 2 else Session.Ending.FINISHED)
    assert Rating.objects.counted().count() == 10


def test_after_the_end_nothing_is_taken_and_what_was_said_is_confirmed():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    said = uuid.uuid4()
    for slot in sessions.slots_of(page)[1:]:
        body = {"slot": str(slot.token), "value": 50}
        sessions.respond(session, page, said if slot.label == "1" else uuid.uuid4(), body)
    sessions.finish(session, page)
    first = {"slot": str(page.slots.get(label="1").token), "value": 50}
    assert sessions.respond(session, page, said, first).pk == said
    with pytest.raises(sessions.PageOver, match="page 1 was finished"):
        sessions.respond(session, page, uuid.uuid4(), first)
    sessions.finish(session, page)
    assert Rating.objects.count() == 5
