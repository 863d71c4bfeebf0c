"""The API: what a script reads and asks for, as the pages show and do it."""

from __future__ import annotations

import io
import json

import pytest
import soundfile
from django.core.management import call_command
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient

from listening.api.urls import router
from listening.composing import describe
from listening.models import Campaign, Rating
from models_registry.jobs import run
from models_registry.models import AuditEvent, Job, Signal
from tests.factories import mushra_campaign, tone

pytestmark = pytest.mark.django_db

LISTS = [f"/api/{prefix}/" for prefix, _, _ in router.registry]


def wav(name="tone.wav", frequency=440.0):
    file = io.BytesIO()
    sound = tone(frequency)
    soundfile.write(file, sound.samples.T, sound.rate, format="WAV")
    file.seek(0)
    file.name = name
    return file


@pytest.mark.parametrize("address", LISTS)
def test_nobody_without_a_token_is_answered(address):
    for client in (APIClient(), APIClient(headers={"Authorization": "Token 0123"})):
        assert client.get(address).status_code == 401


@pytest.mark.parametrize("address", LISTS)
def test_every_list_answers(api, rated, address):
    assert api.get(address).status_code == 200


def test_who_is_signed_in_needs_no_token(alice):
    client = APIClient()
    client.force_login(alice)
    assert client.get("/api/campaigns/").status_code == 200


def test_a_campaign_tells_how_far_it_is(api, rated):
    shown = api.get(f"/api/campaigns/{rated.slug}/").json()
    assert (shown["state"], shown["listeners"], shown["simulated"], shown["finished"]) == (
        "open",
        3,
        3,
        3,
    )


def test_ratings_are_those_of_the_table_and_say_who_is_no_person(api, rated):
    rows = api.get("/api/ratings/", {"campaign": rated.slug, "page_size": 1000}).json()["results"]
    assert len(rows) == Rating.objects.counted().count() == 30
    assert all(row["simulated"] for row in rows)
    stored = Rating.objects.get(pk=rows[7]["id"])
    assert (rows[7]["value"], rows[7]["condition"]) == (
        stored.value,
        stored.stimulus.condition.name,
    )
    assert api.get("/api/ratings/", {"campaign": "other"}).json()["results"] == []


def test_a_list_is_walked_to_its_end_by_its_cursor(api, rated):
    seen, address = [], "/api/ratings/?page_size=7"
    while address:
        page = api.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == sorted(seen)
    assert len(set(seen)) == 30


def test_a_session_does_not_show_its_key(api, rated):
    session = rated.sessions.first()
    text = api.get(f"/api/sessions/{session.pk}/").content.decode()
    assert str(session.token) not in text


def test_the_analysis_is_the_command_s(api, rated, capsys):
    call_command("analyse", rated.slug, "--format", "json")
    assert api.get(f"/api/campaigns/{rated.slug}/analysis/").json() == json.loads(
        capsys.readouterr().out
    )


def test_an_analysis_without_ratings_says_why(api):
    campaign = mushra_campaign()
    assert "No ratings" in api.get(f"/api/campaigns/{campaign.slug}/analysis/").json()["problem"]


def test_a_campaign_goes_from_document_to_open_and_closed(api):
    document = describe(mushra_campaign(launched=False)) | {"slug": "copy"}
    made = api.post("/api/campaigns/", document, format="json")
    assert made.status_code == 201
    assert api.get("/api/campaigns/copy/document/").json() == document
    found = api.get("/api/campaigns/copy/lint/").json()
    assert {one["code"] for one in found} >= {"consent", "training"}
    assert (
        api.post("/api/campaigns/copy/mend/", {"act": "consent"}, format="json").status_code == 200
    )
    refused = api.post("/api/campaigns/copy/launch/", {}, format="json")
    assert refused.status_code == 400
    assert "despite" in refused.json()["detail"]
    assert (
        api.post("/api/campaigns/copy/launch/", {"despite": True}, format="json").json()["state"]
        == "open"
    )
    link = api.get("/api/campaigns/copy/invitation/").json()["link"]
    assert APIClient().get(link).status_code == 200
    for act, said, state in (
        ("pause", {"reason": "a defect headphone"}, "paused"),
        ("resume", {}, "open"),
        ("change", {"quota": 12, "reason": "two were ill"}, "open"),
        ("revise", {"reason": "item 1 clips"}, "draft"),
    ):
        turned = api.post(f"/api/campaigns/copy/{act}/", said, format="json")
        assert turned.json()["state"] == state
    assert api.post("/api/campaigns/copy-2/discard/", {}, format="json").status_code == 400
    gone = api.post("/api/campaigns/copy-2/discard/", {"reason": "a slip"}, format="json")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.post("/api/campaigns/copy/close/", {}, format="json").status_code == 400
    closed = api.post("/api/campaigns/copy/close/", {"reason": "enough"}, format="json")
    assert closed.json()["state"] == "closed"
    acts = AuditEvent.objects.filter(subject__contains="copy").values_list("act", "actor")
    every = ["build", "plan", "launch", "pause", "resume", "change", "revise", "delete", "close"]
    assert set(acts) >= {(act, "alice") for act in every}
    reasons = dict(AuditEvent.objects.exclude(reason="").values_list("act", "reason"))
    assert reasons == {
        "pause": "a defect headphone",
        "change": "two were ill",
        "revise": "item 1 clips",
        "delete": "a slip",
        "close": "enough",
    }
    assert Campaign.objects.get(slug="copy").owner.username == "alice"


