"""The record and where a number comes from, by the API: as on the pages, and no more than there."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from listening import lineage
from listening.models import Rating
from listening.provenance import trace
from listening.verifying import CHECKS
from models_registry import audit
from models_registry.audit import Break
from models_registry.models import AuditEvent
from models_registry.teams import Project
from models_registry.verifying import verify
from tests.factories import account, here

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger():
    client = APIClient()
    client.force_authenticate(
        account("stranger", project=Project.objects.create(name="Else", slug="else"))
    )
    return client


def test_events_are_read_by_pieces_and_by_what_they_tell_of(api):
    for number in range(3):
        audit.record("note", f"thing {number}", actor="alice", project=here())
    first = api.get("/api/record/?page_size=2").json()
    assert [one["number"] for one in first["results"]] == [1, 2]
    rest = api.get(first["next"]).json()["results"]
    assert rest[0]["previous_sha256"] == first["results"][1]["sha256"]
    assert api.get("/api/record/?subject=thing 1").json()["results"][0]["number"] == 2
    assert api.get("/api/record/?act=launch").json()["results"] == []
    assert api.get("/api/record/3/").json()["sha256"] == AuditEvent.objects.last().sha256


def test_the_head_tells_the_last_event_and_what_verifying_came_to(api, stranger):
    assert api.get("/api/record/head/").json()["number"] == 0
    event = audit.record("note", "thing", actor="alice", project=here())
    report = verify(CHECKS)
    report.breaks = [Break("event 1 (note thing)", "it was changed", event)]
    report.kept(actor="alice")
    told = api.get("/api/record/head/").json()
    assert (told["number"], told["sha256"]) == (1, event.sha256)
    assert told["verification"]["holds"] is False
    assert told["verification"]["breaks"] == [
        {"where": "event 1 (note thing)", "what": "it was changed"}
    ]
    others = stranger.get("/api/record/head/").json()["verification"]
    assert (others["number_of_breaks"], others["breaks"]) == (1, [])
    assert stranger.get("/api/record/").json()["results"] == []
    assert stranger.get("/api/record/1/").status_code == 404


def test_provenance_is_what_the_page_and_the_command_tell(api, stranger, rated):
    name = f"rating/{Rating.objects.earliest('pk').pk}"
    found = trace(name, user=None)
    told = api.get(f"/api/provenance/{name}/").json()
    assert [one["name"] for one in told["nodes"]] == list(found.nodes)
    assert len(told["edges"]) == len(found.edges)
    document = api.get(f"/api/provenance/{name}/prov-json/").json()
    assert document == lineage.as_prov_json(found, base="http://testserver/provenance/")
    for way in ("", "prov-json/"):
        assert stranger.get(f"/api/provenance/{name}/{way}").status_code == 404
    refused = api.get("/api/provenance/horoscope/1/")
    assert refused.status_code == 404
    assert "expected KIND/NAME" in refused.json()["detail"]
