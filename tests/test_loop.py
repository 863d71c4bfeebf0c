"""The commands of the loop, as a researcher would type them."""

from __future__ import annotations

import csv
import json

import numpy as np
import openpyxl
import pytest
from django.core.management import CommandError, call_command

from listening import demonstration
from listening.models import Campaign, Rating
from models_registry import audio, training
from models_registry.audio import Audio
from models_registry.models import AuditEvent, Job, ModelVersion, Signal

pytest.importorskip("torch", reason="the extra 'engine' is not installed")
pytestmark = pytest.mark.django_db(transaction=True)

SHORT = {
    "training.steps": "6",
    "training.batch": "2",
    "training.validate_every": "3",
    "training.checkpoint_every": "3",
    "data.seconds": "1",
}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    settings.MEDIA_ROOT = settings.HOME / "media"
    return settings.HOME


@pytest.fixture
def short_recipes(monkeypatch):
    """Recipes that train for a moment: what is tested is the loop, not the learning."""
    load = training.load_recipe
    monkeypatch.setattr(
        training,
        "load_recipe",
        lambda name, overrides=None, *, quick=False: load(
            name, {**SHORT, **(overrides or {})}, quick=quick
        ),
    )


@pytest.fixture
def dry_folder(tmp_path):
    folder = tmp_path / "dry"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        t = np.arange(2 * 44_100) / 44_100
        tone = 0.3 * np.sin(2 * np.pi * rng.uniform(200, 400) * t) * np.exp(-t)
        audio.write(folder / f"{name}.wav", Audio(tone[None].astype(np.float32), 44_100))
    return folder


def printed(capsys, *command):
    capsys.readouterr()
    call_command(*command)
    return capsys.readouterr().out


def refused(*command):
    with pytest.raises(CommandError) as error:
        call_command(*command)
    assert error.value.returncode == 2
    return str(error.value)


def test_the_demo_closes_the_loop_and_can_be_run_again_also_with_other_recordings(
    short_recipes, dry_folder, home, capsys
):
    demo = ("demo", "--quick", "--no-serve", "--audio", str(dry_folder))
    first = printed(capsys, *demo)
    assert "password" in first
    assert first.count("SIMULATED") >= 4
    counts = [model.objects.count() for model in (Campaign, Rating, ModelVersion, Signal)]
    assert counts[:3] == [2, 20 * 2 * 5 + 12 * 2 * 4, 2]

    again = printed(capsys, *demo)
    assert "password" not in again
    assert [m.objects.count() for m in (Campaign, Rating, ModelVersion, Signal)] == counts
    assert "are as they were recorded" in printed(capsys, "verify")

    analysis = json.loads(printed(capsys, "analyse", "demo-mushra", "--format", "json"))
    assert analysis["simulated"] is True
    assert {row["condition"] for row in analysis["conditions"]} == {
        "reference",
        "anchor 3.5 kHz",
        "anchor 7 kHz",
        "overdrive@1",
        "overdrive-adapter@1",
    }
    correlation = json.loads(printed(capsys, "correlate", "demo-mushra", "--format", "json"))
    assert correlation["simulated"] is True

    exported = home / "exports" / "demo-mushra.csv"
    rows = list(csv.DictReader(exported.open(encoding="utf-8")))
    assert len(rows) == 20 * 2 * 5
    assert {row["simulated"] for row in rows} == {"True"}
    version = ModelVersion.objects.named("overdrive@1")
    of_version = [row for row in rows if row["condition"] == "overdrive@1"]
    assert {row["weights_sha256"] for row in of_version} == {version.weights_sha256}
    assert {row["signal"] for row in of_version} == {
        rendering.output.sha256 for rendering in version.renderings.all()
    }
    book = openpyxl.load_workbook(home / "exports" / "demo-abx.xlsx")
    assert {"ratings", "screening", "about"} <= set(book.sheetnames)

    # other recordings of the same names are another campaign
    sound = audio.read(dry_folder / "one.wav")
    audio.write(dry_folder / "one.wav", Audio(sound.samples[:, ::-1].copy(), sound.rate))
    assert "campaigns/demo-mushra-2/" in printed(capsys, *demo)
    assert Campaign.objects.count() == 4


