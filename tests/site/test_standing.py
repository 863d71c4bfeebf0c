"""A version's standing on the pages, and the gate through which versions enter campaigns."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from listening import composing
from listening.exchange import campaign_document
from listening.exchange.documents import Document, DocumentError
from listening.models import Campaign, Condition
from listening.models.campaign import CampaignError
from models_registry import standing, statements
from models_registry.models import AudioModel, AuditEvent, ModelVersion
from models_registry.teams import Role
from tests.factories import account, here, mushra_campaign

CHAIN = {"rate": 48_000, "blocks": [{"id": "gain", "kind": "gain", "params": {}}]}
HERE = {"name": "plain", "number": 1}


@pytest.fixture
def plain(db):
    """A version that needs no engine, and that nobody of the cast trained."""
    model = AudioModel.objects.create(name="plain", title="A plain one")
    made = ModelVersion.objects.register(
        model, chain=CHAIN, weights=b"none", card={}, reason="to be judged"
    )
    statements.write(made, intent="a", assumptions="b", caveats="c", actor="trainer")
    return made


@pytest.fixture
def rejected(plain):
    standing.nominate(plain, actor="trainer", reason="ready")
    standing.reject(plain, actor="carol", reason="it <b>clicks</b>")
    return plain


def acted(client, act, reason="because"):
    address = reverse("version-standing", kwargs=HERE)
    return client.post(address, {"act": act, "reason": reason}, follow=True).content.decode()


def test_an_owner_takes_a_version_from_draft_to_retired_on_its_page(researcher, plain):
    page = researcher.get(reverse("version", kwargs=HERE)).content.decode()
    assert "Make it a candidate" in page
    assert "Approve it" not in page
    assert "plain@1: candidate." in acted(researcher, "nominate")
    assert "plain@1: approved." in acted(researcher, "approve", "sounds right")
    assert AuditEvent.objects.get(act="approve").actor == "alice"
    assert 'state-approved">Approved' in researcher.get(reverse("models")).content.decode()
    assert (
        'state-approved">Approved'
        in researcher.get(reverse("model", args=["plain"])).content.decode()
    )
    assert "plain@1: retired." in acted(researcher, "retire")
    assert "Nothing was done: expected plain@1 to be" in acted(researcher, "approve")


def test_an_editor_proposes_and_does_not_decide(plain):
    account("ed", role=Role.EDITOR)
    client = Client()
    client.login(username="ed", password="ed's word")
    acted(client, "nominate")
    assert standing.of(plain).state == "candidate"
    refused = client.post(
        reverse("version-standing", kwargs=HERE), {"act": "approve", "reason": "x"}
    )
    assert refused.status_code == 403
    plain = ModelVersion.objects.get(pk=plain.pk)
    assert standing.of(plain).state == "candidate"


def test_how_often_a_model_is_reviewed_is_an_owners_to_say(researcher, plain):
    address = reverse("review-interval", args=["plain"])
    page = researcher.post(
        address, {"days": 90, "reason": "our rule"}, follow=True
    ).content.decode()
    assert "falls due for review after 90 days" in page
    assert AuditEvent.objects.get(act="review-every").content == {"before": None, "days": 90}
    researcher.post(address, {"days": "-1", "reason": "x"})
    assert AudioModel.objects.get(name="plain").review_days == 90


def test_a_rejection_is_said_wherever_the_version_is_and_its_reason_is_text(researcher, rejected):
    page = researcher.get(reverse("version", kwargs=HERE)).content.decode()
    assert "Rejected, a draft again" in page
    assert "it &lt;b&gt;clicks&lt;/b&gt;" in page
    for address in (reverse("models"), reverse("model", args=["plain"]), reverse("campaign-new")):
        assert "ejected, a draft again" in researcher.get(address).content.decode()
    told = researcher.get("/api/versions/plain@1/").json()["standing"]
    assert (told["state"], told["rejected"]) == ("draft", True)
    assert "plain@1 was rejected on" in told["barred"]


# the gate


def document(campaign, slug="entering"):
    """A document that wants what `campaign` has, and the version."""
    data = composing.describe(campaign) | {"slug": slug}
    data["conditions"][-1]["version"] = "plain@1"
    return data


def composed(data):
    checked = campaign_document.checked(data, name="it")
    return composing.compose(Document("it", checked), project=here(), actor="alice")


def test_no_document_brings_a_barred_version_in_without_an_owners_word(rejected):
    data = document(mushra_campaign(items=1))
    with pytest.raises(
        DocumentError, match=r"conditions.*expected no barred version: plain@1 was rejected"
    ):
        composed(data)
    assert not Campaign.objects.filter(slug="entering").exists()
    standing.allow(rejected, actor="alice", reason="as a bad example")
    composed(data)
    assert rejected.allowances.get().used_for == "entering"
    with pytest.raises(DocumentError, match="expected no barred version"):
        composed(document(Campaign.objects.get(slug="tones"), slug="second"))


def test_the_api_and_the_web_refuse_it_too(researcher, rejected):
    data = document(mushra_campaign(items=1))
    refused = researcher.post("/api/campaigns/", json.dumps(data), content_type="application/json")
    assert refused.status_code == 400
    assert "plain@1 was rejected" in json.dumps(refused.json())
    form = {"title": "New", "method": "mushra", "source": "renderings", "versions": [rejected.pk]}
    page = researcher.post(reverse("campaign-new"), form).content.decode()
    assert "Plain@1 was rejected on" in page


def test_a_draft_whose_version_was_rejected_meanwhile_is_not_launched(plain):
    campaign = composed(document(mushra_campaign(items=1)))
    standing.nominate(plain, actor="trainer", reason="ready")
    standing.reject(plain, actor="carol", reason="it clicks")
    assert any("plain@1 was rejected" in one for one in campaign.problems())
    with pytest.raises(CampaignError, match="plain@1 was rejected"):
        campaign.launch(actor="alice")
    standing.allow(plain, actor="alice", reason="it is what is asked")
    campaign.launch(actor="alice")
    assert plain.allowances.get().used_for == "entering"


def test_an_edit_of_a_draft_brings_no_barred_version_in_but_keeps_what_it_holds(rejected):
    campaign = mushra_campaign(items=1, launched=False)
    data = document(campaign, slug=campaign.slug)

    def edited(data):
        checked = campaign_document.checked(data, name="it")
        before = composing.content_hash(campaign)
        composing.replace(
            campaign, Document("it", checked), started_from=before, person=None, actor="alice"
        )

    with pytest.raises(DocumentError, match="expected no barred version"):
        edited(data)
    Condition.objects.filter(campaign=campaign, name=data["conditions"][-1]["name"]).update(
        version=rejected
    )
    edited(data | {"title": "Another title"})
    assert Campaign.objects.get(pk=campaign.pk).title == "Another title"
