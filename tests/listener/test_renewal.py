"""Parts that expire are done again before the next rating page, which nobody has begun; their first attempt stays."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils.timezone import now

from listening import sessions
from listening.headphones import right_answer
from listening.models import Page, Response, Session
from listening.parts import volume_set
from listening.renewal import renew
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db

Kind = Page.Kind
PLAN: list[dict] = [
    {"part": "volume", "expires_min": 30},
    {"part": "headphones", "test": "channels", "expires_min": 60},
    {"part": "training", "items": ["tone 1"], "expires_min": 60},
    {"part": "ratings"},
]


def body_for(page: Page, slot) -> dict:
    if page.kind == Kind.VOLUME:
        return {"volume_db": -10 * page.attempt}
    if page.kind == Kind.HEADPHONES:
        return {"answer": right_answer(slot.clip.partition("/")[2])}
    return {"slot": str(slot.token), "value": 50}


def do(session: Session, page: Page) -> None:
    for slot in sessions.slots_of(page):
        if slot.stimulus or not page.is_judged:
            sessions.respond(session, page, uuid.uuid4(), body_for(page, slot))
    sessions.finish(session, page)


def do_until(session: Session, kind: Page.Kind) -> None:
    while (page := session.current_page()) and page.kind != kind:
        do(session, page)


def later(session: Session, minutes: float) -> None:
    """As if everything finished so far had been finished so many minutes earlier."""
    done = session.pages.exclude(finished_at=None)
    done.update(finished_at=F("finished_at") - timedelta(minutes=minutes))


def way(session: Session) -> list[str]:
    return [page.kind for page in session.pages_ahead()]


@pytest.fixture
def session():
    session = sessions.start(mushra_campaign(items=2, plan=PLAN))
    do_until(session, Kind.RATING)
    return session


def test_while_a_part_holds_nothing_is_done_again(session):
    later(session, 29)
    renew(session)
    assert way(session) == ["rating", "rating"]


def test_what_expired_comes_before_the_next_rating_page_and_then_that(client, session):
    later(session, 31)
    html = client.get(session.get_absolute_url()).content.decode()
    assert "Set a comfortable volume" in html
    assert "Page 7 of 9" in html
    assert way(session) == ["volume", "rating", "rating"]
    client.get(session.get_absolute_url())
    assert way(session) == ["volume", "rating", "rating"]
    page = session.current_page()
    do(session, page)
    assert page.attempt == 2
    assert volume_set(session) == -20
    assert volume_set(session, at=now() - timedelta(minutes=30)) == -10
    assert Response.objects.filter(page__kind=Kind.VOLUME).count() == 2
    renew(session)
    assert way(session) == ["rating", "rating"]


def test_several_parts_expire_in_their_order_with_checks_drawn_anew(session):
    first = list(session.pages.filter(kind=Kind.HEADPHONES).values_list("slots__clip", flat=True))
    for _ in range(3):
        later(session, 61)
        renew(session)
        assert way(session) == [
            *["volume", *["headphones"] * 4, "training"],
            *["rating", "rating"],
        ]
        do_until(session, Kind.RATING)
    assert list(session.checks.values_list("attempt", "right")) == [(1, 4), (2, 4), (3, 4), (4, 4)]
    drawn = [
        [page.slots.get().clip for page in session.pages.filter(kind=Kind.HEADPHONES, attempt=n)]
        for n in (2, 3, 4)
    ]
    assert any(clips != first for clips in drawn)


def test_who_is_in_the_middle_of_a_page_finishes_it_first(session):
    page = session.current_page()
    slot = sessions.slots_of(page)[1]
    sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 1})
    later(session, 31)
    renew(session)
    assert way(session) == ["rating", "rating"]
    do(session, page)
    renew(session)
    assert way(session) == ["volume", "rating"]


def test_a_repeated_check_can_still_screen_out():
    plan: list[dict] = [
        {"part": "headphones", "test": "channels", "on_fail": "screen out", "expires_min": 30},
        {"part": "ratings"},
    ]
    session = sessions.start(mushra_campaign(items=2, plan=plan))
    do_until(session, Kind.RATING)
    later(session, 31)
    renew(session)
    while (page := session.current_page()) and page.kind == Kind.HEADPHONES:
        right = right_answer(page.slots.get().clip.partition("/")[2])
        wrong = next(one for one in ("left", "right") if one != right)
        sessions.respond(session, page, uuid.uuid4(), {"answer": wrong})
        sessions.finish(session, page)
        session.refresh_from_db()
    assert session.ending == Session.Ending.SCREENED_OUT


def test_a_session_that_is_over_stays_over(session):
    while page := session.current_page():
        do(session, page)
        session.refresh_from_db()
    later(session, 99)
    renew(session)
    assert session.current_page() is None
    assert session.ending == Session.Ending.FINISHED