def test_recordings_of_one_name_in_two_folders_are_two_items(dry_folder):
    (dry_folder / "more").mkdir()
    audio.write(dry_folder / "more" / "one.wav", audio.read(dry_folder / "one.wav"))
    assert set(demonstration.recordings(dry_folder)) == {"one", "two", "more/one"}


def test_training_registers_a_version_and_rendering_writes_it(
    short_recipes, dry_folder, tmp_path, capsys
):
    out = printed(capsys, "train", "overdrive", "--seed", "7", "--reason", "to hear it")
    version = ModelVersion.objects.get()
    assert f"registered overdrive@1, hash {version.sha256}" in out
    assert (version.reason, version.run.seed, version.run.job.state) == ("to hear it", 7, "done")
    assert version.run.history[-1]["step"] == 6
    assert version.run.environment["torch"]

    out = printed(
        capsys, "render", "overdrive", str(dry_folder / "one.wav"), "--out", str(tmp_path / "wet")
    )
    wet = audio.read(tmp_path / "wet" / "one.overdrive@1.wav")
    assert wet.samples.shape == audio.read(dry_folder / "one.wav").samples.shape
    assert audio.content_hash(wet) in out
    assert "LUFS, true peak" in out
    kept = Signal.objects.count()
    folder = tmp_path / "parts"
    options = ("--out", str(folder), "--stems", "--tail")
    printed(capsys, "render", "overdrive@1", str(dry_folder / "one.wav"), *options)
    blocks = [block["id"] for block in version.chain["blocks"]]
    assert {path.name for path in folder.iterdir()} == {
        "one.overdrive@1.wav",
        *(f"one.overdrive@1.{block}.wav" for block in blocks),
    }
    # a listening test compares sounds of one length
    assert Signal.objects.count() == kept
    rows = json.loads(printed(capsys, "models", "--format", "json"))
    assert rows == [{"model": "overdrive", "version": 1, "state": "ready", "hash": version.sha256}]


def test_a_stopped_training_goes_on_where_it_was(short_recipes, monkeypatch, capsys):
    from models_registry import jobs

    report = jobs.Lease.report
    with monkeypatch.context() as patched:
        patched.setattr(
            jobs.Lease, "report", lambda lease, *step: (report(lease, *step), lease.stop())
        )
        assert "train with the same recipe and seed" in printed(capsys, "train", "overdrive")
    assert Job.objects.get().state == Job.State.STOPPED
    assert not ModelVersion.objects.exists()
    assert "stopped" in printed(capsys, "models")
    printed(capsys, "train", "overdrive")
    assert ModelVersion.objects.get().run.job == Job.objects.get()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("train", "overdriv"), "did you mean 'overdrive'"),
        (("train", "overdrive", "--set", "training.stepz=3"), "training.steps"),
        (("train", "overdrive", "--set", "training.steps=0"), "expected a whole number from 1"),
        (("train", "overdrive", "--set", "training.steps"), "expected --set KEY=VALUE"),
        (("train", "overdrive", "--seed", "-1"), "expected a seed"),
        (("render", "overdrive", "nowhere.wav"), "expected a registered version"),
        (("analyse", "nothing"), "expected a campaign, found no 'nothing'"),
        (("correlate", "nothing"), "expected a campaign, found no 'nothing'"),
        (("export", "nothing", "--to", "x.csv"), "expected a campaign"),
        (("demo", "--audio", "nowhere"), "expected a folder of recordings"),
        (("demo", "--port", "0"), "expected a port"),
    ],
)
def test_bad_input_is_refused_with_one_sentence_and_stores_nothing(command, message):
    assert message in refused(*command)
    assert not any(m.objects.exists() for m in (Job, ModelVersion, Campaign, Signal, AuditEvent))


def test_one_bad_file_among_good_ones_leaves_nothing(short_recipes, dry_folder, tmp_path):
    call_command("train", "overdrive")
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no audio")
    before = Signal.objects.count(), AuditEvent.objects.count()
    out = tmp_path / "out"
    message = refused(
        "render", "overdrive", str(dry_folder / "one.wav"), str(bad), "--out", str(out)
    )
    assert "bad.wav" in message
    assert (Signal.objects.count(), AuditEvent.objects.count()) == before
    assert not out.exists()
