"""No answer is lost: not by a reload, a pulled network, a server in trouble, a lost reply or a full disk."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from listening import sessions
from listening.models import Response
from tests.browser.listening import expect_saved, kept, open_session, rate
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    return session


def shown(page) -> list[str | None]:
    sliders = page.locator(".fader input").all()
    return [slider.get_attribute("aria-valuetext") for slider in sliders]


def stored() -> list[float]:
    return [
        rating.value for response in Response.objects.all() for rating in response.ratings.all()
    ]


def order(page) -> str | None:
    """What the page says to the player, less what the listener did."""
    text = page.locator("#for-player").text_content()
    return re.sub(r'"(answer|heard|ended)": \w+', "", text)


def test_a_reload_in_the_middle_of_a_page_restores_order_and_answers(page, live_server, session):
    before = order(page)
    rate(page, "2", 33)
    rate(page, "5", 33)
    expect_saved(page)
    page.reload()
    expect(page.locator("#transport")).to_be_visible()
    assert order(page) == before
    assert shown(page) == ["not rated", "33, Poor", "not rated", "not rated", "33, Poor"]
    expect(page.locator("#saved")).to_have_text("Answered and saved: 2 / 5")


def test_another_device_goes_on_where_the_first_stopped(page, browser, live_server, session):
    rate(page, "1", 71)
    expect_saved(page)
    other = browser.new_context().new_page()
    open_session(other, live_server, session)
    assert shown(other)[0] == "71, Good"
    rate(other, "1", 72)
    expect_saved(other)
    other.context.close()
    assert stored() == [71, 72]


def test_what_is_rated_offline_is_kept_and_delivered_once_in_order(page, session):
    page.context.set_offline(True)
    rate(page, "1", 10)
    rate(page, "2", 20)
    rate(page, "1", 30)
    status = page.locator("#saved")
    expect(status).to_have_text("Not sent yet, kept on this device: 3")
    for label in "345":
        rate(page, label, 50)
    expect(page.locator("#next")).to_be_disabled()
    assert stored() == []
    page.context.set_offline(False)
    expect(status).to_have_text("All answers saved")
    expect(page.locator("#next")).to_be_enabled()
    assert stored() == [10, 20, 30, 50, 50, 50]
    assert kept(page) == {"IndexedDB": [], "localStorage": []}


def test_what_was_rated_offline_survives_closing_the_page(page, live_server, session):
    context = page.context
    context.set_offline(True)
    rate(page, "4", 44)
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    page.close()
    context.set_offline(False)
    again = context.new_page()
    open_session(again, live_server, session)
    assert shown(again)[3] == "44, Fair"
    expect_saved(again)
    assert stored() == [44]


def test_an_answer_whose_acknowledgement_was_lost_is_stored_once(page, session):
    replies = []

    def lose_the_first(route):
        reply = route.fetch()
        replies.append(reply.status)
        if len(replies) == 1:
            route.abort()
        else:
            route.fulfill(response=reply)

    page.route("**/responses/", lose_the_first)
    rate(page, "3", 60)
    expect(page.locator("#saved")).to_have_text("Answered and saved: 1 / 5")
    assert replies == [200, 200]
    assert stored() == [60]


def test_a_server_in_trouble_is_asked_again(page, session):
    failures = iter((503, 500, 403))

    def fail_a_while(route):
        status = next(failures, None)
        if status:
            route.fulfill(status=status, body="trouble")
        else:
            route.continue_()

    page.route("**/responses/", fail_a_while)
    rate(page, "3", 60)
    expect(page.locator("#saved")).to_have_text("Not sent yet, kept on this device: 1")
    expect(page.locator("#saved")).to_have_text("Answered and saved: 1 / 5")
    assert stored() == [60]


def test_an_answer_that_can_never_be_accepted_is_said_aloud_and_not_sent_for_ever(page, session):
    refusal = {"error": "page 1 was finished: its answers can no longer be changed"}
    page.route("**/responses/", lambda route: route.fulfill(status=409, json=refusal))
    rate(page, "3", 60)
    expect(page.get_by_role("alert")).to_contain_text("page 1 was finished")
    expect_saved(page)


def test_a_page_that_cannot_be_finished_says_so_and_stays(page, session):
    for label in "12345":
        rate(page, label, 50)
    expect(page.locator("#next")).to_be_enabled()
    page.context.set_offline(True)
    page.locator("#next").click()
    expect(page.get_by_role("alert")).to_have_text(
        "The next page could not be opened. Please try again."
    )
    page.context.set_offline(False)
    page.locator("#next").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_a_sound_that_fails_to_load_is_tried_again(page, live_server, session):
    failures = iter(("failed", 500, 404))

    def fail_a_while(route):
        failure = next(failures, None)
        if failure == "failed":
            route.abort()
        elif failure:
            route.fulfill(status=failure)
        else:
            route.continue_()

    page.route("**/audio/*.wav", fail_a_while)
    page.reload()
    expect(page.locator("#transport")).to_be_visible()


def test_sounds_that_never_load_are_owned_up_to_and_can_be_asked_for_again(page, session):
    page.clock.install()
    page.route("**/audio/*.wav", lambda route: route.abort())
    page.reload()
    for _ in range(6):
        page.clock.run_for(5_000)
    expect(page.locator("#loading-text")).to_have_text(
        "The sounds could not be loaded. Your answers are safe."
    )
    page.unroute("**/audio/*.wav")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#transport")).to_be_visible()
