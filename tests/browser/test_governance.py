"""The record as people live it: two versions trained, heard by an expert without an account, rejected, mended,
approved, compared, and everything proved unchanged at the end; with what the pages are to everyone on the way."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from listening.models import BenchmarkEntry, Decision, SoundComment
from models_registry import jobs, standing
from models_registry.models import AuditEvent, Job, ModelVersion, Rendering
from tests.browser.test_accessibility import SCREENS, violations
from tests.factories import account, stored_tone
from tests.site.test_benchmarks import a_benchmark

pytestmark = pytest.mark.django_db(transaction=True)
pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")

TINY = ("data.seconds=2", "training.steps=4", "training.validate_every=2", "training.segment=12000")


def trained(reason: str) -> ModelVersion:
    """The next version of the overdrive, after as little training as there is, by the machine's user."""
    settings = [part for one in TINY for part in ("--set", one)]
    call_command("train", "overdrive", *settings, "--reason", reason, stdout=io.StringIO())
    made = ModelVersion.objects.latest("pk")
    dry = stored_tone(200, duration=1.0)
    Rendering.objects.create(
        version=made, input=dry, output=stored_tone(200 + 100 * made.number, duration=1.0)
    )
    return made


def page_of(version: ModelVersion) -> str:
    return reverse("version", args=[version.model.name, version.number])


@pytest.fixture
def owner(page, live_server):
    """The page of a signed-in owner, who trained nothing; `complaints` are its console's."""
    account("alice")
    page.complaints = []
    # axe's own styles, which the pages' policy refuses too, come from no address
    page.on(
        "console",
        lambda said: (
            said.type == "error" and said.location["url"] and page.complaints.append(said.text)
        ),
    )
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's word")
    page.get_by_role("button", name="Sign in").click()
    return page


@pytest.fixture
def expert(browser):
    """Somebody with a phone and without an account."""
    context = browser.new_context(viewport=SCREENS["phone"], color_scheme="dark")
    yield context.new_page()
    context.close()


def nominated(page, address: str) -> None:
    """Say what the version is for, and make it a candidate."""
    page.goto(f"{address}statement/")
    page.get_by_label("Intent").fill("guitars")
    page.get_by_label("Assumptions").fill("a dry line signal")
    page.get_by_label("Caveats").fill("never heard a bass")
    page.get_by_role("button", name="Keep it").click()
    page.goto(address)
    page.get_by_text("Change where it stands").click()
    page.get_by_label("Act").select_option("nominate")
    page.locator("form[action$='/standing/']").get_by_label("Why").fill("it is ready to be judged")
    page.get_by_role("button", name="Record it").click()
    expect(page.locator("#standing + p")).to_contain_text("Candidate")


def invited(page, address: str) -> str:
    """A review is opened, and an expert's link made."""
    page.goto(f"{address}review/")
    page.get_by_role("button", name="Open the review").click()
    assert violations(page) == []
    page.get_by_role("button", name="Make a link").click()
    return page.get_by_label("Link", exact=True).input_value()


def decided(expert, verdict: str, reason: str) -> None:
    form = expert.locator(".decision-form")
    form.get_by_role("radio", name=verdict, exact=True).check()
    form.locator("[name=reason]").fill(reason)
    form.locator("[name=signed_as]").fill("Ida Berg")
    form.get_by_role("button", name="Sign the decision").click()
    expect(expert.locator("body")).to_contain_text("Your decision is signed")


def closed(page, reason: str) -> None:
    page.reload()
    page.locator("form[action$='/close/'] textarea").fill(reason)
    page.get_by_role("button", name="Close the review").click()


def entered(link: str, expert) -> None:
    expert.goto(link)
    assert violations(expert) == []
    expert.get_by_label("Your name").fill("Ida Berg")
    expert.get_by_role("button", name="Open the review room").click()
    expect(expert.get_by_text("You are here as Ida Berg")).to_be_visible()


def test_a_version_is_rejected_by_ear_mended_approved_and_compared(owner, expert, live_server):
    first = trained("the first of its line")
    address = live_server.url + page_of(first)
    nominated(owner, address)
    entered(invited(owner, address), expert)
    assert violations(expert) == []
    assert expert.evaluate("document.documentElement.scrollWidth") <= SCREENS["phone"]["width"]

    # a moment of the sound is taken by a key while it plays, and a comment leads back to it
    heard = expert.locator("[data-heard]").first
    heard.locator("audio[data-main]").evaluate(
        "audio => { audio.currentTime = 0.5; return audio.play(); }"
    )
    expert.keyboard.press("m")
    expect(heard.get_by_label("Comment")).to_be_focused()
    heard.locator("audio[data-main]").evaluate("audio => audio.pause()")
    assert float(heard.get_by_label("At second").input_value()) >= 0.5
    heard.get_by_label("Comment").fill("it buzzes here")
    heard.get_by_role("button", name=re.compile("^Keep the comment")).click()
    expect(heard.locator("[data-jump]")).to_be_visible()
    assert SoundComment.objects.get().at_s >= 0.5
    heard.locator("audio[data-main]").evaluate("audio => { audio.currentTime = 0; }")
    heard.locator("[data-jump]").click()
    expert.wait_for_function("() => document.querySelector('audio[data-main]').currentTime >= 0.5")
    expert.get_by_role("radio", name="Critical").check()
    expert.get_by_label("What did you find?").fill("buzz on soft notes")
    expert.get_by_role("button", name="Keep this finding").click()
    decided(expert, "Reject", "nobody would play through that")
    assert violations(expert) == []
    closed(owner, "the expert has spoken")
    owner.goto(address)
    expect(owner.locator("#standing + p")).to_contain_text("Rejected")
    expect(owner.get_by_text("Not for new campaigns")).to_be_visible()

    # the next version says why it is there, and what is other than before
    second = trained("less buzz on soft notes, by a longer training")
    address = live_server.url + page_of(second)
    owner.goto(f"{address}changes/")
    expect(owner.locator("main")).to_contain_text("less buzz on soft notes")
    assert violations(owner) == []
    nominated(owner, address)
    entered(invited(owner, address), expert)
    decided(expert, "Approve", "soft notes are clean")
    closed(owner, "the expert is content")
    assert [standing.of(one).state for one in (first, second)] == ["draft", "approved"]
    assert Decision.objects.count() == 2

    # compared on frozen items
    benchmark = a_benchmark(items=2)
    for version in (first, second):
        owner.goto(live_server.url + benchmark.get_absolute_url())
        owner.get_by_label("version").select_option(str(version.pk))
        owner.get_by_role("button", name="Enter it").click()
        expect(owner.locator("main")).to_contain_text(str(version))
    for entry in BenchmarkEntry.objects.all():
        jobs.run(entry.job_id)
        assert Job.objects.get(pk=entry.job_id).state == Job.State.DONE
    owner.goto(live_server.url + benchmark.get_absolute_url())
    expect(owner.get_by_role("table").first.locator("tbody tr")).to_have_count(2)
    assert violations(owner) == []

    # the card leaves as a file, and the record holds
    owner.goto(f"{address}card/")
    assert violations(owner) == []
    with owner.expect_download() as download:
        owner.get_by_role("button", name="Markdown").click()
    assert "never heard a bass" in download.value.path().read_text(encoding="utf-8")
    call_command("verify", stdout=io.StringIO())
    acts = set(AuditEvent.objects.values_list("act", flat=True))
    assert {"train", "state", "nominate", "reject", "approve"} <= acts
    assert owner.complaints == []
