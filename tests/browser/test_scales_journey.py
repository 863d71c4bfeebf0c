"""Whole sessions of the methods with scales of their own: what is heard is what was drawn, what is said is stored."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from listening import sessions
from listening.models import Rating, Session
from tests.browser.listening import expect_heard, expect_saved, open_session, slots_on
from tests.factories import small_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def given(session: Session, number: int) -> dict[tuple[str, str], float]:
    """The ratings of a page as they stand, by the label of their slot and their scale."""
    ratings = Rating.objects.current().filter(page__session=session, page__number=number)
    labels = {slot.stimulus_id: slot.label for slot in slots_on(session, number)}
    return {(labels[one.stimulus_id], one.scale): one.value for one in ratings}


def finish(page: BrowserPage, *, last: bool = True) -> None:
    page.get_by_role("button", name="Finish" if last else "Next page").click()
    if last:
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_impairments_are_graded_by_keys_and_numbers_and_one_of_them_as_the_reference(
    page, live_server
):
    campaign = small_campaign("bs1116", items=1)
    campaign.conditions.filter(name="system two").delete()
    session = sessions.start(campaign)
    open_session(page, live_server, session)
    a, b, c = slots_on(session, 1)
    page.keyboard.press("a")
    expect_heard(page, a)
    slider = page.get_by_role("slider", name="Grade of B against A")
    expect(slider).to_be_disabled()
    page.keyboard.press("b")
    expect(slider).to_be_focused()
    expect_heard(page, b)
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    expect(slider).to_have_attribute("aria-valuetext", "4.9")
    page.keyboard.press("c")
    expect_heard(page, c)
    field = page.get_by_role("spinbutton", name="Grade of C as a number")
    field.fill("3.26")
    field.blur()
    expect(field).to_have_value("3.3")
    field.fill("7")
    field.blur()
    expect(field).to_have_value("3.3")
    expect_saved(page)
    expect(page.locator("#saved")).to_have_text("One of B and C is the reference: grade it 5.0")
    expect(page.get_by_role("button", name="Finish")).to_be_disabled()
    page.reload()
    expect(field).to_have_value("3.3")
    slider.fill("5")
    expect(slider).to_have_attribute("aria-valuetext", "5.0, Imperceptible")
    # whether all was heard before may have come too late to be told to this page
    page.keyboard.press("a")
    expect_heard(page, a)
    finish(page)
    assert given(session, 1) == {("B", ""): 5.0, ("C", ""): 3.3}


def test_the_reference_is_heard_to_its_end_before_the_sample_and_both_before_the_answer(
    page, live_server
):
    session = sessions.start(small_campaign("dcr", items=1))
    open_session(page, live_server, session)
    for number in (1, 2):
        reference, sample = slots_on(session, number)
        expect(page.locator("#transport")).to_be_visible()
        hear_sample = page.get_by_role("button", name="Play the sample")
        expect(hear_sample).to_be_disabled()
        page.keyboard.press("r")
        expect_heard(page, reference)
        expect(hear_sample).to_be_enabled()
        expect(page.get_by_role("radio", name="Annoying", exact=True)).to_be_disabled()
        page.keyboard.press("s")
        expect_heard(page, sample)
        expect(page.get_by_role("radio", name="Annoying", exact=True)).to_be_enabled()
        page.keyboard.press("2" if number == 1 else "5")
        expect_saved(page)
        finish(page, last=number == 2)
        expect(page.get_by_text("Page 2 of 2" if number == 1 else "Thank you")).to_be_visible()
    assert given(session, 1) == {("Sample", ""): 2}
    assert given(session, 2) == {("Sample", ""): 5}


def test_speech_background_and_the_whole_are_heard_and_rated_in_turn(page, live_server):
    session = sessions.start(small_campaign("p835", items=1))
    open_session(page, live_server, session)
    words = {"Signal": "Slightly distorted", "Background": "Very intrusive", "Overall": "Fair"}
    slots = slots_on(session, 1)
    for place, slot in enumerate(slots):
        hears = page.locator(".hear")
        assert [hears.nth(n).is_enabled() for n in range(3)] == [n <= place for n in range(3)]
        hears.nth(place).click()
        expect_heard(page, slot)
        page.get_by_role("radio", name=words[slot.label], exact=True).check()
        expect_saved(page)
    page.reload()
    for word in words.values():
        expect(page.get_by_role("radio", name=word, exact=True)).to_be_checked()
    finish(page, last=False)
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    found = {scale: value for (_, scale), value in given(session, 1).items()}
    assert found == {"SIG": 4, "BAK": 1, "OVRL": 3}


def test_one_opinion_by_touch_on_a_phone(browser, live_server):
    session = sessions.start(small_campaign("acr", items=1))
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_session(page, live_server, session)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Play the sample").tap()
    page.get_by_role("radio", name="Good").tap()
    expect_saved(page)
    page.get_by_role("button", name="Next page").tap()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    assert given(session, 1) == {("Sample", ""): 4}
    context.close()


def test_every_sound_is_rated_on_every_scale_while_it_is_heard(page, live_server):
    session = sessions.start(small_campaign("attributes", items=1))
    open_session(page, live_server, session)
    reference, *slots = slots_on(session, 1)
    page.keyboard.press("0")
    expect_heard(page, reference)
    enabled = page.locator(".attribute input:enabled")
    expect(enabled).to_have_count(0)
    for slot in slots:
        page.keyboard.press(slot.label)
        name = f"Brightness of sound {slot.label}, from dark to bright"
        brightness = page.get_by_role("slider", name=name)
        expect(brightness).to_be_focused()
        expect(enabled).to_have_count(2)
        expect_heard(page, slot)
        page.keyboard.press("Home" if slot.label == "1" else "ArrowUp")
        page.keyboard.press("Tab")
        page.keyboard.press("End")
        page.keyboard.press("Shift+Tab")
    expect_saved(page)
    page.reload()
    expect(page.locator(".attribute output").first).to_have_text("0")
    finish(page)
    expected = {("1", "Brightness"): 0, ("2", "Brightness"): 51, ("3", "Brightness"): 51}
    assert given(session, 1) == expected | {(label, "Width"): 100 for label in "123"}


def test_without_a_reference_the_digits_play_and_the_sliders_rate(page, live_server):
    session = sessions.start(small_campaign("bs2132", items=1))
    open_session(page, live_server, session)
    expect(page.get_by_role("button", name="Reference")).to_have_count(0)
    for slot in slots_on(session, 1):
        page.keyboard.press(slot.label)
        expect(page.get_by_role("slider", name=f"Rating of sound {slot.label}")).to_be_focused()
        expect_heard(page, slot)
        page.keyboard.press("PageUp")
    expect_saved(page)
    finish(page)
    assert given(session, 1) == {(label, ""): 10 for label in "123"}
