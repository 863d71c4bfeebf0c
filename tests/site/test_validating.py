"""`validate` of a registered version: the gate against its parent, its page, a suite of one's own, and refusals."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening.faces.validation import badge, figures, text
from listening.validating import failure
from models_registry.models import ModelVersion, Study

jobs = pytest.importorskip("models_registry.engine.probes.jobs", reason="needs the extra 'engine'")

SUITE = """
title: Mine
probes:
  - {name: tone, kind: sine, frequency: 1000, tolerances: {gain: 0.5}}
  - {name: nothing, kind: silence, seconds: 0.2}
ladders:
  - name: hiss
    damage: white-noise
    at: [30, 0]
    sources: [speech-like voice]
    judged: {si-sdr: {limit: 15, tolerance: 1}}
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    # one process, this one: starting others takes longer than the work
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: 1)
    path = tmp_path / "mine.yaml"
    path.write_text(SUITE)
    return path


def test_a_version_that_got_louder_is_held_to_its_parent(version, suite, capsys, client, alice):
    """A gain of 6 dB more in the child: the tone's gain changes by more than the half decibel allowed."""
    chain = json.loads(json.dumps(version.chain))
    chain["blocks"].append({"id": "louder", "kind": "gain", "params": {"level": 6}})
    from models_registry.engine import Chain

    changed = Chain.from_spec(chain)
    with version.weights.open("rb") as file:
        before = file.read()
    path = suite.with_suffix(".safetensors")
    changed.save(path)
    assert path.read_bytes() != before
    child = ModelVersion.objects.register(
        version.model, chain=changed.spec(), weights=path.read_bytes(), card={}, reason="louder"
    )
    with pytest.raises(CommandError, match="worse than those of") as refusal:
        call_command("validate", str(child), "--suite", str(suite), "--format", "json")
    assert refusal.value.returncode == 1
    found = json.loads(capsys.readouterr().out)
    assert found["parent"] == str(version)
    assert found["verdict"] == "regressed"
    gain = found["probes"][0]["readings"][0]
    assert gain["worse"] > 0.5
    assert any(line.startswith("tone: gain") for line in found["regressions"])
    assert all(one["holds"] for one in found["blocks"])
    (ladder,) = found["ladders"]
    assert [row["n"] for row in ladder["metrics"][0]["lines"]["output"]] == [1, 1]

    client.force_login(alice)
    study = Study.objects.get(kind="validation")
    page = client.get(study.get_absolute_url())
    assert page.status_code == 200
    assert "Worse than" in page.text
    assert set(figures(found)) == {"overview", "probe-0", "ladder-0-0"}
    for name in figures(found):
        assert client.get(reverse("study-figure", args=[study.pk, name, "svg"])).status_code == 200
    assert badge(found).capitalize() in client.get(f"/models/{version.model.name}/").text
    assert badge(found).capitalize() in client.get("/models/").text
    assert "worse than" in text(found)


def test_the_form_takes_a_suite_in_a_file_and_says_what_is_wrong_with_it(version, client, alice):
    client.force_login(alice)
    address = reverse("study-ask", args=[version.model.name, version.number, "validation"])
    page = client.get(address).text
    assert 'type="file"' in page
    assert "multipart/form-data" in page
    sent = SimpleUploadedFile("mine.yaml", b"probes: [{name: a, kind: sinus}]")
    answer = client.post(address, {"suite": "standard", "own": sent})
    assert answer.status_code == 422
    assert "sinus" in answer.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--suite", "nowhere.yaml"], "expected a suite of standard, or a YAML or JSON file"),
    ],
)
def test_what_cannot_be_validated_gets_a_sentence(version, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("validate", str(version), *arguments)


def test_the_failure_point_lies_where_the_straight_line_crosses_the_limit():
    found = failure((40.0, 20.0, 0.0), [30.0, 10.0, 2.0], 15.0, 1, "dB", ordered=True)
    assert found == {"at": 25.0, "sentence": "fails from 25 dB on"}
    rising = failure((0.2, 1.0), [2.0, 6.0], 4.0, -1, "s", ordered=True)
    assert rising["at"] == pytest.approx(0.6)
    assert failure((1.0, 2.0), [1.0, 0.0], 5.0, 1, "", ordered=True)["at"] == 1.0
    mildest = failure((40.0, 20.0), [1.0, 0.0], 5.0, 1, "dB", ordered=True)
    assert mildest == {"at": 40.0, "sentence": "fails already at its mildest, 40 dB"}
    unknown = failure((40.0, 20.0), [None, 0.0], 5.0, 1, "dB", ordered=True)
    assert unknown["sentence"] == "fails from 20 dB on"
    band = failure((4_000.0, 1_000.0), [9.0, 4.0], 5.0, 1, "Hz", ordered=True)
    assert band["sentence"] == "fails from 1600 Hz on"
    assert failure(("a", "b"), [9.0, 1.0], 5.0, 1, "", ordered=False)["sentence"] == "fails at b"
    assert (
        failure((1.0, 2.0), [9.0, 8.0], 5.0, 1, "", ordered=True)["sentence"] == "holds throughout"
    )
