"""`explain` of a registered version: what it prints, writes and keeps, how its page looks, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import explaining
from listening.ablating import material
from models_registry import audio, jobs
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.models import ModelVersion, Signal, Study
from tests.factories import stored_tone, tone

pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")


@pytest.fixture
def explained(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("explain", *map(str, arguments))
        return capsys.readouterr().out

    return run


@pytest.fixture
def sound(tmp_path):
    """A soft hum all the time, and a loud tone of 1 kHz from 0.2 to 0.4 s."""
    time = np.arange(22_050) / 44_100
    loud = 0.4 * np.sin(2 * np.pi * 1_000 * time) * ((time > 0.2) & (time < 0.4))
    samples = (loud + 0.01 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    path = tmp_path / "loud.wav"
    audio.write(path, Audio(samples[None], 44_100))
    return path


def test_the_map_points_at_what_is_loud_and_what_is_written_can_be_heard(
    version, sound, explained, tmp_path
):
    arguments = ("overdrive@1", sound, "--method", "relevance", "--no-checks")
    found = json.loads(explained(*arguments, "--out", tmp_path / "out", "--format", "json"))
    assert (found["version"], found["material"]) == ("overdrive@1", "loud")
    tiles = found["tiles"]
    values = np.array(tiles["values"])
    assert values.sum() == pytest.approx(found["total"], rel=1e-4)
    band, step = np.unravel_index(values.argmax(), values.shape)
    assert tiles["edges_hz"][band] < 1_000 < tiles["edges_hz"][band + 1]
    assert 0.15 < tiles["edges_s"][step] < 0.4
    assert found["error"] <= 0.01
    assert [row["part"] for row in found["ledger"]][0] == "the target itself"
    out = tmp_path / "out"
    heard, relevant, rest = (
        audio.read(next(out.glob(f"*-{one['sha256'][:8]}.wav"))).samples for one in found["sounds"]
    )
    np.testing.assert_allclose(relevant + rest, heard, atol=1e-6)
    kept = {one["sha256"] for one in found["sounds"]}
    assert set(Study.objects.get().signals.values_list("sha256", flat=True)) == kept
    assert {"map.svg", "map.pdf", "explanation.json"} < {path.name for path in out.iterdir()}
    # silence is all that the relevant part leaves of the tone
    assert found["sounds"][1]["value"] > 0.8 * found["value"]


def test_a_terminal_says_where_and_how_sure(version, sound, explained):
    out = explained("overdrive", sound, "--method", "gradient-input", "--target", "energy@0.2-0.4")
    assert "energy of the output, 0.2 to 0.4 s" in out
    assert "most is made from" in out
    assert "planted cues found in" in out
    assert "standard errors better than 20 random orders" in out


def test_parameters_are_named_in_their_units(version, sound, explained):
    found = json.loads(
        explained(
            "overdrive", sound, "--of", "parameters", "--method", "occlusion", "--format", "json"
        )  # fmt: skip
    )
    rows = {row["parameter"]: row for row in found["parameters"]}
    assert rows["drive.drive"]["unit"] == "dB"
    parts = [abs(row["part"]) for row in found["parameters"]]
    assert parts == sorted(parts, reverse=True)
    assert "began at" in explained(
        "overdrive", sound, "--of", "parameters", "--method", "gradient-input"
    )


def test_a_test_clip_is_held_against_what_its_recipe_judges(db, settings, tmp_path, explained):
    settings.HOME, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    call_command(
        "train", "overdrive", "--reason", "to be explained", verbosity=0,
        **{"set": ["training.steps=4", "training.batch=2", "training.segment=8192", "data.seconds=2"]},
    )  # fmt: skip
    asked = ("--target", "loss:esr", "--method", "gradient-input", "--no-checks")
    found = json.loads(explained("overdrive@1", *asked, "--format", "json"))
    assert found["material"].endswith("test clips of the recipe overdrive")
    version = ModelVersion.objects.get()
    (clip, *_), _, _ = material(version)
    (output,) = engine().ablation.outputs(version.load().double(), [clip])
    error = (output - clip.target).square().sum() / clip.target.square().sum()
    assert found["value"] == pytest.approx(error.item(), rel=1e-5)


def test_a_metric_is_explained_by_occlusion(version, sound, explained):
    asked = ("--target", "metric:integrated-loudness", "--method", "occlusion", "--seconds", "0.45")
    found = json.loads(explained("overdrive", sound, *asked, "--no-checks", "--format", "json"))
    assert found["target"]["unit"] == "LUFS"
    # loudness goes with the tone
    values, edges = np.array(found["tiles"]["values"]), found["tiles"]["edges_hz"]
    band, _ = np.unravel_index(values.argmax(), values.shape)
    assert edges[band] < 1_000 < edges[band + 1]


def test_the_page_shows_the_map_the_sounds_the_checks_and_the_ledger(researcher, version):
    signal = stored_tone(330)
    signal.holders.add(version.project)
    address = reverse("study-ask", args=["overdrive", 1, "explanation"])
    assert b"Go on for (s)" in researcher.get(address).content
    sent = researcher.post(
        address,
        {
            "signals": [signal.pk],
            "method": "relevance",
            "of": "signal",
            "target": "energy",
            "start": "0",
            "seconds": "0.3",
            "checks": "on",
        },
    )
    study = Study.objects.get()
    assert sent.headers["Location"] == study.get_absolute_url()
    jobs.run(study.job.pk)
    text = researcher.get(study.get_absolute_url()).content.decode()
    for words in ("Can it be believed?", "The ledger", "The relevant part alone", "Planted cues"):
        assert words in text
    assert text.count("<audio") == 3
    for name in ("map", "courses"):
        figure = researcher.get(reverse("study-figure", args=[study.pk, name, "svg"]))
        assert figure["Content-Type"] == "image/svg+xml"
    for one in study.__class__.objects.get().result["sounds"]:
        assert researcher.get(reverse("signal", args=[one["sha256"]])).status_code == 200


def test_a_page_says_which_checks_the_method_fails():
    checks: dict[str, dict[str, object]] = {
        "planted": {"found": 6, "cases": 10, "passed": False},
        "curves": {"deletion_z": -2.0, "passed": False},
        "randomised": {"correlation": 0.97, "passed": False},
    }
    said = explaining.remarks({"value": 1.0, "checks": checks, "error": 0.03, "absorbed": 0.9})
    assert len(said) == 5
    assert "in 6 of 10 cases" in said[0]
    assert "2.0 standard errors worse" in said[1]
    assert "rank correlation 0.97" in said[2]
    assert "3.0 %" in said[3]
    assert "0.9 of 1 belongs to no part" in said[4]
    passed = {name: {**one, "passed": True} for name, one in checks.items()}
    assert explaining.remarks({"checks": passed, "error": 1e-9, "absorbed": 0.0}) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--target", "metric:pesq-wb"), "has no gradient, so .* take the method occlusion"),
        (("--target", "metric:pesq-wb", "--method", "occlusion"), "compares with a reference: expected one"),
        (("--target", "metric:none", "--method", "occlusion"), "none"),
        (("--target", "loss:esr"), "told against a reference"),
        (("--target", "loudness"), "expected energy"),
        (("--start", "9"), "expected a start before its end at 0.5 s"),
        (("--as", "tape"), "expected a condition that overdrive@1 knows"),
        (("--of", "parameters", "--method", "relevance"), "of the signal alone"),
        (("--out", "."), "expected an empty or a new folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_gets_a_sentence(version, sound, explained, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        explained("overdrive@1", sound, *arguments)


@pytest.mark.parametrize("target", ["enrgy", "move:drive.drive", "metric:pesk", "loss:none"])
def test_a_mistyped_target_is_refused_by_the_form_and_nothing_is_queued(
    researcher, version, target
):
    address = reverse("study-ask", args=["overdrive", 1, "explanation"])
    asked = {"method": "occlusion", "of": "signal", "target": target, "start": "0", "seconds": "0"}
    sent = researcher.post(address, asked)
    assert sent.status_code == 422
    assert "xpected" in str(sent.context["form"].non_field_errors())
    assert not Study.objects.exists()


def test_a_long_sound_is_refused_with_the_way_to_cut_it(version, explained, tmp_path):
    path = tmp_path / "long.wav"
    audio.write(path, tone(440, duration=21))
    with pytest.raises(CommandError, match="at most 20 s, found 21.0 s: cut it, as by --start 0"):
        explained("overdrive@1", path)
    assert not Signal.objects.filter(title="long").exists()


def test_a_version_without_its_weights_gets_a_sentence(version, sound, explained):
    version.weights.storage.delete(version.weights.name)
    with pytest.raises(CommandError, match="restore their file, or train it again"):
        explained("overdrive@1", sound)


def test_a_constant_is_refused_at_any_rate(version, explained, tmp_path):
    """Resampled it would have edges, which are no part of it."""
    path = tmp_path / "constant.wav"
    audio.write(path, Audio(np.full((1, 8_000), 0.2, np.float32), 16_000))
    with pytest.raises(CommandError, match="a signal that changes, found a constant"):
        explained("overdrive@1", path)
