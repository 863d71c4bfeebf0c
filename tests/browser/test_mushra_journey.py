"""A whole MUSHRA session as a listener goes through it: by keys, by mouse, by touch."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.browser.listening import (
    expect_heard,
    expect_saved,
    expect_silence,
    open_session,
    slots_on,
)
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def fader(page, label):
    return page.locator(f'.fader input[data-label="{label}"]')


def drag_to(page, label: str, value: int) -> None:
    """Drag the fader's thumb from where it is to `value`, with the mouse."""
    box = fader(page, label).bounding_box()
    thumb = 26
    x = box["x"] + box["width"] / 2

    def height(at: float) -> float:
        return box["y"] + box["height"] - thumb / 2 - at / 100 * (box["height"] - thumb)

    page.mouse.move(x, height(float(fader(page, label).input_value())))
    page.mouse.down()
    page.mouse.move(x, height(50), steps=3)
    page.mouse.move(x, height(value), steps=3)
    page.mouse.up()


def ratings(session, number) -> dict[str, float]:
    page = session.pages.get(number=number)
    values = dict(page.ratings.current().values_list("stimulus", "value"))
    return {
        slot.label: values[slot.stimulus_id]
        for slot in slots_on(session, number)
        if slot.stimulus_id in values
    }


def test_a_session_by_keys_then_by_mouse_from_the_invitation_to_the_thanks(page, live_server):
    campaign = mushra_campaign(items=2)
    page.goto(f"{live_server.url}/t/tones/")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator("#transport")).to_be_visible()
    session = campaign.sessions.get()
    open_reference, *slots = slots_on(session, 1)

    # page 1: keys only
    page.keyboard.press("r")
    expect_heard(page, open_reference)
    expect(page.locator(".fader input:enabled")).to_have_count(0)
    for slot, (key, expected) in zip(
        slots,
        (("End", 100), ("Home", 0), ("PageUp", 10), ("ArrowUp", 1), ("Enter", 0)),
        strict=True,
    ):
        page.keyboard.press(slot.label)
        expect(fader(page, slot.label)).to_be_focused()
        expect(page.locator(".fader input:enabled")).to_have_count(1)
        expect_heard(page, slot)
        expect(page.get_by_role("button", name="Next page")).to_be_disabled()
        page.keyboard.press(key)
        expect(fader(page, slot.label)).to_have_value(str(expected))
    page.keyboard.press("0")
    expect_heard(page, open_reference)
    page.keyboard.press(" ")
    expect_silence(page)
    page.keyboard.press(" ")
    expect_heard(page, open_reference)
    expect_saved(page)
    assert ratings(session, 1) == {"1": 100, "2": 0, "3": 10, "4": 1, "5": 0}
    page.get_by_role("button", name="Next page").click()

    # page 2: mouse only; a new page needs a new gesture
    expect(page).to_have_title("Page 2 of 2 · Tones by mushra")
    expect(page.locator("#transport")).to_be_visible()
    values = {"1": 83, "2": 12, "3": 55, "4": 100, "5": 67}
    for slot in slots_on(session, 2)[1:]:
        page.get_by_role("button", name=f"Play sound {slot.label}").click()
        expect(fader(page, slot.label)).to_be_enabled()
        drag_to(page, slot.label, values[slot.label])
        expect_heard(page, slot)
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert ratings(session, 2) == pytest.approx(values, abs=1)
    session.refresh_from_db()
    expect(page.get_by_text(session.listener.code)).to_be_visible()
    assert session.finished_at is not None


def test_only_the_fader_of_the_sound_being_heard_is_usable(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    expect(page.locator(".fader input:enabled")).to_have_count(0)
    page.keyboard.press("2")
    expect(fader(page, "2")).to_be_enabled()
    page.keyboard.press("4")
    expect(fader(page, "4")).to_be_enabled()
    expect(page.locator(".fader input:enabled")).to_have_count(1)
    page.keyboard.press(" ")
    expect(page.locator(".fader input:enabled")).to_have_count(0)
    expect(page.get_by_role("button", name="Play sound 4")).to_be_focused()
    page.keyboard.press(" ")
    expect(fader(page, "4")).to_be_focused()


def test_a_fader_says_its_name_value_and_word_and_that_it_is_unrated(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    slider = page.get_by_role("slider", name="Rating of sound 1")
    expect(slider).to_have_attribute("aria-valuetext", "not rated")
    page.keyboard.press("1")
    expect(slider).to_be_enabled()
    for value, word in (
        (0, "Bad"),
        (19, "Bad"),
        (20, "Poor"),
        (50, "Fair"),
        (72, "Good"),
        (80, "Excellent"),
        (100, "Excellent"),
    ):
        slider.fill(str(value))
        expect(slider).to_have_attribute("aria-valuetext", f"{value}, {word}")
    expect_saved(page)
    assert ratings(session, 1) == {"1": 100}


def test_a_click_where_the_thumb_rests_is_a_rating_too(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    page.get_by_role("button", name="Play sound 3").click()
    expect(fader(page, "3")).to_be_enabled()
    box = fader(page, "3").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 13)
    expect(fader(page, "3")).to_have_attribute("aria-valuetext", "0, Bad")
    expect_saved(page)
    assert ratings(session, 1) == {"3": 0}


def test_one_movement_is_one_answer(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    page.keyboard.press("1")
    expect(fader(page, "1")).to_be_focused()
    page.keyboard.down("ArrowUp")
    for _ in range(9):
        page.keyboard.down("ArrowUp")
    page.keyboard.up("ArrowUp")
    drag_to(page, "1", 90)
    expect_saved(page)
    values = session.pages.get().ratings.values_list("value", flat=True)
    assert list(values) == pytest.approx([10, 90], abs=1)


def test_the_sliders_are_ten_centimetres_long(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    # CSS defines a centimetre as 96/2.54 pixels; the thumb's middle travels the height less one thumb
    assert fader(page, "1").bounding_box()["height"] - 26 >= 10 * 96 / 2.54


def test_a_loop_set_by_keys_is_heard_alone(page, live_server):
    session = sessions.start(mushra_campaign(items=1))
    open_session(page, live_server, session)
    position = page.get_by_role("slider", name="Position")
    position.fill("0.4")
    page.keyboard.press("r")
    expect_heard(page, slots_on(session, 1)[0])
    page.keyboard.press("a")
    start = "getComputedStyle(document.querySelector('#position')).getPropertyValue('--from')"
    page.wait_for_function(f"() => Number({start}) > 0.3")
    region = page.evaluate(f"Number({start})")
    # half a second is the least: the region reaches from its start, or from the middle, to the end
    assert region <= 0.5
    page.wait_for_function(
        f"() => Number(document.querySelector('#position').value) >= {region} - 0.01"
    )
    page.get_by_role("button", name="Whole").click()
    page.wait_for_function(f"() => Number({start}) === 0")


def test_a_phone_shows_everything_without_scrolling_sideways(browser, live_server):
    session = sessions.start(mushra_campaign(items=1))
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_session(page, live_server, session)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for label in "12345":
        page.get_by_role("button", name=f"Play sound {label}").tap()
        slider = fader(page, label)
        expect(slider).to_be_enabled()
        box = slider.bounding_box()
        assert box["width"] > 300
        slider.tap(position={"x": box["width"] * int(label) / 6, "y": box["height"] / 2})
    expect_saved(page)
    page.get_by_role("button", name="Finish").tap()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    found = ratings(session, 1)
    assert [found[label] for label in "12345"] == pytest.approx([14, 32, 50, 68, 86], abs=2)
    context.close()
