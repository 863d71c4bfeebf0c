"""`congruence` of a registered version: what it tells, what it says it cannot tell, and its page and card."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse

from models_registry import audio
from models_registry.audio import Audio
from models_registry.models import Study
from tests.engine.cast import noise

pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "noise.wav"
    swell = 1 + 0.8 * np.sin(np.linspace(0, 40, 66_150))
    audio.write(path, Audio(noise(1, 66_150, level=0.05) * swell.astype(np.float32), 44_100))
    return path


@pytest.fixture
def asked(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("congruence", *map(str, arguments))
        return capsys.readouterr().out

    return run


def test_features_are_told_and_what_there_is_no_answer_to_is_said(version, sound, asked):
    found = json.loads(asked("overdrive@1", sound, "--brief", "--format", "json"))
    assert found["material"] == "1 sound"
    assert {row["pattern"] for row in found["similarities"]} == {"excitation", "modulation"}
    for row in found["similarities"]:
        assert row["low"] <= row["value"] <= row["high"]
        assert row["clips"] == 1
    assert (found["layouts"], found["masking"], found["listeners"]) == ([], None, [])
    said = " ".join(found["remarks"])
    assert "No part divides the spectrum" in said
    assert "no targets" in said


def test_the_page_the_card_and_the_table_show_the_same_numbers(
    version, sound, asked, researcher, monkeypatch
):
    from models_registry.engine import congruence
    from models_registry.engine.congruence.tasks import TASKS

    shorter = partial(congruence.thresholds, tasks=TASKS[:1])
    monkeypatch.setattr(congruence, "thresholds", shorter)
    narrower = partial(congruence.masking_curve, probes=(-1.0, 0.0))
    monkeypatch.setattr(congruence, "masking_curve", narrower)
    out = asked("overdrive@1", sound)
    assert "the ear alone (internal noise" in out
    study = Study.objects.get()
    alone, behind, _ = study.result["listeners"]
    (yardstick,) = alone["thresholds"]
    # calibrated where people are
    assert yardstick["low"] < yardstick["human"][0] < yardstick["high"]
    ratio = behind["thresholds"][0]["ratio"]
    assert f"× {ratio:.2f}" in out
    page = researcher.get(study.get_absolute_url()).content.decode()
    assert "not people" in page
    assert "Jesteadt" in page
    assert f'<td class="n">{ratio:.2f}</td>' in page
    for name in ("similarities", "thresholds", "curves"):
        figure = researcher.get(reverse("study-figure", args=[study.pk, name, "svg"]))
        assert figure.content.startswith(b"<?xml")
    card = researcher.get(reverse("version", args=["overdrive", 1])).content.decode()
    assert f"needs {ratio:.1f} to {ratio:.1f} times people" in card
    assert "Agreement with hearing" in card or "Card</h2>" not in card


def test_a_chain_without_adapters_is_said_to_have_no_features(db, settings, tmp_path, asked):
    settings.HOME, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    call_command(
        "train", "device", "--reason", "to be heard", verbosity=0,
        **{"set": ["training.steps=2", "training.batch=2", "data.seconds=4", "data.count=2"]},
    )  # fmt: skip
    found = json.loads(asked("device@1", "--brief", "--format", "json"))
    assert any("hears no signal" in one for one in found["remarks"])
    assert found["similarities"] == []
    assert found["layouts"][0]["nearest"] == "octave"
    assert 0 <= found["masking"]["energy"] <= 1
    assert found["masking"]["clips"] > 1
