"""From a folder of files to a listener at the first page, in a browser and without a command line."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from listening.models import Campaign
from tests.browser.test_accessibility import reader, violations
from tests.factories import account
from tests.site.test_making import folder

__all__ = ["reader"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_folder_becomes_an_open_test_that_a_listener_meets(reader, live_server, tmp_path):
    page, found = reader, []
    for name, wave in folder().items():
        path = tmp_path / "mytest" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wave)
    account("alice")
    page.goto(f"{live_server.url}/login/?next=/campaigns/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's word")
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("button", name="New campaign").click()
    found += violations(page)
    page.get_by_label("Title").fill("Which is better?")
    page.get_by_label("Or a folder").set_input_files(tmp_path / "mytest")
    page.get_by_role("button", name="Show the table").click()

    expect(page.get_by_role("heading", level=2)).to_contain_text("3 items by 3 conditions")
    expect(page.get_by_label("Role of ref")).to_have_value("reference")
    found += violations(page)
    page.get_by_role("button", name="Make the draft").click()

    expect(page.locator("#lint table")).to_be_visible()
    page.get_by_role("button", name="Ask for consent").click()
    expect(page.locator(".messages")).to_contain_text("Ask for consent")

    page.get_by_role("button", name="Edit this draft").click()
    # beside the fields the page of a listener follows what is typed, and where
    seen = page.frame_locator("iframe")
    expect(seen.locator("h1")).to_contain_text("compared with the reference")
    agreement = page.locator(".plan textarea").first
    agreement.fill("Do you agree, dear listener?")
    expect(seen.locator("main")).to_contain_text("Do you agree, dear listener?")
    found += violations(page)
    page.get_by_label("Listeners wanted").fill("20")
    # Enter saves, and does not press the first button of a part
    page.get_by_label("Listeners wanted").press("Enter")
    expect(page.locator(".messages")).to_have_text("Saved.")
    found += violations(page)
    page.get_by_role("link", name="Document").click()
    assert "quota: 20" in page.get_by_label("The whole campaign").input_value()
    found += violations(page)

    page.get_by_role("link", name="Preview").click()
    found += violations(page)
    page.get_by_role("button", name="Open page 2").click()
    expect(page.locator(".preview-bar")).to_be_visible()
    expect(page.locator("#play")).to_be_enabled()
    found += violations(page)
    page.get_by_role("link", name="All pages").click()
    page.locator(".breadcrumb").get_by_role("link", name="Which is better?").click()

    page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Launch").click()
    link = page.get_by_label("Link for listeners").input_value()

    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_text("Do you agree, dear listener?")).to_be_visible()
    campaign = Campaign.objects.get(preview_of=None)
    assert (campaign.state, campaign.quota, campaign.sessions.count()) == ("open", 20, 1)
    assert found == []


def test_a_lost_connection_costs_a_piece_and_not_the_whole(reader, live_server, tmp_path):
    """Every second piece is lost on its way; the table still comes, and each byte is sent once beside those."""
    page = reader
    for name, wave in folder("{item}_{condition}.wav").items():
        (tmp_path / name).write_bytes(wave)
    account("alice")
    page.goto(f"{live_server.url}/login/?next=/campaigns/new/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's word")
    page.get_by_role("button", name="Sign in").click()
    seen: dict[str, int] = {}

    def lose_the_first(route):
        address = route.request.url
        seen[address] = seen.get(address, 0) + 1
        route.abort() if seen[address] == 1 else route.continue_()

    page.route("**/parcels/*/*/**", lose_the_first)
    # until the scripts run, the form sends its files as any other
    page.wait_for_load_state()
    page.get_by_label("Title").fill("Which is better?")
    page.get_by_label("Sounds, or a zip").set_input_files(sorted(tmp_path.glob("*.wav")))
    page.get_by_role("button", name="Show the table").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("3 items by 3 conditions")
    assert list(seen.values()) == [2] * 9
