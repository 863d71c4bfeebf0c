"""A whole ABX session: what is played as X is what the server drew, and what is answered is what it stores."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.browser.listening import expect_heard, expect_saved, open_session, slots_on
from tests.factories import abx_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_by_clicks_and_keys_stores_what_was_answered(page, live_server):
    session = sessions.start(abx_campaign(repetitions=3), seed=3)
    open_session(page, live_server, session)
    answers = []
    for number in (1, 2, 3):
        expect(page.get_by_text(f"Page {number} of 3")).to_be_visible()
        expect(page.locator("#transport")).to_be_visible()
        expect(page.get_by_role("radio", name="X is A")).to_be_disabled()
        slots = slots_on(session, number)
        for slot in slots:
            if number == 1:
                page.get_by_role("button", name=f"Play {slot.label}").click()
            else:
                page.keyboard.press(slot.label.lower())
            expect_heard(page, slot)
        a, _, x = slots
        # right on pages 1 and 2, wrong on 3
        right = "A" if x.stimulus == a.stimulus else "B"
        answer = right if number < 3 else "AB".replace(right, "")
        answers.append(answer)
        page.get_by_role("radio", name=f"X is {answer}").check()
        page.get_by_role("button", name="Finish" if number == 3 else "Next page").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    stored = [one.ratings.current().get() for one in session.pages.all()]
    assert [rating.value for rating in stored] == [1, 1, 0]
    assert [rating.detail["answer"] for rating in stored] == answers


def test_x_must_be_heard_before_it_can_be_named(page, live_server):
    session = sessions.start(abx_campaign(repetitions=1))
    open_session(page, live_server, session)
    for key in "ab":
        page.keyboard.press(key)
        expect(page.locator(".hear.sounding")).to_have_text(key.upper())
        expect(page.get_by_role("radio", name="X is B")).to_be_disabled()
    page.keyboard.press("x")
    expect(page.get_by_role("radio", name="X is B")).to_be_enabled()


def test_the_answer_can_be_changed_until_the_page_is_left_and_survives_a_reload(page, live_server):
    session = sessions.start(abx_campaign(repetitions=1))
    open_session(page, live_server, session)
    page.keyboard.press("x")
    page.get_by_role("radio", name="X is A").check()
    page.get_by_role("radio", name="X is B").check()
    expect_saved(page)
    page.reload()
    expect(page.get_by_role("radio", name="X is B")).to_be_checked()
    expect(page.get_by_role("button", name="Finish")).to_be_enabled()
    ratings = session.pages.get().ratings
    assert [rating.detail["answer"] for rating in ratings.all()] == ["A", "B"]
    assert ratings.current().get().detail["answer"] == "B"
