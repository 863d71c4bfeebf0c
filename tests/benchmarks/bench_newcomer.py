"""A newcomer's clock: from signing in to an open MUSHRA of 5 systems by 8 items, which lie in a folder.

    python -m tests.benchmarks.bench_newcomer [--shots DIR]

starts gunicorn on the loopback and a worker, with a home of its own, goes the way in real Chromium, and counts what a
hand does: clicks, characters typed, and how long the machine keeps one waiting. What the hand's part takes is
estimated by the keystroke-level model (Card, Moran & Newell, 1980: a key 0.28 s, pointing 1.1 s, a click 0.2 s, to
another device 0.4 s, a thought before each step 1.35 s). Beside it the same test's configuration for webMUSHRA, typed
once for the first page and copied and changed for the others, as its documentation describes. Not part of the tests:
it measures a machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.load.sessions import ROOT, Server

ITEMS, SYSTEMS, SECONDS, RATE = 8, 5, 10, 48_000
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
KEY, POINT, CLICK, HOMING, THOUGHT = 0.28, 1.1, 0.2, 0.4, 1.35
PASSWORD = "a newcomer's word"


@dataclass
class Hand:
    """What somebody does at the page, and what it costs."""

    page: Any
    shots: Path | None
    clicks: int = 0
    typed: int = 0
    steps: int = 0
    waited: float = 0.0
    told: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The hand's part."""
        pointing = self.clicks * (POINT + CLICK)
        return self.steps * THOUGHT + pointing + self.typed * KEY + 2 * HOMING * bool(self.typed)

    def click(self, target: Any, until: Callable[[], Any] | None = None, *, then: str = "") -> None:
        self.steps += 1
        self.clicks += 1
        begun = time.perf_counter()
        target.click()
        if until is not None:
            until()
        self.waited += time.perf_counter() - begun
        self.tell(then)

    def type(self, target: Any, text: str) -> None:
        self.steps += 1
        self.clicks += 1
        self.typed += len(text)
        target.fill(text)

    def tell(self, what: str) -> None:
        if not what:
            return
        line = f"{what}: {self.clicks} clicks, {self.typed} characters, waited {self.waited:.1f} s"
        self.told.append(line)
        if self.shots:
            self.page.screenshot(path=self.shots / f"{len(self.told)}.png", full_page=True)


