"""Whole sessions of odd one out, preference and CCR by clicks and keys, and what practice tells."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.browser.listening import expect_heard, expect_saved, open_session, slots_on
from tests.browser.test_accessibility import violations
from tests.factories import choice_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def go_on(page, *, last: bool) -> None:
    page.get_by_role("button", name="Finish" if last else "Next page").click()


def test_the_odd_one_out_is_named_once_all_were_heard(page, live_server):
    session = sessions.start(choice_campaign("triangle", repetitions=2), seed=3)
    open_session(page, live_server, session)
    for number in (1, 2):
        expect(page.get_by_text(f"Page {number} of 2")).to_be_visible()
        expect(page.locator("#transport")).to_be_visible()
        slots = slots_on(session, number)
        for slot in slots:
            expect(page.get_by_role("radio", name="Sound 1")).to_be_disabled()
            page.keyboard.press(slot.label)
            expect_heard(page, slot)
        signals = [slot.stimulus_id for slot in slots]
        odd = next(slot.label for slot in slots if signals.count(slot.stimulus_id) == 1)
        page.get_by_role("radio", name=f"Sound {odd}").check()
        go_on(page, last=number == 2)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert [one.ratings.get().value for one in session.pages.all()] == [1, 1]


def test_a_preference_beside_an_open_reference_survives_a_reload(page, live_server):
    campaign = choice_campaign("preference", options={"reference": True})
    session = sessions.start(campaign)
    open_session(page, live_server, session)
    for key, slot in zip("rab", slots_on(session, 1), strict=True):
        page.keyboard.press(key)
        expect_heard(page, slot)
    page.get_by_role("radio", name="B is better").check()
    page.get_by_role("radio", name="No preference").check()
    expect_saved(page)
    page.reload()
    expect(page.get_by_role("radio", name="No preference")).to_be_checked()
    # what was heard before counts
    go_on(page, last=True)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert session.pages.get().ratings.current().get().value == 0.5


def test_ccr_plays_each_sound_to_its_end_in_turn_and_from_its_beginning(page, live_server):
    session = sessions.start(choice_campaign("ccr"), seed=1)
    open_session(page, live_server, session)
    first, second = slots_on(session, 1)
    buttons = [page.get_by_role("button", name=name, exact=True) for name in ("First", "Second")]
    expect(buttons[1]).to_be_disabled()
    page.keyboard.press("2")
    page.keyboard.press("1")
    expect_heard(page, first)
    expect(buttons[1]).to_be_enabled()
    expect(page.locator(".hear.sounding")).to_have_count(0)
    expect(page.get_by_role("radio", name="Better", exact=True)).to_be_disabled()
    page.keyboard.press("2")
    expect_heard(page, second)
    page.get_by_role("radio", name="Slightly worse").check()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    # once more
    page.get_by_role("button", name="Play", exact=True).click()
    expect_heard(page, second)
    go_on(page, last=True)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    rating = session.pages.get().ratings.get()
    assert rating.value == (-1 if second.stimulus.condition.name == "system one" else 1)


def test_practice_says_right_or_wrong_and_pages_that_count_do_not(page, live_server):
    plan: list[dict] = [{"part": "training", "items": ["tone 1"]}, {"part": "ratings"}]
    campaign = choice_campaign("abx", options={"feedback": True}, plan=plan)
    session = sessions.start(campaign)
    open_session(page, live_server, session)
    a, _, x = slots_on(session, 1)
    right = "A" if x.stimulus == a.stimulus else "B"
    page.keyboard.press("x")
    page.get_by_role("radio", name=f"X is {'AB'.replace(right, '')}").check()
    expect(page.get_by_text("Not right.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("radio", name=f"X is {right}").check()
    expect(page.locator("#told")).to_have_text("Right.")
    page.reload()
    expect(page.locator("#told")).to_have_text("Right.")
    expect(page.locator("#transport")).to_be_visible()
    go_on(page, last=False)
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(page.locator("#transport")).to_be_visible()
    page.keyboard.press("x")
    page.get_by_role("radio", name="X is A").check()
    expect_saved(page)
    expect(page.locator("#told")).to_be_hidden()
