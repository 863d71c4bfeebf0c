"""A listener's page is under 150 kB before its sounds, uncompressed and with nothing kept from other pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening import sessions
from tests.factories import WHOLE_PLAN, abx_campaign, mushra_campaign

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 150_000
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ name }) => !name.endsWith(".wav"))
  .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)"""


def weight(browser, address: str) -> int:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    if page.locator("#transport").count():
        expect(page.locator("#transport")).to_be_visible()
    found: int = page.evaluate(WEIGHT)
    context.close()
    return found


def test_pages_are_light_before_their_sounds(browser, live_server):
    session = sessions.start(mushra_campaign(items=2, plan=WHOLE_PLAN))
    weights = {"welcome": weight(browser, f"{live_server.url}/t/tones/")}
    for page in session.pages.all():
        if page.kind not in weights:
            weights[page.kind] = weight(browser, live_server.url + session.get_absolute_url())
        session.pages.filter(pk=page.pk).update(finished_at=session.created_at)
    abx = sessions.start(abx_campaign())
    weights["abx"] = weight(browser, live_server.url + abx.get_absolute_url())
    # a page of a player brings some 30 kB of scripts at least: nothing was missed
    assert weights["rating"] > 30_000
    assert {kind: size for kind, size in weights.items() if size > MOST} == {}
