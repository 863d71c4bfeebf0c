"""Rendering many by many and adding a device: by page, command and API, as jobs that can be stopped."""

from __future__ import annotations

import html
import io
import re
from functools import partial

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command
from django.urls import reverse
from rest_framework.test import APIClient
from scipy.signal import lfilter

pytest.importorskip("torch", reason="needs the extra 'engine'")

import torch

from models_registry import jobs, rendering
from models_registry.audio import Audio, read, write
from models_registry.engine import Chain, adoption, render
from models_registry.engine.conditions import programme
from models_registry.models import (
    AudioModel,
    AuditEvent,
    Job,
    ModelVersion,
    Rendering,
    Signal,
)
from models_registry.rendering import RenderError
from tests.factories import here, stored_tone

RATE = 16_000


def text_of(response):
    words = re.sub(r"<[^>]*>", " ", response.content.decode())
    return " ".join(html.unescape(words).split())


CHAIN = {
    "version": 1,
    "rate": RATE,
    "blocks": [{"id": "response", "kind": "graphic-equaliser"}],
    "adapters": [
        {
            "kind": "embedding",
            "targets": {"response.levels": 0.5},
            "size": 64,
            "names": ["phone", "hall: rear"],
        }
    ],
}


@pytest.fixture
def devices(db, tmp_path):
    """A version that knows two devices, of which one is set apart."""
    torch.manual_seed(0)
    chain = Chain.from_spec(CHAIN)
    with torch.no_grad():
        chain.get_parameter("adapters.0.points")[0] = 0.3
    chain.save(tmp_path / "devices.safetensors")
    model = AudioModel.objects.create(name="device", title="Devices")
    return ModelVersion.objects.register(
        model,
        chain=chain.spec(),
        weights=(tmp_path / "devices.safetensors").read_bytes(),
        card={"purpose": "to be tested"},
        reason="the first",
    )


@pytest.fixture
def hurried(monkeypatch):
    """A tenth of the steps: how near a device is found is told elsewhere."""
    monkeypatch.setattr(adoption, "STEPS", 12)


def done(job):
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def wav(name, samples):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, RATE, subtype="FLOAT", format="WAV")
    buffer.seek(0)
    buffer.name = name
    return buffer


def new_device(tmp_path):
    """Ten seconds before and after a resonance that scipy runs."""
    dry = programme(10.0, RATE, [1])
    wet = lfilter([1.0, -1.2, 0.55], [1.0, -0.9, 0.4], dry).astype(np.float32)
    for name, samples in (("dry", dry), ("wet", wet)):
        write(tmp_path / f"{name}.wav", Audio(samples, RATE))
    return dry, wet


def test_versions_render_signals_each_by_each_as_one_job(researcher, devices, version):
    first, second = stored_tone(440), stored_tone(660)
    page = researcher.get(reverse("render") + "?version=device@1:phone")
    assert "device@1 as phone" in text_of(page)
    asked = {
        "versions": ["device@1:phone", "device@1", "overdrive@1"],
        "signals": [first.pk, second.pk],
    }
    answer = researcher.post(reverse("render"), asked)
    job = done(Job.objects.get(kind="render"))
    assert answer.url == reverse("job", args=[job.pk])
    assert job.message == "6 renderings: 2 signal(s) by device@1:phone, device@1, overdrive@1"
    outputs = {
        (one.made_by, one.input_id): one.output.sha256
        for one in Rendering.objects.select_related("version__model", "output")
    }
    assert outputs["device@1:phone", first.pk] != outputs["device@1", first.pk]
    # the same as the chain itself says, under that condition
    again = rendering.load(devices, "phone")
    sound = first.audio()
    kept = Rendering.objects.get(version=devices, condition="phone", input=first).output.audio()
    np.testing.assert_array_equal(render(again, sound.samples, sound.rate), kept.samples)
    assert "Hear what device@1 rendered" in text_of(researcher.get(answer.url))
    shown = text_of(researcher.get(reverse("version", args=["device", 1])))
    assert "none in particular" in shown
    assert AuditEvent.objects.filter(act="render", content__condition="phone").count() == 2


def test_a_stopped_rendering_goes_on_where_it_was(devices, db):
    signals = [stored_tone(hertz) for hertz in (440, 550, 660)]
    job = rendering.queue(["device@1"], signals, actor="alice", project=here())
    told = []

    def stops(self, share, message=""):
        told.append(message)
        self.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.Lease, "report", stops)
        done(job)
    assert (job.state, Rendering.objects.count()) == ("stopped", 1)
    assert job.message == "stopped after 1 of 3 renderings; run again to go on"
    assert told == [f"1 of 3: device@1 of {signals[0].title}"]
    jobs.resume(job)
    assert done(job).state == "done"
    assert Rendering.objects.count() == 3


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        (
            ["device@1:cellar"],
            "a condition that device@1 knows, found 'cellar'; known: phone, hall: rear",
        ),
        ([], "at least one model version and one signal, found none"),
    ],
)
def test_what_cannot_be_rendered_is_refused_before_it_is_queued(devices, versions, sentence):
    with pytest.raises(RenderError, match=sentence):
        rendering.queue(versions, [stored_tone(440)], actor="alice", project=here())
    assert not Job.objects.exists()


