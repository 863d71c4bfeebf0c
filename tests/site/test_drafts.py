"""A draft's page: what the lint finds, one click to mend it, and a launch with its warnings read."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from models_registry.models import AuditEvent
from tests.factories import mushra_campaign


@pytest.fixture
def draft(db):
    return mushra_campaign(launched=False)


def part(client, draft):
    """The findings as the campaign's page asks for them."""
    address = reverse("campaign-lint", args=[draft.slug])
    return client.get(address, headers={"HX-Request": "true"}).content.decode()


def test_the_page_of_a_draft_asks_for_the_findings(researcher, draft):
    text = researcher.get(draft.get_absolute_url()).content.decode()
    assert f'hx-get="{reverse("campaign-lint", args=[draft.slug])}"' in text


def test_findings_say_what_to_do_and_offer_to_do_it(researcher, draft):
    text = part(researcher, draft)
    assert "expected a part of consent in the plan, found none" in text
    assert "Ask for consent" in text
    assert "<html" not in text


def test_a_click_mends_and_says_what_it_did(researcher, draft):
    address = reverse("campaign-mend", args=[draft.slug])
    text = researcher.post(address, {"act": "consent"}, follow=True).content.decode()
    assert "Ask for consent" in text
    draft.refresh_from_db()
    assert draft.plan[0]["part"] == "consent"
    refused = researcher.post(address, {"act": "polish"}, follow=True).content.decode()
    assert "expected an act among" in refused


def test_warnings_must_be_read_and_go_into_the_record(researcher, draft):
    address = reverse("campaign-launch", args=[draft.slug])
    refused = researcher.post(address, follow=True).content.decode()
    assert "launch all the same" in refused
    draft.refresh_from_db()
    assert draft.state == "draft"
    researcher.post(address, {"despite": "on"})
    draft.refresh_from_db()
    assert draft.state == "open"
    event = AuditEvent.objects.get(act="launch")
    assert event.actor == "alice"
    assert {"consent", "training"} <= set(event.content["overridden"])


def test_a_draft_with_errors_offers_no_launch_and_is_not_launched(researcher, draft):
    draft.conditions.filter(role="anchor35").delete()
    text = part(researcher, draft)
    assert "3.5 kHz anchor" in text
    assert reverse("campaign-launch", args=[draft.slug]) not in text
    refused = researcher.post(
        reverse("campaign-launch", args=[draft.slug]), {"despite": "on"}, follow=True
    )
    assert "cannot be launched" in refused.content.decode()


def test_the_command_says_the_same_and_mends(draft, capsys):
    call_command("lint", draft.slug, "--mend", "consent", "--mend", "training")
    out, err = capsys.readouterr()
    assert "consent" not in out
    assert "warning: expected 5 items or more" in out
    assert "consent: plan: Ask for consent" in err
    call_command("lint", draft.slug, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert {"few-items"} <= {finding["code"] for finding in found}


def test_the_command_fails_on_errors(draft):
    draft.conditions.filter(role="anchor35").delete()
    with pytest.raises(SystemExit) as end:
        call_command("lint", draft.slug)
    assert end.value.code == 1
