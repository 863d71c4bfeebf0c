"""What one project has, nobody of another gets hold of; and lists ask the database no more for more rows."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient

from listening import composing
from listening.models import Campaign, TokenNote
from models_registry.models import AudioModel, AuditEvent, Job, ModelVersion, Signal
from models_registry.teams import Membership, Project, Role
from tests.api.test_api import wav
from tests.factories import account, here, mushra_campaign, stored_tone


@pytest.fixture
def lab(db):
    """The first project, with somebody in it."""
    account("alice")
    return here()


@pytest.fixture
def stranger(lab):
    """The owner of another project."""
    user = account("mallory")
    user.memberships.all().delete()
    Project.objects.make("Elsewhere", owner=user)
    return user


@pytest.fixture
def elsewhere(stranger):
    client = Client()
    client.force_login(stranger)
    return client


@pytest.fixture
def api(stranger):
    client = APIClient()
    client.force_authenticate(stranger)
    return client


def owned(project):
    rows = (Campaign, AudioModel, Job, AuditEvent)
    return [row.objects.filter(project=project).count() for row in rows] + [project.signals.count()]


def test_what_somebody_makes_is_their_project_s(lab, elsewhere, api):
    sha256 = api.post("/api/signals/", {"file": wav()}, format="multipart").json()["sha256"]
    document = composing.describe(mushra_campaign(items=1, launched=False))
    before = owned(lab)
    mine = Project.objects.get(slug="elsewhere")
    document |= {
        "slug": "mine",
        "items": [{"title": "t", "reference": f"sha256:{sha256}", "stimuli": {}}],
        "conditions": [{"name": "reference", "role": "reference"}],
    }
    made = api.post("/api/campaigns/", document, format="json")
    assert made.json().get("project") == "elsewhere", made.json()
    asked = {"pairs": [{"signal": sha256}], "metrics": ["crest-factor"]}
    assert api.post("/api/scores/", asked, format="json").json()["project"] == "elsewhere"
    elsewhere.post(reverse("score-files"), {"degraded": wav(), "metrics": ["crest-factor"]})
    assert owned(lab) == before
    campaigns, _, jobs, events, signals = owned(mine)
    assert (campaigns, jobs, signals) == (1, 2, 1)
    assert events >= 3


@pytest.fixture
def theirs(lab):
    """A sound that only the lab has."""
    return stored_tone(555.0)


def test_a_hash_alone_opens_no_sound_of_another_project(elsewhere, api, theirs):
    assert elsewhere.get(reverse("signal", args=[theirs.sha256])).status_code == 404
    document = {
        "format": "earwitness-campaign/1",
        "slug": "mine",
        "title": "Mine",
        "method": "mushra",
        "conditions": [{"name": "reference", "role": "reference"}],
        "items": [{"title": "t", "reference": f"sha256:{theirs.sha256}"}],
    }
    document["format"] = composing.describe(mushra_campaign(items=1, launched=False))["format"]
    refused = api.post("/api/campaigns/", document, format="json")
    assert refused.status_code == 400
    assert "expected the hash of a stored signal" in refused.json()["detail"]
    asked = {"pairs": [{"signal": theirs.sha256}], "metrics": ["crest-factor"]}
    refused = api.post("/api/scores/", asked, format="json")
    assert (refused.status_code, Job.objects.count()) == (400, 0)


def test_the_same_sound_sent_again_is_both_projects(api, elsewhere, lab):
    first = stored_tone(440.0)
    sent = api.post("/api/signals/", {"file": wav(frequency=440.0)}, format="multipart").json()
    signal = Signal.objects.get(sha256=sent["sha256"])
    assert {one.slug for one in signal.holders.all()} >= {"elsewhere"}
    assert elsewhere.get(reverse("signal", args=[signal.sha256])).status_code == 200
    assert lab.signals.filter(pk=first.pk).exists()


def test_a_draft_takes_no_sound_of_another_project_by_its_document(stranger, elsewhere, theirs):
    mine = mushra_campaign(slug="mine", items=1, launched=False)
    Campaign.objects.filter(pk=mine.pk).update(project=Project.objects.get(slug="elsewhere"))
    data = composing.describe(mine)
    data["items"][0]["reference"] = f"sha256:{theirs.sha256}"
    answer = elsewhere.post(
        reverse("campaign-document", args=["mine"]),
        {"text": json.dumps(data), "started_from": composing.content_hash(mine)},
    )
    assert answer.status_code == 422
    assert elsewhere.get(reverse("signal", args=[theirs.sha256])).status_code == 404


def test_an_editor_launches_over_no_warning(lab):
    campaign = mushra_campaign(items=1, launched=False)
    answers = {}
    for role in (Role.EDITOR, Role.OWNER):
        client = Client()
        client.force_login(account(str(role.value), role=role))
        address = reverse("campaign-launch", args=[campaign.slug])
        answers[role] = client.post(address, {"despite": "on"})
    assert answers[Role.EDITOR].status_code == 403
    assert "This takes an owner of the project" in answers[Role.EDITOR].content.decode()
    assert answers[Role.OWNER].status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "open"


def test_a_token_may_only_read_and_acts_as_its_owner(lab, client):
    owner = account("owner")
    client.force_login(owner)
    page = client.post(
        reverse("api"), {"name": "the dashboard", "days": 30, "only_reads": "on"}
    ).content.decode()
    token = page.split('readonly value="')[1].split('"')[0]
    script = APIClient(headers={"Authorization": f"Token {token}"})
    campaign = mushra_campaign()
    address = f"/api/campaigns/{campaign.slug}/"
    assert script.get(address).status_code == 200
    refused = script.post(f"{address}score/")
    assert (refused.status_code, "only read" in refused.json()["detail"]) == (403, True)
    listed = client.get(reverse("api")).content.decode()
    assert "the dashboard" in listed
    assert "reads only" in listed
    event = AuditEvent.objects.get(act="token")
    assert event.content == {"name": "the dashboard", "only_reads": True, "days": 30}
    Membership.objects.filter(user=owner).delete()
    assert script.get(address).status_code == 404
    assert script.get("/api/campaigns/").json()["results"] == []


def test_a_token_that_may_change_does_as_its_owner_may(lab):
    for role, status in ((Role.READER, 403), (Role.EDITOR, 202)):
        person = account(str(role.value), role=role)
        _, token = TokenNote.objects.make(person, name="a script", only_reads=False, days=1)
        script = APIClient(headers={"Authorization": f"Token {token}"})
        campaign = mushra_campaign(slug=f"of-{role.value}", items=1)
        assert script.post(f"/api/campaigns/{campaign.slug}/score/").status_code == status


def test_a_token_without_a_name_or_for_ever_is_not_made(lab, client):
    client.force_login(account("owner"))
    for asked in ({"name": "", "days": 30}, {"name": "x", "days": 4000}):
        assert client.post(reverse("api"), asked).status_code == 422
    assert AuthToken.objects.count() == 0


def test_several_projects_are_told_apart_by_name(stranger, api):
    Project.objects.make("Third", owner=stranger)
    unsaid = api.post("/api/signals/", {"file": wav()}, format="multipart")
    assert unsaid.status_code == 400
    assert "elsewhere, third" in unsaid.json()["detail"]
    said = api.post("/api/signals/?project=third", {"file": wav()}, format="multipart")
    assert said.status_code == 201
    assert Project.objects.get(slug="third").signals.count() == 1
    foreign = api.post(f"/api/signals/?project={here().slug}", {"file": wav()}, format="multipart")
    assert foreign.status_code == 403


LISTS = ["campaigns", "models", "jobs", "projects", "scores", "record", "home"]
OF_API = ["campaigns", "models", "jobs", "signals", "sessions"]


def test_lists_ask_the_database_no_more_for_more_rows(lab, client):
    alice = Membership.objects.get(user__username="alice").user
    client.force_login(alice)
    Project.objects.make("Second", owner=alice)
    pages = [reverse(name) for name in LISTS] + [f"/api/{name}/" for name in OF_API]
    pages.append(reverse("project", args=[lab.slug]))
    few = asked_by(client, pages, lab, 2)
    many = asked_by(client, pages, lab, 4)
    assert many == few


def asked_by(client, pages, lab, number):
    """How many queries each page takes once there are so many more rows of everything."""
    for one in range(number):
        name = f"{number}-{one}"
        mushra_campaign(slug=name, items=1)
        model = AudioModel.objects.create(name=name, title=name)
        ModelVersion.objects.create(
            model=model, number=1, chain={}, sha256=name, weights_sha256=name, reason="a test"
        )
        Job.objects.create(kind="render")
        account(name)
    found = {}
    for page in pages:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(page).status_code == 200, page
        found[page] = len(queries)
    return found
