"""The time line: click to go there, drag to repeat a part; its picture is that of the open reference, or none."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from listening import sessions
from listening.models import Stimulus
from models_registry.audio import Audio
from models_registry.models import Signal
from tests.browser.listening import open_session
from tests.factories import abx_campaign, mushra_campaign, tone

pytestmark = pytest.mark.django_db(transaction=True)

REGION = """() => {
  const style = getComputedStyle(document.querySelector("#timeline"));
  return ["--from", "--to"].map((name) => Number(style.getPropertyValue(name)));
}"""
POSITION = "() => document.querySelector('#position').valueAsNumber"


@pytest.fixture
def timeline(page, live_server):
    """Of a one-second excerpt."""
    open_session(page, live_server, sessions.start(mushra_campaign(items=1)))
    return page.locator("#timeline")


def drag(page, timeline, start: float, end: float) -> None:
    box = timeline.bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], height)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + end) / 2 * box["width"], height)
    page.mouse.move(box["x"] + end * box["width"], height)
    page.mouse.up()


def expect_region(page, start: float, end: float) -> None:
    page.wait_for_function(
        f"([start, end]) => {{ const [from, to] = ({REGION})();"
        " return Math.abs(from - start) < 0.01 && Math.abs(to - end) < 0.01; }",
        arg=[start, end],
    )


def test_a_dragged_region_is_all_that_plays(page, timeline):
    page.keyboard.press("r")
    drag(page, timeline, 0.9, 0.3)
    expect_region(page, 0.3, 0.9)
    seen = []
    for _ in range(30):
        page.wait_for_timeout(30)
        seen.append(page.evaluate(POSITION))
    # it came round, and was never outside but for the fade on the way in
    assert min(np.diff(seen)) < -0.3
    assert 0.29 <= min(seen[5:]) <= max(seen[5:]) <= 0.91
    page.get_by_role("button", name="Whole").click()
    expect_region(page, 0, 1)
    expect(timeline).to_have_class("timeline whole")


def test_a_region_is_half_a_second_long_at_least_and_lies_within_the_sound(page, timeline):
    drag(page, timeline, 0.2, 0.25)
    expect_region(page, 0.2, 0.7)
    drag(page, timeline, 0.95, 0.9)
    expect_region(page, 0.5, 1)


def test_a_click_goes_there(page, timeline):
    box = timeline.bounding_box()
    # nothing plays: it is where the next sound starts
    timeline.click(position={"x": 0.7 * box["width"], "y": 10})
    page.keyboard.press("r")
    page.wait_for_function(f"() => ({POSITION})() >= 0.69")
    expect_region(page, 0, 1)


def test_a_finger_draws_a_region_too(browser, live_server):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_session(page, live_server, sessions.start(mushra_campaign(items=1)))
    box = page.locator("#timeline").bounding_box()
    assert box["width"] > 150
    touch = context.new_cdp_session(page)

    def finger(kind: str, share: float | None) -> None:
        height = box["y"] + box["height"] / 2
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": height}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", 0.25)
    finger("touchMove", 0.5)
    finger("touchMove", 0.9)
    finger("touchEnd", None)
    expect_region(page, 0.25, 0.9)
    context.close()


def heights(page) -> np.ndarray:
    """Of the upper outline, from the middle up, 1 at the loudest."""
    points = re.findall(r"[\d.]+,([\d.]+)", page.locator("#timeline path").get_attribute("d"))
    assert len(points) == 800
    return 1 - np.array(points[:400], dtype=float) / 50


def test_the_picture_is_the_open_references_and_stays_whatever_is_heard(page, live_server):
    campaign = mushra_campaign(items=1, launched=False)
    sound = tone(5_000)
    swell = np.linspace(0, 1, sound.samples.shape[1], dtype=np.float32)
    reference = Signal.objects.store(Audio(sound.samples * swell, sound.rate), title="swell")
    Stimulus.objects.filter(condition__role="reference").update(signal=reference)
    campaign.trials.update(reference=reference)
    campaign.launch(actor="alice")
    drawn = set()
    for _ in range(2):
        open_session(page, live_server, sessions.start(campaign))
        for label in "12345":
            page.keyboard.press(label)
            expect(page.locator(".hear.sounding")).to_have_text(label)
            drawn.add(page.locator("#timeline").inner_html())
    assert len(drawn) == 1
    peaks = np.abs(reference.audio().samples[0]).reshape(400, -1).max(axis=1)
    np.testing.assert_allclose(heights(page), peaks / peaks.max(), atol=0.002)


def test_where_nothing_is_open_the_time_line_is_plain(page, live_server):
    open_session(page, live_server, sessions.start(abx_campaign()))
    assert page.locator("#timeline path").get_attribute("d") == "M0,50H400"
