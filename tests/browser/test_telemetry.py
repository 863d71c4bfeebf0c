"""A visit as Chromium tells it: what was heard, how the volume moved, and that leaving loses nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from listening.models import Visit
from tests.browser.listening import expect_heard, expect_saved, open_session, slots_on
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def rate(page, label: str) -> None:
    page.keyboard.press(label)
    expect(page.locator(f'.fader input[data-label="{label}"]')).to_be_focused()
    page.keyboard.press("PageUp")


def wait_for_visit(page, count: int = 1) -> dict:
    for _ in range(300):
        if Visit.objects.count() == count:
            return Visit.objects.last().body
        page.wait_for_timeout(100)
    raise AssertionError(f"expected {count} visits, found {Visit.objects.count()}")


def test_what_was_heard_is_told_in_seconds(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    for label in "12345":
        rate(page, label)
    page.keyboard.press("2")
    expect_heard(page, slots_on(session, 1)[2])
    # an excerpt lasts a second: after more than one, its end was heard
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    body = wait_for_visit(page)
    assert body["heard"]["2"] > 1.4
    assert body["heard"]["Reference"] == 0
    assert sum(body["heard"].values()) <= body["open_s"] + 0.1
    assert "2" in body["ended"]
    assert body["device_rate"] >= 8000
    assert body["hidden_s"] == 0


def test_leaving_by_another_way_is_told_too(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    rate(page, "3")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    assert wait_for_visit(page)["heard"]["3"] > 0.1
    open_session(page, live_server, session)
    slot = page.evaluate("JSON.parse(document.querySelector('#for-player').textContent).slots[3]")
    assert slot["heard"] is True


def test_an_answer_that_could_not_be_sent_leaves_with_the_page(page, live_server):
    """Answers fail, but what is sent on leaving arrives."""
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    page.route("**/responses/", lambda route: route.abort())
    rate(page, "4")
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    page.goto("about:blank")
    wait_for_visit(page)
    assert session.pages.get().ratings.get().value == 10


def test_once_rating_has_started_the_volume_moves_by_four_decibels_at_most(page, live_server):
    session = sessions.start(mushra_campaign(items=2))
    open_session(page, live_server, session)
    volume = page.get_by_role("slider", name="Volume")
    volume.fill("-20")
    rate(page, "1")
    expect(volume).to_have_attribute("min", "-24")
    expect(volume).to_have_attribute("max", "-16")
    volume.focus()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    expect(volume).to_have_value("-16")
    expect_saved(page)
    page.reload()
    expect(volume).to_have_attribute("max", "-16")
    assert wait_for_visit(page)["volume"][-1][1] == -16


def test_a_page_that_must_be_heard_says_so_and_opens_when_it_was(page, live_server):
    plan = [{"part": "ratings", "gates": {"listen": True}}]
    session = sessions.start(mushra_campaign(items=1, plan=plan))
    open_session(page, live_server, session)
    for label in "12345":
        rate(page, label)
    expect(page.locator("#saved")).to_have_text("Listen to every sound before you go on")
    expect(page.locator("#next")).to_be_disabled()
    page.keyboard.press("r")
    expect(page.locator("#next")).to_be_enabled()
    page.locator("#next").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_the_next_pages_sounds_are_there_before_it_is_opened(page, live_server):
    session = sessions.start(mushra_campaign(items=2))
    open_session(page, live_server, session)
    ahead = {str(slot.token) for slot in slots_on(session, 2)}
    page.wait_for_function(
        "(count) => performance.getEntriesByType('resource')"
        ".filter(({name}) => name.endsWith('.wav')).length === count",
        arg=2 * len(ahead),
    )
    for label in "12345":
        rate(page, label)
    page.get_by_role("button", name="Next page").click()
    expect(page).to_have_title("Page 2 of 2 · Tones by mushra")
    expect(page.locator("#transport")).to_be_visible()
    sent = page.evaluate(
        "performance.getEntriesByType('resource').filter(({name}) => name.endsWith('.wav'))"
        ".map(({name, transferSize}) => [name.slice(-40, -4), transferSize])"
    )
    assert dict(sent) == dict.fromkeys(ahead, 0)