def test_a_document_that_is_none_is_refused_with_every_problem(api):
    answer = api.post("/api/campaigns/", {"slug": "a b", "colour": 1}, format="json")
    assert answer.status_code == 400
    assert len(answer.json()["problems"]) > 3
    assert api.post("/api/campaigns/", [1], format="json").status_code == 400


def test_a_sound_is_kept_once_and_others_refused(api):
    first = api.post("/api/signals/", {"file": wav(), "title": "a tone"}, format="multipart")
    assert first.status_code == 201
    assert first.json()["title"] == "a tone"
    again = api.post("/api/signals/", {"file": wav("other.wav")}, format="multipart")
    assert again.json()["sha256"] == first.json()["sha256"]
    assert Signal.objects.count() == 1
    broken = io.BytesIO(b"RIFF no sound")
    broken.name = "broken.wav"
    refused = api.post("/api/signals/", {"file": broken}, format="multipart")
    assert refused.status_code == 400
    assert "broken.wav" in refused.json()["detail"]


def test_scoring_is_a_job_that_can_be_stopped(api, rated):
    job = api.post(f"/api/campaigns/{rated.slug}/score/").json()
    assert (job["kind"], job["state"]) == ("score-campaign", "queued")
    assert api.post(f"/api/jobs/{job['id']}/stop/").json()["state"] == "stopped"
    assert api.post(f"/api/jobs/{job['id']}/resume/").json()["state"] == "queued"
    assert AuditEvent.objects.filter(act="stop", actor="alice").exists()


def test_unknown_signals_and_versions_are_refused(api):
    known = api.post("/api/signals/", {"file": wav()}, format="multipart").json()["sha256"]
    for sha256, sentence in (
        ("0" * 64, "expected stored signals"),
        (known, "expected a registered version"),
    ):
        asked = {"versions": ["nobody"], "signals": [sha256]}
        answer = api.post("/api/renderings/", asked, format="json")
        assert answer.status_code == 400
        assert sentence in answer.json()["detail"]
    assert not Job.objects.exists()


def test_a_recipe_is_one_that_is_shipped(api):
    answer = api.post("/api/runs/", {"recipe": "/etc/passwd", "reason": "x"}, format="json")
    assert answer.status_code == 400
    assert "expected a recipe among" in answer.json()["detail"]


def test_a_token_is_shown_once_and_ends_when_told(client, alice):
    client.force_login(alice)
    page = client.post(reverse("api"), {"name": "a script", "days": 30}).content.decode()
    token = page.split('readonly value="')[1].split('"')[0]
    script = APIClient(headers={"Authorization": f"Token {token}"})
    assert script.get("/api/campaigns/").status_code == 200
    listed = client.get(reverse("api")).content.decode()
    assert token not in listed
    client.post(reverse("token-end", args=[AuthToken.objects.get().token_key]))
    assert script.get("/api/campaigns/").status_code == 401


def test_one_ends_only_one_s_own_tokens(client, alice, django_user_model):
    made, _ = AuthToken.objects.create(django_user_model.objects.create_user("bob"))
    client.force_login(alice)
    assert client.post(reverse("token-end", args=[made.token_key])).status_code == 404
    assert AuthToken.objects.count() == 1


def test_the_page_of_the_api_lists_every_operation_of_its_schema(client, alice):
    client.force_login(alice)
    text = client.get(reverse("api")).content.decode()
    paths = client.get(reverse("rest:schema")).json()["paths"]
    assert len(paths) > 20
    for path in paths:
        assert path in text


def test_a_session_is_excluded_taken_back_and_forgotten(api, rated):
    session = rated.sessions.first()
    address = f"/api/sessions/{session.pk}"
    shown = api.post(f"{address}/exclude/", {"reason": "an echo"}, format="json").json()
    assert shown["excluded_because"] == "an echo"
    assert api.post(f"{address}/exclude/", {"reason": "again"}, format="json").status_code == 400
    shown = api.post(f"{address}/include/", {"reason": "next door"}, format="json").json()
    assert shown["excluded_at"] is None
    count = session.pages.count() * 5
    done = api.post(f"{address}/forget/", {"ratings": "delete"}, format="json")
    assert done.json() == {"ratings": "delete", "number": count}
    assert api.get(f"{address}/").status_code == 404


def test_stored_signals_are_scored_by_a_job(api):
    sounds = [
        api.post("/api/signals/", {"file": wav(frequency=frequency)}, format="multipart").json()[
            "sha256"
        ]
        for frequency in (440.0, 660.0)
    ]
    pair = {"signal": sounds[1], "reference": sounds[0]}
    asked = {"pairs": [pair], "metrics": ["snr", "crest-factor"]}
    job = api.post("/api/scores/", asked, format="json").json()
    assert (job["kind"], job["arguments"]["metrics"]) == ("score-signals", ["snr", "crest-factor"])
    run(job["id"])
    found = api.get("/api/scores/", {"signal": sounds[1]}).json()["results"]
    assert {(one["metric"], one["reference"], one["status"]) for one in found} == {
        ("snr", sounds[0], "ok"),
        ("crest-factor", None, "ok"),
    }
    assert {one["lag_undone"] for one in found} == {False}
    job = api.post("/api/scores/", asked | {"align": True}, format="json").json()
    run(job["id"])
    found = api.get("/api/scores/", {"signal": sounds[1], "metric": "snr"}).json()["results"]
    assert [one["lag_undone"] for one in found] == [False, True]
    unknown = {"pairs": [{"signal": "0" * 64}]}
    assert "found no 000" in api.post("/api/scores/", unknown, format="json").json()["detail"]
    asked["metrics"] = ["loudness of taste"]
    assert api.post("/api/scores/", asked, format="json").status_code == 400
