"""Studies of a version: asked on a page, by the API and by a command; answered once, on a page that keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening.understanding import FACES
from listening.views.guide import pages
from models_registry import audio, jobs, studying
from models_registry.audio import Audio
from models_registry.models import AuditEvent, Job, Signal, Study
from models_registry.studying import StudyError
from tests.factories import stored_tone, tone

ABLATION = {
    "version": "overdrive@1",
    "sha256": "0" * 64,
    "material": "2 sounds",
    "measure": "esr",
    "effects": [
        {
            "parts": ["pre"],
            "treatment": "removed",
            "difference_db": -12.5,
            "level_db": None,
            "spectral": 0.25,
            "loss": None,
            "metrics": {"nmr": {"mean": None, "n": 0}},
        }
    ],
    "unscored": {"nmr": "the sound is too short"},
    "shares": [{"part": "pre", "share": 0.75, "low": 0.5, "high": 0.9, "n": 2}],
}


@pytest.mark.parametrize("kind", ["ablation", "adapters", "congruence", "validation"])
def test_of_a_version_whose_weights_are_gone_every_kind_says_what_to_do(version, kind):
    """Explanations, inspections and counterfactuals have tests of their own."""
    version.weights.storage.delete(version.weights.name)
    failure = jobs.work_here(
        studying.here(version, kind, {}, actor="alice").job, lambda share, message: None
    )
    assert isinstance(failure, StudyError)
    assert "expected the weights of overdrive@1" in str(failure)
    assert "restore their file, or train it again" in str(failure)


def of_ablation(version) -> Study:
    """A study that is over, with what the page draws."""
    job = Job.objects.create(
        kind="study", state=Job.State.DONE, arguments={"actor": "alice"}, project=version.project
    )
    return Study.objects.create(version=version, kind="ablation", result=ABLATION, job=job)


@pytest.fixture
def echo(monkeypatch):
    """A kind of study that keeps the sound it was given, softer."""

    def run(version, settings, told):
        told(0.5, "listening")
        (signal,) = studying.sounds_of(settings["signals"])
        soft = Audio(np.float32(0.5) * signal.audio().samples, signal.rate)
        kept = studying.keep_sound(version, soft, title="softer", how="echo")
        return {"heard": [kept], "loud": settings["loud"]}

    kind = studying.Kind("echo", "Echo", "What comes back.", {"signals": [], "loud": 1.0}, run)
    monkeypatch.setitem(studying.kinds(), "echo", kind)
    return kind


def test_a_study_keeps_what_it_found_what_it_made_and_an_event(version, echo):
    source = stored_tone(440)
    asked = {"signals": [source.sha256], "loud": 2}
    study = studying.here(version, "echo", asked, actor="alice")
    assert jobs.work_here(study.job, lambda share, message: None) is None
    study.refresh_from_db()
    softer = study.signals.get()
    assert study.result == {"heard": [softer.sha256], "loud": 2}
    assert softer.audio().samples == pytest.approx(source.audio().samples / 2)
    assert set(study.environment) == {"python", "torch", "numpy", "scipy"}
    event = AuditEvent.objects.get(act="study")
    assert (event.actor, event.project) == ("alice", version.project)
    assert event.content["settings"] == asked
    assert event.content["version"] == version.sha256


@pytest.mark.parametrize(
    ("kind", "asked", "sentence"),
    [
        ("echoes", {}, "expected one of .*echo.*, found the study 'echoes'"),
        ("echo", {"loudness": 1}, "expected settings among loud, signals, found 'loudness'"),
        ("echo", {"loud": "very"}, "expected loud to be a float, found 'very'"),
        ("echo", {"loud": True}, "expected loud to be a float, found 'True'"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_is_stored(
    version, echo, kind, asked, sentence
):
    with pytest.raises(StudyError, match=sentence):
        studying.queue(version, kind, asked, actor="alice")
    assert not Study.objects.exists()


def test_a_sound_that_is_gone_fails_the_study_with_a_sentence(version, echo):
    study = studying.here(version, "echo", {"signals": ["f" * 64]}, actor="alice")
    failure = jobs.work_here(study.job, lambda share, message: None)
    assert isinstance(failure, StudyError)
    assert str(failure) == "expected stored signals, found none of hash ffffffffffff"
    study.refresh_from_db()
    assert (study.job.state, study.result) == (Job.State.FAILED, {})


def test_a_study_that_is_asked_to_stop_keeps_nothing(version, echo):
    study = studying.here(version, "echo", {"signals": [stored_tone(440).sha256]}, actor="alice")
    lease = jobs.Lease(study.job)
    lease.stop()
    with pytest.raises(jobs.Stopped):
        studying.answer(lease)
    study.refresh_from_db()
    assert study.result == {}
    assert not AuditEvent.objects.filter(act="study").exists()


def test_the_page_asks_the_worker_answers_and_the_version_says_so(researcher, version):
    signal = stored_tone(330)
    signal.holders.add(version.project)
    address = reverse("study-ask", args=["overdrive", 1, "ablation"])
    assert b"Shapley" not in researcher.get(address).content
    sent = researcher.post(address, {"signals": [signal.pk], "metrics": []})
    study = Study.objects.get()
    assert sent.headers["Location"] == study.get_absolute_url()
    assert study.settings == {
        "signals": [signal.sha256], "pairs": False, "metrics": [], "retrain": False,
    }  # fmt: skip
    waiting = researcher.get(study.get_absolute_url()).content.decode()
    assert 'id="progress"' in waiting
    jobs.run(study.job.pk)
    text = researcher.get(study.get_absolute_url()).content.decode()
    assert "Without it" in text
    figure = researcher.get(reverse("study-figure", args=[study.pk, "shares", "svg"]))
    assert figure["Content-Type"] == "image/svg+xml"
    said = researcher.get(reverse("version", args=["overdrive", 1])).content.decode()
    assert study.get_absolute_url() in said
    assert "does the most" in said
    kept = json.loads(researcher.get(reverse("study-json", args=[study.pk])).content)
    assert kept["result"]["version"] == "overdrive@1"
    assert (
        researcher.get(reverse("study-figure", args=[study.pk, "none", "svg"])).status_code == 404
    )


def test_the_api_asks_and_reads(researcher, version):
    signal = stored_tone(330)
    signal.holders.add(version.project)
    asked = {"version": "overdrive@1", "kind": "ablation", "settings": {"signals": [signal.sha256]}}
    sent = researcher.post("/api/studies/", asked, content_type="application/json")
    assert sent.status_code == 202
    read = researcher.get(f"/api/studies/{sent.json()['id']}/").json()
    assert (read["version"], read["kind"], read["job"]["state"]) == (
        "overdrive@1", "ablation", "queued",
    )  # fmt: skip
    hidden = Signal.objects.store(tone(550), title="of another project")
    others = {"kind": "explanation", "settings": {"reference": hidden.sha256}}
    unknown = {"settings": {"signals": ["f" * 64]}}
    for wrong in ({"kind": "none"}, unknown, {"settings": {"a": 1}}, others):
        refused = researcher.post(
            "/api/studies/", {**asked, **wrong}, content_type="application/json"
        )
        assert refused.status_code == 400


def test_a_version_without_its_weights_is_a_sentence(version, tmp_path):
    path = tmp_path / "tone.wav"
    audio.write(path, tone(440))
    version.weights.storage.delete(version.weights.name)
    with pytest.raises(CommandError):
        call_command("ablate", "overdrive@1", str(path))


def test_every_kind_has_a_face_a_command_and_a_place_in_the_guide():
    known = studying.kinds()
    assert set(FACES) == set(known) - {"echo"}
    guide = str(pages()["understanding"].html)
    for kind in known.values():
        assert f">{kind.title}</h2>" in guide


def filled(researcher, study):
    """What the form that asks again is filled with, sent as a browser would."""
    address = reverse("study-ask", args=["overdrive", 1, study.kind])
    page = researcher.get(address, {"again": study.pk})
    initial = page.context["form"]
    data = {
        name: value
        for name in initial.fields
        if (value := initial[name].value()) not in (None, "", []) and value is not False
    }
    return initial, data


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("ablation", {"pairs": True, "metrics": ["peaq-odg"], "retrain": False}),
        ("explanation", {
            "method": "relevance", "target": "energy@0.1-0.2", "start": 0.0, "seconds": 0.3, "checks": False,
        }),
        ("inspection", {"condition": "", "start": 0.25, "seconds": 0.5}),
        ("congruence", {"sensitivity": False}),
        ("counterfactual", {"target": "si-sdr>=10", "change": ["drive"], "reference": "output", "sparse": True}),
    ],
)  # fmt: skip
def test_asking_again_begins_with_what_was_asked(researcher, version, kind, wanted):
    signal = stored_tone(330)
    signal.holders.add(version.project)
    study = studying.queue(version, kind, {"signals": [signal.sha256], **wanted}, actor="alice")
    link = f"{reverse('study-ask', args=['overdrive', 1, kind])}?again={study.pk}"
    assert link in researcher.get(study.get_absolute_url()).content.decode()
    form, data = filled(researcher, study)
    sent = researcher.post(reverse("study-ask", args=["overdrive", 1, kind]), data)
    assert sent.status_code == 302, form.errors
    again = Study.objects.exclude(pk=study.pk).get()
    assert again.settings == study.settings


def test_a_reference_is_asked_with_again(researcher, version):
    signal, reference = stored_tone(330), stored_tone(440)
    for one in (signal, reference):
        one.holders.add(version.project)
    settings = {"signals": [signal.sha256], "reference": reference.sha256, "target": "loss:esr"}
    study = studying.queue(version, "explanation", settings, actor="alice")
    _, data = filled(researcher, study)
    assert (data["signals"], data["reference"]) == ([signal.pk], reference.pk)
    listed = researcher.get(reverse("studies", args=["overdrive", 1])).content.decode()
    assert "target: loss:esr" in listed
    assert reference.sha256 not in listed


def test_sounds_that_studies_made_are_no_material_but_can_be_heard(researcher, version, echo):
    source = stored_tone(440)
    source.holders.add(version.project)
    study = studying.here(version, "echo", {"signals": [source.sha256]}, actor="alice")
    assert jobs.work_here(study.job, lambda share, message: None) is None
    softer = study.signals.get()
    page = researcher.get(reverse("study-ask", args=["overdrive", 1, "ablation"]))
    offered = dict(page.context["form"].fields["signals"].widget.choices)
    assert source.pk in offered
    assert softer.pk not in offered
    assert researcher.get(reverse("signal", args=[softer.sha256])).status_code == 200
    # what was chosen before is offered again, whatever it is
    again = studying.queue(version, "ablation", {"signals": [softer.sha256]}, actor="alice")
    page = researcher.get(
        reverse("study-ask", args=["overdrive", 1, "ablation"]), {"again": again.pk}
    )
    assert softer.pk in dict(page.context["form"].fields["signals"].widget.choices)
