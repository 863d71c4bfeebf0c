"""Two tabs, late answers, sounds that do not decode, clocks that are wrong: each is answered and loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from listening import sessions
from listening.alerts import alerts
from listening.models import Response
from listening.timeline import events
from tests.browser.listening import expect_saved, kept, open_session, rate
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    return sessions.start(mushra_campaign(items=2))


def stored(session, number: int) -> dict[str, float]:
    page = session.pages.get(number=number)
    labels = {slot.stimulus_id: slot.label for slot in page.slots.all()}
    return {labels[one.stimulus_id]: one.value for one in page.ratings.current()}


def test_two_tabs_share_one_session(page, live_server, session):
    open_session(page, live_server, session)
    other = page.context.new_page()
    open_session(other, live_server, session)
    for label in "123":
        rate(page, label, 10 * int(label))
        expect_saved(page)
    for label in "45":
        rate(other, label, 10 * int(label))
        expect_saved(other)
    assert stored(session, 1) == {label: 10.0 * int(label) for label in "12345"}
    # neither tab has all five; a reload knows what the other one said
    expect(page.locator("#next")).to_be_disabled()
    page.reload()
    page.get_by_role("button", name="Next page").click()
    expect(page).to_have_title("Page 2 of 2 · Tones by mushra")
    # what the tab left behind still says is refused in words, and kept no longer
    rate(other, "1", 99)
    expect(other.get_by_role("alert")).to_contain_text("page 1 was finished")
    expect_saved(other)
    assert kept(other) == {"IndexedDB": [], "localStorage": []}
    assert stored(session, 1)["1"] == 10
    other.reload()
    expect(other).to_have_title("Page 2 of 2 · Tones by mushra")


def test_a_tab_that_finishes_again_what_is_finished_goes_on(page, live_server, session):
    open_session(page, live_server, session)
    for label in "12345":
        rate(page, label, 50)
    expect(page.locator("#next")).to_be_enabled()
    other = page.context.new_page()
    open_session(other, live_server, session)
    for tab in (page, other):
        tab.get_by_role("button", name="Next page").click()
        expect(tab).to_have_title("Page 2 of 2 · Tones by mushra")
    assert Response.objects.count() == 5


def test_a_sound_that_does_not_decode_is_owned_up_to(page, live_server, session):
    page.route("**/audio/*.wav", lambda route: route.fulfill(body=b"RIFF but no sound"))
    page.goto(live_server.url + session.get_absolute_url())
    expect(page.locator("#loading-text")).to_have_text(
        "The sounds could not be loaded. Your answers are safe."
    )
    page.unroute("**/audio/*.wav")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#transport")).to_be_visible()


def test_a_sound_that_one_browser_cannot_load_is_an_alert_at_once(page, live_server, session):
    """The listener is stuck and stays on the page: the researcher hears of it all the same, and which sound it is."""
    slot = session.pages.get(number=1).slots.get(label="2")
    page.route(f"**/audio/{slot.token}.wav", lambda route: route.abort())
    with page.expect_response("**/visit/"):
        page.goto(live_server.url + session.get_absolute_url())
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    (sentence,) = alerts(session.campaign)
    assert sentence.startswith(
        f"{slot.stimulus}: could not be loaded by the browsers of 1 listener"
    )
    page.unroute(f"**/audio/{slot.token}.wav")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#transport")).to_be_visible()
    troubles = [note for event in events(session) if event.trouble for note in event.notes]
    assert "not loaded at the first try: 2" in troubles


@pytest.mark.parametrize("year", [1980, 2090])
def test_a_clock_that_is_wrong_changes_nothing(page, live_server, session, year):
    page.clock.set_fixed_time(f"{year}-01-01T00:00:00Z")
    open_session(page, live_server, session)
    page.context.set_offline(True)
    for value in (10, 20):
        rate(page, "1", value)
    page.context.set_offline(False)
    expect_saved(page)
    assert stored(session, 1) == {"1": 20}
    assert list(Response.objects.values_list("body__value", flat=True)) == [10, 20]
    assert abs(Response.objects.last().received_at - now()) < timedelta(minutes=5)