def test_a_form_without_sounds_is_refused(researcher, devices):
    answer = researcher.post(reverse("render"), {"versions": ["device@1"]})
    assert answer.status_code == 422
    assert "Expected at least one model version and one signal, found none." in text_of(answer)


def test_the_command_names_a_condition_after_a_colon(devices, tmp_path, capsys):
    new_device(tmp_path)
    command = partial(call_command, "render")
    command(
        "device:phone,device@1:hall: rear",
        str(tmp_path / "dry.wav"),
        "--out",
        str(tmp_path / "out"),
    )
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["dry.device@1.hall- rear.wav", "dry.device@1.phone.wav"]
    assert set(Rendering.objects.values_list("condition", flat=True)) == {"phone", "hall: rear"}
    with pytest.raises(CommandError, match="found 'attic'"):
        command("device:attic", str(tmp_path / "dry.wav"))


def test_a_new_device_is_adopted_from_the_page(researcher, devices, hurried, tmp_path):
    dry, wet = new_device(tmp_path)
    address = reverse("adopt", args=["device", 1])
    assert "device@1 knows phone, hall: rear" in text_of(researcher.get(address))
    asked = {
        "name": "kitchen",
        "reason": "it booms at 120 Hz",
        "dry": wav("dry.wav", dry),
        "wet": wav("wet.wav", wet),
    }
    answer = researcher.post(address, asked)
    job = done(Job.objects.get(kind="adopt"))
    assert job.state == "done", job.message
    made = ModelVersion.objects.get(number=2)
    assert job.message.startswith(
        "registered device@2, which knows kitchen: its levels by band are"
    )
    assert made.knows == ["phone", "hall: rear", "kitchen"]
    assert made.parent == devices
    adopted = made.card["adopted"]
    assert adopted["levels_after_db"] < 0.7 * adopted["levels_before_db"]
    assert adopted["seconds"] == pytest.approx(10)
    assert "See device@2, which knows kitchen" in text_of(researcher.get(answer.url))
    shown = text_of(researcher.get(reverse("version", args=["device", 2])))
    assert "with one more device, kitchen, from 10.0 s of its sound" in shown
    assert AuditEvent.objects.get(act="adopt").content["name"] == "kitchen"
    # asked again, the job makes nothing twice
    Job.objects.filter(pk=job.pk).update(state="queued")
    assert done(job).message == "device@2 was already registered"


def test_the_command_and_the_api_adopt_too(devices, hurried, alice, tmp_path, capsys):
    new_device(tmp_path)
    files = ["--dry", str(tmp_path / "dry.wav"), "--wet", str(tmp_path / "wet.wav")]
    call_command("adopt", "device", "kitchen", *files, "--reason", "it rattles")
    assert "registered device@2, which knows kitchen" in capsys.readouterr().out
    assert ModelVersion.objects.get(number=2).reason == "it rattles"
    with pytest.raises(CommandError, match="a new name, found 'kitchen', which device@2 knows"):
        call_command("adopt", "device", "kitchen", *files, "--reason", "it booms")
    client = APIClient()
    client.force_authenticate(alice)
    dry, wet = (Signal.objects.get(title=side).sha256 for side in ("dry", "wet"))
    given = {"name": "cellar", "dry": [dry], "wet": [wet]}
    unsaid = client.post("/api/versions/device@2/adopt/", given, format="json")
    assert "expected a reason for a version that knows cellar" in unsaid.json()["detail"]
    given["reason"] = "it rings"
    answer = client.post("/api/versions/device@2/adopt/", given, format="json")
    assert answer.status_code == 202
    assert done(Job.objects.get(pk=answer.json()["id"])).message.startswith("registered device@3")
    assert client.get("/api/versions/device@3/").json()["knows"][-1] == "cellar"
    given["name"] = "a: b"
    refused = client.post("/api/versions/device@2/adopt/", given, format="json")
    assert "without colon, comma and slash" in refused.json()["detail"]


def test_what_cannot_be_adopted_is_refused_and_nothing_is_kept(
    researcher, devices, version, tmp_path
):
    dry, wet = new_device(tmp_path)
    before = Signal.objects.count()
    address = reverse("adopt", args=["device", 1])
    sent = {
        "name": "phone",
        "reason": "thin",
        "dry": wav("dry.wav", dry),
        "wet": wav("wet.wav", wet),
    }
    assert "Expected a new name, found" in text_of(researcher.post(address, sent))
    sent = {
        "name": "kitchen",
        "reason": "boom",
        "dry": wav("dry.wav", dry),
        "wet": wav("wet.wav", 0 * wet),
    }
    assert "found silence" in text_of(researcher.post(address, sent))
    assert Signal.objects.count() == before
    assert not Job.objects.filter(kind="adopt").exists()
    none = text_of(researcher.get(reverse("adopt", args=["overdrive", 1])))
    assert "overdrive@1 knows no devices by name" in none


def test_a_recording_that_is_too_short_fails_with_a_sentence(devices, tmp_path):
    new_device(tmp_path)
    whole = read(tmp_path / "wet.wav")
    write(tmp_path / "short.wav", Audio(whole.samples[:, :RATE], RATE))
    files = ["--dry", str(tmp_path / "dry.wav"), "--wet", str(tmp_path / "short.wav")]
    with pytest.raises(CommandError, match="wet: expected at least 4.1 s of sound"):
        call_command("adopt", "device", "kitchen", *files, "--reason", "it booms")
    assert ModelVersion.objects.count() == 1
