"""Where answers wait: in IndexedDB, else in localStorage, else in the page, which says so and asks before it goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.browser.listening import expect_saved, kept, open_session, rate
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)

# as browsers deny it: the property itself throws; or a database fails to open, or never answers
NO_DATABASE = {
    "denied": """Object.defineProperty(window, "indexedDB",
      { get() { throw new DOMException("denied", "SecurityError"); } });""",
    "fails": "IDBFactory.prototype.open = () => { throw new DOMException('no', 'InvalidStateError'); };",
    "hangs": "IDBFactory.prototype.open = () => ({});",
}
NO_LOCAL = """Object.defineProperty(window, "localStorage",
  { get() { throw new DOMException("denied", "SecurityError"); } });"""
FULL = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };"


def stored(session) -> list[float]:
    return list(session.pages.get().ratings.values_list("value", flat=True))


@pytest.fixture
def session():
    return sessions.start(mushra_campaign(items=1))


def test_an_answer_waits_in_the_database_of_the_browser(page, live_server, session):
    open_session(page, live_server, session)
    page.context.set_offline(True)
    rate(page, "1", 10)
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    assert kept(page) == {"IndexedDB": [10], "localStorage": []}
    expect(page.get_by_role("note")).to_have_count(0)
    page.context.set_offline(False)
    expect_saved(page)
    assert kept(page) == {"IndexedDB": [], "localStorage": []}


@pytest.mark.parametrize("how", NO_DATABASE)
def test_without_a_database_local_storage_keeps_what_waits(page, live_server, session, how):
    page.add_init_script(NO_DATABASE[how])
    open_session(page, live_server, session)
    page.context.set_offline(True)
    rate(page, "1", 10)
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    context = page.context
    page.close()
    context.set_offline(False)
    # the database is back: what waits beside it is found all the same
    again = context.new_page()
    open_session(again, live_server, session)
    expect(again.locator('.fader input[data-label="1"]')).to_have_value("10")
    expect_saved(again)
    assert stored(session) == [10]
    assert kept(again) == {"IndexedDB": [], "localStorage": []}


def test_a_database_that_is_full_is_no_loss(page, live_server, session):
    page.add_init_script(FULL)
    open_session(page, live_server, session)
    page.context.set_offline(True)
    rate(page, "1", 10)
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    assert kept(page) == {"IndexedDB": [], "localStorage": [10]}
    page.context.set_offline(False)
    expect_saved(page)
    assert stored(session) == [10]


def test_a_browser_that_denies_everything_can_take_part_and_is_told_to_stay(page, live_server):
    """No database, no local storage and no cookie."""
    campaign = mushra_campaign(items=1)
    page.add_init_script(NO_DATABASE["denied"] + NO_LOCAL)

    def without_cookies(route):
        reply = route.fetch()
        headers = {name: value for name, value in reply.headers.items() if name != "set-cookie"}
        route.fulfill(response=reply, headers=headers)

    page.route("**/t/tones/", without_cookies)
    page.route("**/s/*/", without_cookies)
    page.goto(f"{live_server.url}/t/tones/")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator("#transport")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text("This browser keeps nothing for this site.")
    rate(page, "1", 10)
    expect_saved(page)
    page.context.set_offline(True)
    rate(page, "2", 20)
    expect(page.locator("#saved")).to_have_text("Not sent yet, please keep this page open: 1")
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.close(run_before_unload=True)
    expect(page.locator("#saved")).to_have_attribute("data-state", "offline")
    page.context.set_offline(False)
    expect_saved(page)
    assert asked == ["beforeunload"]
    assert stored(campaign.sessions.get()) == [10, 20]
    assert page.context.cookies() == []
