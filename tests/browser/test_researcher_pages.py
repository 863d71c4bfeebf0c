"""The researcher's pages in a real browser: progress that moves, audio that seeks, no rule of the policy broken."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from listening.pairs import FIGURES
from listening.rehearsal import rehearse
from models_registry.models import Job
from tests.browser.test_accessibility import violations
from tests.factories import account, mushra_campaign
from tests.site.conftest import no_progress, scored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(page, live_server):
    """A page of a signed-in researcher, and whatever its console complains of."""
    account("alice")
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's word")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page, complaints


def pair_address(campaign):
    trial = campaign.trials.first()
    degraded = trial.stimuli.get(condition__name="system one").signal
    return f"/scores/{degraded.sha256}/?reference={trial.reference.sha256}"


def test_figures_of_a_pair_come_when_they_are_seen_and_filters_need_no_reload(
    signed_in, live_server
):
    page, complaints = signed_in
    campaign = mushra_campaign(items=1)
    page.goto(live_server.url + pair_address(campaign))
    expect(page.locator(".awaited").first).to_be_attached()
    for name in FIGURES:
        page.locator("#scores").scroll_into_view_if_needed()
        expect(page.locator(f"#figure-{name} img")).to_be_attached(timeout=60_000)
    expect(page.locator(".awaited")).to_have_count(0)
    page.goto(f"{live_server.url}/metrics/")
    page.evaluate("window.stillTheSamePage = true")
    page.get_by_label("Words").fill("noise-to-mask")
    expect(page.locator("#found")).to_contain_text("metrics. Better is")
    expect(page.locator("tr#si-sdr")).to_have_count(0)
    expect(page.locator("tr#nmr")).to_have_count(1)
    assert page.url.endswith("q=noise-to-mask&family=&need=")
    assert page.evaluate("window.stillTheSamePage")
    assert complaints == []


def test_progress_moves_without_a_reload_and_asks_no_more_when_the_job_is_over(
    signed_in, live_server
):
    page, complaints = signed_in
    job = Job.objects.create(kind="train", state=Job.State.RUNNING, progress=0.25, message="step 1")
    page.goto(f"{live_server.url}/jobs/{job.pk}/")
    page.evaluate("window.stillTheSamePage = true")
    expect(page.locator("progress")).to_have_attribute("value", "0.2500")
    Job.objects.filter(pk=job.pk).update(progress=0.75, message="step 2")
    expect(page.locator("#progress")).to_contain_text("step 2")
    expect(page.locator("progress")).to_have_attribute("value", "0.7500")
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, progress=1, message="registered")
    expect(page.locator("#progress")).to_contain_text("registered")
    expect(page.locator("#progress[hx-get]")).to_have_count(0)
    assert page.evaluate("window.stillTheSamePage")
    assert complaints == []


def test_a_stimulus_plays_and_seeks_on_the_results_page(signed_in, live_server):
    page, complaints = signed_in
    campaign = mushra_campaign(items=1)
    page.goto(live_server.url + campaign.get_absolute_url())
    heard = page.locator("audio").first.evaluate(
        """async (audio) => {
            audio.load();
            await new Promise((loaded) => { audio.onloadedmetadata = loaded; });
            audio.currentTime = 0.5;
            await new Promise((sought) => { audio.onseeked = sought; });
            return [audio.duration, audio.currentTime, audio.seekable.end(0)];
        }"""
    )
    assert heard == pytest.approx([1.0, 0.5, 1.0], abs=0.01)
    assert complaints == []


def test_the_results_page_fits_a_phone(signed_in, live_server):
    page, _ = signed_in
    campaign = mushra_campaign(items=1)
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (
        "/",
        "/campaigns/",
        campaign.get_absolute_url(),
        f"{campaign.get_absolute_url()}scores/",
        pair_address(campaign),
        "/scores/new/",
        "/metrics/",
        "/metrics/nmr/",
        "/guide/listeners/",
    ):
        page.goto(live_server.url + address)
        widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        needed, given = page.evaluate(widths)
        assert needed <= given, address


def test_a_point_of_the_scatter_is_reached_by_keys_and_plays_beside_its_reference(
    signed_in, live_server
):
    page, complaints = signed_in
    campaign = mushra_campaign(items=2)
    scored(campaign)
    rehearse(campaign, listeners=3, seed=5, actor="alice", progress=no_progress)
    page.goto(f"{live_server.url}/campaigns/{campaign.slug}/metrics/?metric=si-sdr")
    points = page.locator("svg .heard-point")
    expect(points).to_have_count(4)
    expect(page.locator("svg .heard-point[tabindex='0']")).to_have_count(1)
    points.first.focus()
    page.keyboard.press("ArrowRight")
    expect(points.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    heard = page.get_by_role("region", name="The chosen point")
    expect(heard).to_contain_text(points.nth(1).get_attribute("data-name"))
    sound, reference = heard.locator("audio").all()
    assert sound.get_attribute("src") == points.nth(1).get_attribute("href")
    page.wait_for_function("() => document.querySelector('#heard audio').currentTime > 0")
    reference.evaluate("audio => audio.play()")
    page.wait_for_function("() => document.querySelector('#heard audio').paused")
    page.get_by_text("The points as a table").click()
    page.get_by_role("link", name="Hear ").first.click()
    expect(heard).to_contain_text(points.first.get_attribute("data-name"))
    heard.get_by_role("link", name="Its scores").click()
    expect(page).to_have_url(re.compile("/scores/.*reference="))
    assert complaints == []
    page.go_back()
    points.first.focus()
    page.keyboard.press("Enter")
    expect(heard.locator("audio")).to_have_count(2)
    assert violations(page) == []
