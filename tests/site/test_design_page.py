"""The design of a campaign: in its document, in the editor, counted on its page, by the command and by the API."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import composing, sessions
from listening.exchange import campaign_document
from listening.exchange.documents import DocumentError
from listening.models import Campaign
from tests.factories import here, mushra_campaign
from tests.site.test_editing import edit, filled

DESIGN = {"order": "williams", "repeats": 1, "hold_hours": 2.5, "blocks": [["tone 1"], ["tone 2"]]}


@pytest.fixture
def draft(db):
    return mushra_campaign(items=2, launched=False)


def page_of(campaign):
    return reverse("campaign-design", args=[campaign.slug])


def test_a_design_goes_through_the_document_and_back(draft):
    data = composing.describe(draft) | {"slug": "copy", "design": DESIGN}
    text = campaign_document.dump(data, form="yaml")
    made = composing.compose(
        campaign_document.parse(text, name="copy.yaml"), project=here(), actor="alice"
    )
    assert made.design == DESIGN
    assert composing.describe(made) == data


@pytest.mark.parametrize(
    ("design", "told"),
    [
        ({"order": "latin"}, "expected one of random, williams"),
        ({"items": 9}, "expected items from 1 to 2"),
        ({"rows": 3}, "expected keys among order"),
    ],
)
def test_a_document_with_a_design_that_cannot_be_says_where(draft, design, told):
    data = composing.describe(draft) | {"slug": "copy", "design": design}
    text = campaign_document.dump(data, form="yaml")
    with pytest.raises(DocumentError, match=r"line \d+.*" + told):
        composing.compose(
            campaign_document.parse(text, name="copy.yaml"), project=here(), actor="alice"
        )
    assert not Campaign.objects.filter(slug="copy").exists()


def test_the_editor_has_a_field_for_each_of_its_keys(researcher, draft):
    changed = {
        "design-order": "williams",
        "design-repeats": "1",
        "design-hold_hours": "2.5",
        "design-blocks": "- [tone 1]\n- [tone 2]",
    }
    saved = researcher.post(edit(draft), filled(researcher, edit(draft)) | changed)
    assert saved.status_code == 302
    draft.refresh_from_db()
    assert draft.design == DESIGN
    refused = researcher.post(edit(draft), filled(researcher, edit(draft)) | {"design-items": "9"})
    assert refused.status_code == 422
    assert "expected items from 1 to 2" in refused.content.decode()


def test_the_page_counts_what_is_planned_and_what_was_done(researcher, draft):
    assert "Everybody hears everything" in researcher.get(page_of(draft)).content.decode()
    Campaign.objects.filter(pk=draft.pk).update(design={"order": "williams"})
    shown = researcher.get(page_of(draft), {"sessions": 10}).content.decode()
    assert "even after 10 completed sessions" in " ".join(shown.split())
    table = researcher.get(
        reverse("campaign-design-table", args=[draft.slug]), {"sessions": 10}
    ).content.decode()
    assert table.splitlines()[0] == "item,condition,place,presentations"
    # two items, five conditions, five places, each twice
    assert [line.split(",")[-1] for line in table.splitlines()[1:]] == ["2"] * 50
    draft.refresh_from_db()
    draft.launch(actor="alice")
    session = sessions.start(draft)
    for page in session.pages.all():
        session.finish_page(page)
    shown = " ".join(researcher.get(page_of(draft)).content.decode().split())
    assert "By 1 finished session that count." in shown


def test_a_draft_that_could_not_be_launched_says_so_instead(researcher, draft):
    draft.conditions.filter(role="reference").delete()
    shown = researcher.get(page_of(draft)).content.decode()
    assert "one hidden reference among the conditions, found 0" in shown


def test_the_command_and_the_api_count_alike(alice, draft, capsys):
    from rest_framework.test import APIClient

    Campaign.objects.filter(pk=draft.pk).update(design={"order": "williams"})
    call_command("design", draft.slug, "--sessions", "10", "--format", "json")
    counted = json.loads(capsys.readouterr().out)
    # two items, ten rows: each of five conditions stands in each place four times
    assert set(counted["places"]["system one"].values()) == {4}
    client = APIClient()
    client.force_login(alice)
    shown = client.get(f"/api/campaigns/{draft.slug}/design/", {"sessions": 10}).json()
    assert shown["planned"] == counted
    assert shown["even_after"] == 10
    assert shown["done"]["sessions"] == 0
    call_command("design", draft.slug)
    assert "one condition after another: 4" in capsys.readouterr().out
    with pytest.raises(CommandError, match="1 to 500 sessions, found 501"):
        call_command("design", draft.slug, "--sessions", "501")
