"""`adapters`: what a version's adapters hold and do, of made and of one's own sounds; and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from models_registry import audio, jobs
from models_registry.audio import Audio
from models_registry.models import AudioModel, ModelVersion, Signal, Study

engine = pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")

DEVICES = {
    "version": 1,
    "rate": 8_000,
    "blocks": [{"id": "level", "kind": "gain"}],
    "adapters": [
        {"kind": "embedding", "targets": {"level.level": 0.25}, "size": 1, "names": ["near", "far"]}
    ],
}


@pytest.fixture
def looked(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("adapters", *map(str, arguments))
        return capsys.readouterr().out

    return run


@pytest.fixture
def table(tmp_path):
    """Loud and soft noises of two speakers."""
    draw, lines = np.random.default_rng(0), ["file,speaker,loud"]
    for n in range(8):
        level = 0.3 if n % 2 else 0.03
        sound = Audio((level * draw.normal(size=(1, 8_820))).astype(np.float32), 22_050)
        audio.write(tmp_path / f"{n}.wav", sound)
        lines.append(f"{n}.wav,{'anna' if n < 4 else 'ben'},{'yes' if n % 2 else 'no'}")
    path = tmp_path / "takes.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def registered(chain, tmp_path, name):
    made = engine.Chain.from_spec(chain)
    for parameter in made.parameters():
        parameter.data.copy_(parameter.data.new_tensor(0.5).expand(parameter.shape))
    if "embedding" in str(chain):
        made.adapters[0].points.data[1] = -0.5
    made.save(tmp_path / "weights.safetensors")
    return ModelVersion.objects.register(
        AudioModel.objects.create(name=name, title=name),
        chain=made.spec(),
        weights=(tmp_path / "weights.safetensors").read_bytes(),
        card={},
        reason="to be looked at",
    )


def test_own_sounds_are_looked_for_by_their_labels(version, table, looked, researcher, tmp_path):
    found = json.loads(looked("overdrive@1", "--material", table, "--format", "json"))
    assert found["material"] == "8 sounds, the first 0.4 s of each, by speaker, loud"
    (adapter,) = found["adapters"]
    factors = {row["factor"] for row in adapter["held"]["shares"]}
    assert factors == {"speaker", "loud"}
    loud = next(row for row in adapter["held"]["shares"] if row["factor"] == "loud")
    assert loud["share"] > 0.9
    # an adapter that was never trained says nothing, which cannot be told apart
    silent = next(row for row in adapter["held"]["shares"] if row["of"] == "what it says")
    assert "expected features that vary" in silent["problem"]
    (moved,) = found["authority"]
    assert (moved["path"], moved["used"], moved["n"]) == ("drive.bias", 0, 8)
    assert found["leak"] is None
    assert "knows no device" in found["said"]
    study = Study.objects.get()
    page = researcher.get(study.get_absolute_url()).content.decode()
    assert "knows no device" in page
    assert reverse("study-figure", args=[study.pk, "shares-1", "svg"]) in page
    figure = researcher.get(reverse("study-figure", args=[study.pk, "authority", "svg"]))
    assert figure.status_code == 200


def test_devices_are_told_apart_in_their_units(db, settings, tmp_path, looked, researcher):
    settings.MEDIA_ROOT = tmp_path / "media"
    registered(DEVICES, tmp_path, "levels")
    researcher.post(reverse("study-ask", args=["levels", 1, "adapters"]), {"seed": 1})
    study = Study.objects.get()
    assert study.settings["leak"] is False
    jobs.run(study.job.pk)
    study.refresh_from_db()
    near, far = (one["settings"][0] for one in study.result["conditions"])
    # tanh(0.5 · 0.5) of 0.25 of 96 dB, to either side of where the level is
    assert near["least"] - far["least"] == pytest.approx(2 * 24 * np.tanh(0.25), rel=1e-4)
    assert study.result["distances"]["level"][0][1] == pytest.approx(
        2 * 24 * np.tanh(0.25), rel=1e-4
    )
    text = researcher.get(study.get_absolute_url()).content.decode()
    assert "It does not listen" in text
    for name in ("responses-level", "distances-level", "authority"):
        drawn = researcher.get(reverse("study-figure", args=[study.pk, name, "svg"]))
        assert drawn.status_code == 200


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "a CSV table, found none that can be read"),
        ("", "found no rows"),
        ("file\n0.wav", "a column `file` and one for each factor"),
        ("name,speaker\n0.wav,anna", "a column `file` and one for each factor"),
        ("file,speaker\n0.wav,", "line 2: expected a value in every column"),
        ("file,speaker\nnone.wav,anna", "found no such file"),
    ],
)
def test_a_table_that_cannot_be_read_gets_a_sentence(version, looked, tmp_path, text, sentence):
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match=sentence):
        looked("overdrive", "--material", path)


def test_a_version_without_adapters_gets_a_sentence(db, settings, tmp_path, looked):
    settings.MEDIA_ROOT = tmp_path / "media"
    registered({key: DEVICES[key] for key in ("version", "rate", "blocks")}, tmp_path, "plain")
    with pytest.raises(CommandError, match="a chain with an adapter, found none"):
        looked("plain")


def test_a_form_takes_sounds_with_a_table_and_asks_of_them_again(version, table, researcher):
    address = reverse("study-ask", args=["overdrive", 1, "adapters"])

    def sent(names, text):
        files = [SimpleUploadedFile(one, (table.parent / one).read_bytes()) for one in names]
        return {"sent": files, "table": SimpleUploadedFile("takes.csv", text.encode()), "seed": 0}

    names = [f"{n}.wav" for n in range(8)]
    text = table.read_text(encoding="utf-8")
    for given, lines, sentence in (
        (names[:-1], text, "found none called 7.wav"),
        (names, text.rpartition("\n")[0], "found none for 7.wav"),
        (names, "name,speaker\n0.wav,anna", "a column `file`"),
    ):
        refused = researcher.post(address, sent(given, lines))
        assert refused.status_code == 422
        assert sentence in str(refused.context["form"].non_field_errors())
    alone = researcher.post(address, {"table": SimpleUploadedFile("t.csv", text.encode())})
    assert "found only the table" in str(alone.context["form"].non_field_errors())
    assert not Study.objects.exists()
    # whichever order a browser sends them in
    assert researcher.post(address, sent(names[::-1], text)).status_code == 302
    study = Study.objects.get()
    titles = Signal.objects.in_bulk(study.settings["signals"], field_name="sha256")
    assert [titles[one].title for one in study.settings["signals"]] == names
    assert study.settings["labels"]["speaker"] == ["anna"] * 4 + ["ben"] * 4
    again = researcher.get(address, {"again": study.pk}).context["form"]
    assert again["material"].value() == f"study:{study.pk}"
    researcher.post(address, {"material": f"study:{study.pk}", "seed": 0})
    assert Study.objects.first().settings == study.settings
