"""Digits in noise in a real browser: heard once, typed, and the next one is as loud as the answer says."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.browser.listening import expect_saved
from tests.browser.test_accessibility import violations
from tests.listener.test_digits import with_digits

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_triplet_is_heard_once_and_typed(browser, live_server):
    session = sessions.start(with_digits(synthetic=True))
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(live_server.url + session.get_absolute_url())
    typed = page.get_by_role("textbox", name="Three digits")
    expect(typed).to_be_disabled()
    play = page.get_by_role("button", name="Play once")
    play.click()
    expect(play).to_be_disabled()
    expect(typed).to_be_focused()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.type("x4a")
    expect(typed).to_have_value("4")
    expect(page.locator("#next")).to_be_disabled()
    said = session.pages.get(number=1).slots.get().clip.removeprefix("digits/")[:3]
    typed.fill(said)
    expect_saved(page)
    expect(page.locator("#next")).to_be_enabled()
    page.reload()
    expect(typed).to_have_value(said)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("2 / 24")).to_be_visible()
    expect(page.get_by_role("button", name="Play once")).to_be_enabled()
    assert session.pages.get(number=2).slots.get().clip.endswith("@-2")
    context.close()
