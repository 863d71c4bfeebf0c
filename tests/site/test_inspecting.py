"""`inspect`: every block's sounds and pictures, on the page and as files; and what is refused."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import exporting_studies, inspecting
from listening.drawing import rendered
from listening.faces.inspection import figures
from models_registry import audio, jobs, studying
from models_registry.audio import Audio
from models_registry.models import Signal, Study
from tests.factories import stored_tone, tone

engine = pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "tone.wav"
    audio.write(path, tone(500, level=0.4, duration=0.4, rate=44_100))
    return path


@pytest.fixture
def inspected(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("inspect", *map(str, arguments))
        return capsys.readouterr().out

    return run


def test_every_block_is_seen_and_heard_on_the_page_and_as_files(
    version, sound, inspected, researcher, tmp_path, monkeypatch
):
    # every figure is drawn once, which is what takes time
    monkeypatch.setattr(
        exporting_studies,
        "rendered",
        lambda figure, form: rendered(figure, form) if form == "svg" else form.encode(),
    )
    folder = tmp_path / "out" / "inside"
    out = inspected("overdrive@1", sound, "--out", folder)
    assert out.startswith("overdrive@1")
    study = Study.objects.get()
    found = study.result
    chain = version.load()
    given = audio.read(sound).samples
    stems = {one["name"]: one for one in found["blocks"]}
    assert list(stems) == ["pre", "drive"]
    after = Signal.objects.get(sha256=stems["pre"]["output"]["sha256"]).audio().samples
    alone = engine.Chain.from_spec(
        {"version": 1, "rate": 44_100, "blocks": version.chain["blocks"][:1]}
    )
    np.testing.assert_allclose(after, engine.render(alone, given, 44_100), atol=1e-6)
    changed = Signal.objects.get(sha256=stems["pre"]["difference"]["sha256"]).audio().samples
    np.testing.assert_allclose(changed, after - given, atol=1e-7)
    # the drive's 47.9 dB clip: what is played is as much softer as it says
    last = stems["drive"]["output"]
    played = Signal.objects.get(sha256=last["sha256"]).audio().samples
    whole = engine.render(chain, given, 44_100)
    np.testing.assert_allclose(played, whole * 10 ** (-last["turned_down"] / 20), atol=1e-5)
    assert [one["path"] for one in found["moved"]] == ["drive.bias"]

    written = {path.name for path in folder.iterdir()}
    kept = json.loads((folder / "inspection.json").read_text())
    assert (kept["result"], kept["settings"]) == (found, study.settings)
    assert (folder / "inspection.txt").read_text() == out
    for name in figures(found):
        assert {f"{name}.svg", f"{name}.pdf", f"{name}.png"} <= written
    assert {"1-signal", "1-response", "1-roots", "2-curve", "moved-1"} <= set(figures(found))
    sounds = list(folder.glob("*.wav"))
    assert len(sounds) == len({*studying.hashes_in(found)} - {version.sha256})
    assert all(soundfile.info(path).samplerate == 44_100 for path in sounds)

    address = reverse("study-archive", args=[study.pk])
    with zipfile.ZipFile(io.BytesIO(b"".join(researcher.get(address)))) as archive:
        assert {one.filename for one in archive.infolist()} == written
        for name in written:
            assert archive.read(name) == (folder / name).read_bytes()

    page = researcher.get(study.get_absolute_url()).content.decode()
    assert address in page
    for one in stems.values():
        assert reverse("signal", args=[one["output"]["sha256"]]) in page
        assert researcher.get(reverse("signal", args=[one["output"]["sha256"]])).status_code == 200
    assert reverse("study-figure", args=[study.pk, "2-curve", "svg"]) in page
    assert (
        "changes the most"
        in researcher.get(reverse("version", args=["overdrive", 1])).content.decode()
    )
    with pytest.raises(CommandError, match="an empty or a new folder"):
        inspected("overdrive@1", sound, "--out", folder)


def test_a_form_asks_for_an_excerpt_and_a_worker_answers(researcher, version):
    signal = stored_tone(330, duration=1.0)
    asked = {"signals": [signal.pk], "start": "0.5", "seconds": "0.25"}
    researcher.post(reverse("study-ask", args=["overdrive", 1, "inspection"]), asked)
    study = Study.objects.get()
    jobs.run(study.job.pk)
    study.refresh_from_db()
    assert study.result["seconds"] == pytest.approx(0.25, abs=1e-3)
    assert study.result["rate"] == 44_100


def test_a_block_has_a_page_of_all_its_figures(researcher, version):
    page = researcher.get(reverse("block", args=["overdrive", 1, "pre"])).content.decode()
    for name in ("response", "roots"):
        address = reverse("block-own-figure", args=["overdrive", 1, "pre", name, "svg"])
        assert address in page
        assert researcher.get(address)["Content-Type"] == "image/svg+xml"
    assert (
        reverse("block", args=["overdrive", 1, "pre"])
        in researcher.get(reverse("version", args=["overdrive", 1])).content.decode()
    )
    for block, name in (("none", "roots"), ("pre", "curve")):
        gone = reverse("block-own-figure", args=["overdrive", 1, block, name, "svg"])
        assert researcher.get(gone).status_code == 404


def failure_of(version, **asked):
    study = studying.here(version, "inspection", asked, actor="alice")
    return str(jobs.work_here(study.job, lambda share, message: None))


def test_weights_that_are_gone_get_a_sentence(version):
    signal = stored_tone(330)
    version.weights.storage.delete(version.weights.name)
    said = failure_of(version, signals=[signal.sha256])
    assert said.startswith("expected the weights of overdrive@1, found none that can be read")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"condition": "phone"}, "known: none"),
        ({"start": 5.0}, "expected a start before its end at 1.0 s, found 5 s"),
    ],
)
def test_what_cannot_be_inspected_gets_a_sentence(version, asked, sentence):
    assert sentence in failure_of(version, signals=[stored_tone(330).sha256], **asked)


def test_a_command_refuses_in_a_sentence_without_where_in_the_code(
    version, sound, inspected, caplog
):
    with pytest.raises(CommandError, match="known: none"):
        inspected("overdrive@1", sound, "--as", "phone")
    assert not caplog.records
    with pytest.raises(CommandError, match="expected one sound"):
        inspected("overdrive@1", sound, sound)


def test_more_than_one_sound_is_refused(version):
    several = [stored_tone(330).sha256, stored_tone(440).sha256]
    assert "expected one sound" in failure_of(version, signals=several)


def test_files_that_are_no_sound_or_too_long_are_refused_before_anything_is_kept(
    version, inspected, tmp_path
):
    before = Signal.objects.count()
    for name, samples, sentence in (
        ("silent", np.zeros((1, 8_000)), "found silence"),
        ("broken", np.full((1, 8_000), np.nan), "NaN"),
        ("long", 0.1 * np.ones((1, 31 * 8_000)), "cut it, as by --start 0 --seconds 30"),
    ):
        path = tmp_path / f"{name}.wav"
        audio.write(path, Audio(samples.astype(np.float32), 8_000))
        with pytest.raises(CommandError, match=sentence):
            inspected("overdrive@1", path)
    assert Signal.objects.count() == before
    out = inspected("overdrive@1", tmp_path / "long.wav", "--start", "2", "--seconds", "0.2")
    assert "0.20 s at 44100 Hz" in out


@pytest.mark.parametrize(
    ("kind", "path", "wanted"),
    [
        # IEC 61260-1, exact mid-band frequencies, base ten
        ("graphic-equaliser", "levels", (100.0, 125.893, 1_000.0, 10_000.0)),
        # ends of the bands of hearing that the reverb shapes: 50 Hz and 15 kHz
        ("reverb", "rt60", (50.0, 15_000.0)),
    ],
)
def test_what_is_learned_by_band_stands_at_its_frequencies(kind, path, wanted):
    chain = engine.Chain.from_spec(
        {"version": 1, "rate": 44_100, "blocks": [{"id": "it", "kind": kind}]}
    )
    (one,) = [
        row for row in inspecting.characteristics(chain, "it")["learned"] if row["name"] == path
    ]
    assert len(one["centres"]) == len(one["values"])
    for hertz in wanted:
        assert min(abs(centre / hertz - 1) for centre in one["centres"]) < 1e-4
