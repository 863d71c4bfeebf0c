"""What the tests of the listener's pages share: opening them, and hearing them."""

from __future__ import annotations

import math

from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from listening.models import Session, Slot
from tests.factories import TONES

# An FFT bin of the analyser is 3 Hz wide, items differ by 5 Hz, conditions by 110 Hz.
TOLERANCE_HZ = 3


def open_session(page: BrowserPage, live_server, session: Session) -> None:
    page.goto(live_server.url + session.get_absolute_url())
    expect(page.locator("#transport")).to_be_visible()


def slots_on(session: Session, number: int) -> list[Slot]:
    slots = session.pages.get(number=number).slots
    return list(slots.select_related("stimulus__condition", "page__trial"))


def expect_heard(page: BrowserPage, slot: Slot) -> None:
    """Wait until the page says that `slot` sounds, and the loudspeakers give its tone by frequency and level.

    Both: where two slots hide the same signal, the ear alone could not tell the second from the first.
    """
    condition = slot.stimulus.condition.name if slot.stimulus else "reference"
    frequency, level = TONES[condition]
    frequency += 5 * (slot.page.trial.number - 1)
    # the fades where the excerpt repeats, 10 ms in the analyser's 341, take at most this much
    lowest, highest = 0.97 * level / math.sqrt(2), 1.001 * level / math.sqrt(2)
    page.wait_for_function(
        """([place, frequency, tolerance, lowest, highest]) => {
          const heard = window.heard();
          const sounding = document.querySelectorAll("button.hear")[place].matches(".sounding");
          return sounding && Math.abs(heard.frequency - frequency) < tolerance
            && lowest < heard.rms && heard.rms < highest;
        }""",
        arg=[slot.position, frequency, TOLERANCE_HZ, lowest, highest],
    )


def expect_silence(page: BrowserPage) -> None:
    page.wait_for_function("() => window.heard().rms === 0")


def expect_saved(page: BrowserPage) -> None:
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved")


def rate(page: BrowserPage, label: str, value: int) -> None:
    page.keyboard.press(label)
    slider = page.get_by_role("slider", name=f"Rating of sound {label}")
    expect(slider).to_be_enabled()
    slider.fill(str(value))


# the answers that wait in this browser, by where they do
KEPT = """async () => {
  const open = indexedDB.open("earwitness");
  const database = await new Promise((resolve) => (open.onsuccess = () => resolve(open.result)));
  const all = database.transaction("answers").objectStore("answers").getAll();
  const answers = await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)));
  database.close();
  const local = Object.keys(localStorage).filter((key) => /^earwitness:.*-/.test(key)).sort();
  return {
    IndexedDB: answers.map(({ value }) => value),
    localStorage: local.map((key) => JSON.parse(localStorage.getItem(key)).value),
  };
}"""


def kept(page: BrowserPage) -> dict[str, list[int]]:
    found: dict[str, list[int]] = page.evaluate(KEPT)
    return found