def prepare(folder: Path) -> None:
    """An account, and a folder of sounds as a laboratory has it."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from models_registry import audio
    from models_registry.audio import Audio

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("newcomer", password=PASSWORD)
    rng = np.random.default_rng(0)
    for item in range(1, ITEMS + 1):
        clean = np.cumsum(rng.standard_normal((2, SECONDS * RATE)), axis=1)
        clean -= clean.mean(axis=1, keepdims=True)
        clean *= 0.3 / np.abs(clean).max()
        for system in ("reference", *(f"system{n}" for n in range(1, SYSTEMS + 1))):
            place = folder / system
            place.mkdir(parents=True, exist_ok=True)
            noise = 0 if system == "reference" else 3e-5 * int(system[-1])
            sound = clean + noise * rng.standard_normal(clean.shape)
            fade = np.minimum(1, np.arange(clean.shape[1]) / 2_400)
            samples = (sound * fade * fade[::-1]).astype(np.float32)
            audio.write(place / f"item{item}.wav", Audio(samples, RATE), subtype="PCM_24")


class Worker:
    """What does the jobs: a draft of so many sounds is one."""

    def __init__(self) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "worker"]
        self.process = subprocess.Popen(command, process_group=0, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=30)


def walk(hand: Hand, port: int, folder: Path) -> str:
    """From the sign-in page to the link for listeners."""
    page = hand.page
    page.goto(f"http://127.0.0.1:{port}/login/?next=/campaigns/")
    hand.type(page.get_by_label("Username"), "newcomer")
    hand.type(page.get_by_label("Password"), PASSWORD)
    loaded = page.wait_for_load_state
    hand.click(page.get_by_role("button", name="Sign in"), loaded, then="signed in")
    hand.click(page.get_by_role("button", name="New campaign"), loaded)
    hand.type(page.get_by_label("Title"), "Which is better?")
    # the system's own window: one click opens it, two choose the folder and say so
    hand.steps, hand.clicks = hand.steps + 2, hand.clicks + 3
    page.get_by_label("Or a folder").set_input_files(folder)
    hand.tell("named, folder chosen")

    def table() -> None:
        page.get_by_role("button", name="Make the draft").wait_for(timeout=120_000)

    hand.click(page.get_by_role("button", name="Show the table"), table, then="table of files")

    def linted() -> None:
        page.locator("#lint button").first.wait_for(timeout=120_000)

    hand.click(page.get_by_role("button", name="Make the draft"), linted, then="draft, checked")
    for mend in ("Ask for consent", "Train on the first item"):
        button = page.get_by_role("button", name=mend)
        if button.count():
            hand.click(button, linted)
    warned = page.get_by_label("I have read the warnings")
    if warned.count():
        hand.click(warned)
    link = page.get_by_label("Link for listeners")
    hand.click(page.get_by_role("button", name="Launch"), lambda: link.wait_for(timeout=60_000))
    hand.tell("open to listeners")
    return str(link.input_value())


def webmushra() -> tuple[int, int, float]:
    """Characters of the configuration, characters typed, seconds of typing."""
    head = (
        "testname: Which is better?\ntestId: which_is_better\nbufferSize: 2048\n"
        "stopOnErrors: true\nshowButtonPreviousPage: true\nremoteService: service/write.php\n\npages:\n"
    )

    def page(item: int) -> str:
        stimuli = "".join(
            f"          C{n}: configs/resources/audio/system{n}/item{item}.wav\n"
            for n in range(1, SYSTEMS + 1)
        )
        return (
            f"    - type: mushra\n      id: trial{item}\n      name: Item {item}\n      content: \n"
            "      showWaveform: true\n      enableLooping: true\n"
            f"      reference: configs/resources/audio/reference/item{item}.wav\n"
            f"      createAnchor35: true\n      createAnchor70: true\n      stimuli:\n{stimuli}"
        )

    finish = "    - type: finish\n      name: Thank you\n      content: Thank you\n      showResults: false\n"
    text = head + "".join(page(item) for item in range(1, ITEMS + 1)) + finish
    # of a copied page its number changes: id, name, reference and one file per system
    changes = (ITEMS - 1) * (3 + SYSTEMS)
    typed = len(head) + len(page(1)) + len(finish) + changes
    # each change is pointed at; each page copied and pasted by four keys
    seconds = typed * KEY + changes * (THOUGHT + POINT + CLICK) + (ITEMS - 1) * (THOUGHT + 4 * KEY)
    return len(text), typed, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=Path, metavar="DIR", help="a picture of each station")
    options = parser.parse_args()
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ |= {"EARWITNESS_HOME": home, "DJANGO_SETTINGS_MODULE": "listening.settings"}
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        folder = Path(home, "mytest")
        prepare(folder)
        server, worker = Server(), Worker()
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM if Path(CHROMIUM).exists() else None
        )
        try:
            hand = Hand(browser.new_page(viewport={"width": 1280, "height": 900}), options.shots)
            walk(hand, server.port, folder)
        finally:
            browser.close()
            server.stop()
            worker.stop()
    print(f"{SYSTEMS} systems, {ITEMS} items of {SECONDS} s, {RATE} Hz, stereo, 24 bit")
    for line in hand.told:
        print(f"  {line}")
    total = hand.seconds + hand.waited
    print(
        f"  in all {total / 60:.1f} min: hand {hand.seconds:.0f} s by the model, waiting {hand.waited:.0f} s"
    )
    characters, typed, seconds = webmushra()
    print(
        f"  webMUSHRA: a configuration of {characters} characters, {typed} typed: {seconds / 60:.1f} min by the "
        "model, before the files are copied to its server, which checks none of them"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
