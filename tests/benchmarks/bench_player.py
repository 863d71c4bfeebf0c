"""How long a listener waits: 12 stimuli of 10 s at 48 kHz in stereo, in real Chromium against a running server.

    python -m tests.benchmarks.bench_player [--runs 5] [--beside URL]

starts gunicorn on the loopback with a home of its own and measures, on a MUSHRA page with an open reference and twelve
sounds to rate: from opening the page to its sounds being ready, and to the first sound when a key is pressed at once;
from a key press to the sound it starts (asked for: 100 ms), and to another sound when one plays; the bytes moved before
and with the audio, and on the next page, whose sounds were fetched ahead. `--beside` opens another page, such as a
webMUSHRA on the same machine (php -S 127.0.0.1:8001 in its folder), and counts what it moves until its network rests.
Not part of the tests: it measures a machine.

What is documented of webMUSHRA, for where it is not at hand: it fetches every WAV file of a page before the page can
be used, next pages' when they are opened, and makes the two anchors in the browser; its sound runs in blocks of
`bufferSize` (256 … 16384) frames, so that a switch is heard after up to 5 … 341 ms at 48 kHz; an answer leaves the
browser once, at the end of the session.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.load.sessions import Server

SIGNALS, SECONDS, RATE = 12, 10, 48_000
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

# notes when a key goes down, and when the page learns from the deck that another sound is heard
WATCH = """
window.heardAt = {};
window.pressedAt = 0;
addEventListener("keydown", () => (window.pressedAt = performance.now()), true);
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.matches?.(".hear.sounding")) window.heardAt[target.textContent.trim()] ??= performance.now();
  }
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["class"] });
"""
READY = "() => !document.querySelector('#transport').hidden && performance.now()"


def prepare() -> None:
    """In the server's database: a campaign of two items with twelve signals each."""
    import django

    django.setup()
    from django.core.management import call_command

    from listening.models import Campaign, Condition, Stimulus, Trial
    from models_registry.audio import Audio
    from models_registry.models import Signal
    from tests.factories import ROLES, Role

    call_command("migrate", verbosity=0)
    campaign = Campaign.objects.create(slug="player", title="Player", method="mushra")
    names = [*ROLES, *(f"system {n}" for n in range(SIGNALS - len(ROLES)))]
    conditions = [
        Condition.objects.create(campaign=campaign, name=name, role=ROLES.get(name, Role.SYSTEM))
        for name in names
    ]
    rng = np.random.default_rng(0)
    for number in (1, 2):
        signals = []
        for name in names:
            noise = 0.1 * rng.standard_normal((2, SECONDS * RATE))
            sound = Audio(noise.clip(-1, 1).astype(np.float32), RATE)
            signals.append(Signal.objects.store(sound, title=f"{name} {number}"))
        trial = Trial.objects.create(
            campaign=campaign, number=number, item=f"item {number}", reference=signals[0]
        )
        for condition, signal in zip(conditions, signals, strict=True):
            Stimulus.objects.create(trial=trial, condition=condition, signal=signal)
    campaign.launch(actor="benchmark")


class Traffic:
    """Counts the bytes of the replies to a page, of sounds and of everything else."""

    def __init__(self, page: Any) -> None:
        self.sounds = self.others = 0
        page.on("requestfinished", self.count)

    def count(self, request: Any) -> None:
        sizes = request.sizes()
        moved = sizes["responseBodySize"] + sizes["responseHeadersSize"]
        if request.url.endswith((".wav", ".mp3", ".flac")):
            self.sounds += moved
        else:
            self.others += moved

    def taken(self) -> tuple[int, int]:
        found = self.others, self.sounds
        self.sounds = self.others = 0
        return found


def press(page: Any, key: str) -> float:
    """ms from the key to its sound."""
    page.evaluate("() => (window.heardAt = {})")
    page.keyboard.press(key)
    page.wait_for_function("(key) => window.heardAt[key]", arg=key, timeout=10_000)
    found: float = page.evaluate("(key) => window.heardAt[key] - window.pressedAt", key)
    return found


def visit(browser: Any, port: int) -> dict[str, float]:
    """One listener's first two pages."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH)
    traffic = Traffic(page)
    page.goto(f"http://127.0.0.1:{port}/t/player/")
    traffic.taken()
    page.get_by_role("button", name="Start the test").click()
    ready = page.wait_for_function(READY, timeout=120_000).json_value()
    start = press(page, "1")
    first_sound = page.evaluate("() => window.heardAt['1']")
    switches = [press(page, str(2 + n % 8)) for n in range(16)]
    page.wait_for_load_state("networkidle")
    others, sounds = traffic.taken()
    token = page.url
    for label in range(1, SIGNALS + 1):
        page.locator("button.hear").nth(label).click()
        fader = page.locator(".fader input").nth(label - 1)
        page.wait_for_function(
            "(n) => !document.querySelectorAll('.fader input')[n].disabled", arg=label - 1
        )
        fader.press("PageUp")
    page.wait_for_function("() => !document.querySelector('#next').disabled", timeout=60_000)
    traffic.taken()
    page.locator("#next").click()
    page.wait_for_url(token)
    page.wait_for_function(
        "() => JSON.parse(document.querySelector('#for-player').textContent).page === 2"
    )
    next_ready = page.wait_for_function(READY, timeout=120_000).json_value()
    next_others, next_sounds = traffic.taken()
    context.close()
    return {
        "opening to ready, ms": ready,
        "opening to first sound, ms": first_sound,
        "key to sound, ms": start,
        "key to another sound, median, ms": statistics.median(switches),
        "key to another sound, longest, ms": max(switches),
        "page without sounds, kB": others / 1000,
        "sounds, MB (of this page and the next)": sounds / 1e6,
        "next page: opening to ready, ms": next_ready,
        "next page: moved with sounds, kB": (next_others + next_sounds) / 1000,
    }


def beside(browser: Any, url: str) -> dict[str, float]:
    """What another page moves, and how long until its network rests."""
    page = browser.new_page()
    traffic = Traffic(page)
    page.goto(url)
    page.wait_for_load_state("networkidle", timeout=300_000)
    rests = page.evaluate("() => performance.now()")
    others, sounds = traffic.taken()
    page.close()
    return {
        "opening to rest, ms": rests,
        "page without sounds, kB": others / 1000,
        "sounds, MB": sounds / 1e6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--beside", metavar="URL", help="another test's page, to set beside")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ |= {"EARWITNESS_HOME": home, "DJANGO_SETTINGS_MODULE": "listening.settings"}
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        prepare()
        server = Server()
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM if Path(CHROMIUM).exists() else None
        )
        try:
            found = [visit(browser, server.port) for _ in range(options.runs)]
            others = beside(browser, options.beside) if options.beside else {}
        finally:
            browser.close()
            server.stop()
    print(
        f"{SIGNALS} sounds and the reference, {SECONDS} s, {RATE} Hz, stereo, 24 bit; {len(found)} runs"
    )
    for name in found[0]:
        values = [one[name] for one in found]
        print(
            f"  {name:42} {statistics.median(values):9.1f}   ({min(values):.1f} … {max(values):.1f})"
        )
    for name, value in others.items():
        print(f"  {options.beside} · {name:28} {value:9.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
