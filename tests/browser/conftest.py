"""A real browser that really plays: Chromium against a live server.

Its autoplay policy is left as users have it, so that the tests cover the gesture the player needs.
"""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import Page, expect

# Playwright's synchronous interface runs an event loop, in which Django would refuse the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# as long as Playwright's own acts: what comes at once elsewhere may take a while where much else runs
expect.set_options(timeout=30_000)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Whatever a page sends to the loudspeakers, it sends to an analyser as well.
EAR = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
    window.ear = new AnalyserNode(target.context, { fftSize: 16384, smoothingTimeConstant: 0 });
    connect.call(this, window.ear);
  }
  return connect.call(this, target, ...rest);
};
window.heard = () => {
  const samples = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(samples);
  const spectrum = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(spectrum);
  const bin = spectrum.indexOf(Math.max(...spectrum));
  return {
    rms: Math.hypot(...samples) / Math.sqrt(samples.length),
    frequency: (bin * window.ear.context.sampleRate) / window.ear.fftSize,
  };
};
"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium")
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": QUIET}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "viewport": {"width": 1280, "height": 1000}}


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def page(page: Page):
    """A page with an ear; what breaks in its scripts fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(EAR)
    yield page
    assert errors == []
