"""Every page of a listener's way passes axe-core's rules for WCAG 2.2 AA, in light and dark, on a desktop and a phone.

tests/player/axe.min.js is Deque's axe-core as published on npm (MPL 2.0); nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from listening import sessions
from metrics import catalogue
from metrics.models import Score
from tests.factories import (
    WHOLE_PLAN,
    abx_campaign,
    account,
    choice_campaign,
    mushra_campaign,
    small_campaign,
)

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parent.parent / "player" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


# by method, a key that plays one of its page's sounds
SCALES = {"bs2132": "2", "bs1116": "b", "attributes": "2", "acr": "s", "dcr": "r", "p835": " "}


# a colour on its way to another is neither of them
AT_REST = """() => Promise.all(document.getAnimations()
    .filter((one) => one instanceof CSSTransition).map((one) => one.finished.catch(() => null)))"""


def violations(page) -> list[str]:
    page.evaluate(AT_REST)
    # by the debugger, since the page's own policy lets no foreign script in
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags }).then((result) => result.violations)", RULES
    )
    return [
        f"{page.title()}: {one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.fixture(params=[("light", "desktop"), ("dark", "phone")], ids="-".join)
def reader(request, browser):
    scheme, screen = request.param
    context = browser.new_context(color_scheme=scheme, viewport=SCREENS[screen])
    yield context.new_page()
    context.close()


def test_every_part_of_a_whole_way(reader, live_server):
    page, found = reader, []
    page.goto(f"{live_server.url}/t/nothing/")
    found += violations(page)
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    page.goto(f"{live_server.url}/t/tones/")
    found += violations(page)
    session = sessions.start(campaign)
    for one in session.pages.all():
        page.goto(live_server.url + session.get_absolute_url())
        expect(page.get_by_text(f"Page {one.number} of")).to_be_visible()
        if page.locator("#transport").count():
            expect(page.locator("#transport")).to_be_visible()
        if one.kind != "headphones" or one.content["trial"] == 1:
            found += violations(page)
        if one.kind == "questions" and one.number == 2:
            page.get_by_role("button", name="Continue").click()
            expect(page.get_by_role("alert")).to_be_visible()
            found += violations(page)
        session.pages.filter(pk=one.pk).update(finished_at=session.created_at)
    for ending in session.Ending.values:
        type(session).objects.update(ending=ending)
        page.goto(live_server.url + session.get_absolute_url())
        found += violations(page)
    assert found == []


def test_rating_pages_while_something_plays(reader, live_server):
    page, found = reader, []
    campaigns = [
        (mushra_campaign(), "2"),
        (abx_campaign(), "x"),
        (choice_campaign("triangle", slug="triangle", options={"sounds": 6}), "6"),
        (choice_campaign("preference", slug="preference", options={"reference": True}), "r"),
        (choice_campaign("ccr", slug="ccr"), "1"),
        *((small_campaign(method, slug=method, items=1), key) for method, key in SCALES.items()),
    ]
    for campaign, key in campaigns:
        session = sessions.start(campaign)
        page.goto(live_server.url + session.get_absolute_url())
        expect(page.locator("#transport")).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator(".hear.sounding")).to_be_visible()
        found += violations(page)
    assert found == []


def test_pages_of_metrics_and_scores(reader, live_server, client):
    page, found = reader, []
    campaign = mushra_campaign(items=1)
    trial = campaign.trials.get()
    one, two = (trial.stimuli.get(condition__name=f"system {n}").signal for n in ("one", "two"))
    assert one
    assert two
    for signal, value in ((one, 3.0), (two, None)):
        Score.objects.create(
            metric="si-sdr",
            metric_version=catalogue.get("si-sdr").version,
            signal=signal,
            reference=trial.reference,
            value=value,
            unit="dB",
            status="ok" if value else "silent",
            message="" if value else "expected an audible signal, found silence",
        )
    client.force_login(account("alice"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    page.context.add_cookies([cookie | {"url": live_server.url}])
    for address in (
        "/metrics/",
        "/metrics/zwicker-n/",
        "/scores/",
        f"{campaign.get_absolute_url()}scores/?first=system one&second=system two",
        "/scores/new/",
        f"/scores/{one.sha256}/?reference={trial.reference.sha256}",
    ):
        page.goto(live_server.url + address)
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        found += violations(page)
    page.goto(f"{live_server.url}/scores/")
    page.get_by_role("button", name="What si-sdr is").click()
    expect(page.locator("#define-si-sdr")).to_be_visible()
    found += violations(page)
    page.goto(f"{live_server.url}/scores/new/")
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += violations(page)
    assert found == []


def test_axe_sees_what_is_wrong(page):
    page.set_content("<main><h1>A form</h1><input></main>")
    assert any(": label: " in one for one in violations(page))


def test_pages_of_a_running_campaign(reader, live_server, client):
    page, found = reader, []
    campaign = mushra_campaign(items=2, quota=3, plan=WHOLE_PLAN)
    begun = [sessions.start(campaign) for _ in range(2)]
    stimulus = campaign.trials.first().stimuli.get(condition__name="system one")
    stimulus.signal.file.storage.delete(str(stimulus.signal.file.name))
    client.force_login(account("alice"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    page.context.add_cookies([cookie | {"url": live_server.url}])
    for address in ("progress/", "sessions/", f"sessions/{begun[0].pk}/"):
        page.goto(f"{live_server.url}{campaign.get_absolute_url()}{address}")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        needed, given = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert needed <= given, address
        found += violations(page)
    assert found == []
