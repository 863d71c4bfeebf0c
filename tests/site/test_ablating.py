"""`ablate` of a registered version: its own material, what can be named instead, and what is refused."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from listening import ablating
from models_registry import audio, rendering
from models_registry.models import ModelVersion, Signal
from tests.factories import stored_tone, tone

pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")


@pytest.fixture
def ablated(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("ablate", *map(str, arguments))
        return capsys.readouterr().out

    return run


@pytest.fixture
def sounds(tmp_path):
    paths = [tmp_path / f"{n}.wav" for n in range(2)]
    for n, path in enumerate(paths):
        audio.write(path, tone(300 + 200 * n, level=0.4))
    return paths


def test_files_are_tried_and_the_shares_add_up(version, sounds, ablated):
    found = json.loads(ablated("overdrive@1", *sounds, "--format", "json", "--pairs"))
    assert (found["version"], found["sha256"]) == ("overdrive@1", version.sha256)
    assert found["material"] == "2 sounds"
    parts = [share["part"] for share in found["shares"]]
    assert set(parts) == {*(block["id"] for block in version.chain["blocks"]), "adapter 1"}
    removed = [row["parts"] for row in found["effects"] if row["treatment"] == "removed"]
    assert sorted(row[0] for row in removed if len(row) == 1) == sorted(parts)
    assert len(removed) == len(parts) + len(parts) * (len(parts) - 1) // 2
    assert sum(share["share"] for share in found["shares"]) == pytest.approx(1)
    alone = [
        row for row in found["effects"] if row["treatment"] == "removed" and len(row["parts"]) == 1
    ]
    heard = {found["sound"], *(row["sound"] for row in alone)}
    assert Signal.objects.filter(sha256__in=heard).count() == len(heard)
    assert len(heard) > 1
    for row in found["effects"]:
        assert set(row["metrics"]) == set(ablating.WIDE)
        assert row["loss"] is None
    assert found["metrics"]["why"].startswith("usual at 36 kHz and above")


def test_below_the_rate_that_peaq_needs_other_metrics_hear_it(version, sounds, tmp_path, ablated):
    engine = pytest.importorskip("models_registry.engine")
    blocks = [{"id": "volume", "kind": "gain", "params": {"level": -6}}]
    chain = engine.Chain.from_spec({"version": 1, "rate": 16_000, "blocks": blocks})
    chain.save(tmp_path / "volume.safetensors")
    narrow = ModelVersion.objects.register(
        version.model,
        chain=chain.spec(),
        weights=(tmp_path / "volume.safetensors").read_bytes(),
        card={},
        reason="a rate of 16 kHz",
    )
    out = ablated(narrow, sounds[0])
    assert "specific-loudness-distance, erb-excitation-distance: usual below 36 kHz" in out
    (row,) = [line for line in out.splitlines() if line.startswith("volume") and "removed" in line]
    assert row.count("(n 1)") == 2


def test_the_table_says_the_same_in_words(version, sounds, ablated):
    out = ablated("overdrive", sounds[0], "--metrics", "")
    assert out.startswith(f"overdrive@1 ({version.sha256[:12]}) on 1 sound\n")
    assert "Shapley shares" in out
    assert "one clip" in out


def test_without_files_what_it_was_rendered_from_is_tried(version, ablated):
    """The fixture's run has no recipe that could be followed."""
    rendering.render(version, stored_tone(440), actor="alice")
    found = json.loads(ablated("overdrive@1", "--metrics", "", "--format", "json"))
    assert found["material"].endswith("inputs")


def test_a_metric_that_hears_nothing_of_any_clip_says_why(version, tmp_path, ablated):
    audio.write(tmp_path / "short.wav", tone(300, duration=0.1))
    asked = (tmp_path / "short.wav", "--metrics", "pesq-wb")
    found = json.loads(ablated("overdrive@1", *asked, "--format", "json"))
    (reason,) = found["unscored"].values()
    assert f"no pesq-wb: {reason}" in ablated("overdrive@1", *asked)


def test_a_trained_version_is_judged_on_its_recipes_test_clips_and_trained_without_each_part(
    db, settings, tmp_path, ablated
):
    settings.HOME, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    call_command(
        "train", "overdrive", "--reason", "to be ablated", verbosity=0,
        **{"set": ["training.steps=4", "training.batch=2", "training.segment=8192", "data.seconds=2"]},
    )  # fmt: skip
    found = json.loads(ablated("overdrive@1", "--metrics", "", "--retrain", "--format", "json"))
    assert found["material"].endswith("test clips of the recipe overdrive")
    assert all(row["loss"] is not None for row in found["effects"])
    parts = {share["part"] for share in found["shares"]}
    assert {row["part"] for row in found["retrained"]} == parts
    assert all(row["without"] > 0 and row["whole"] > 0 for row in found["retrained"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "registered: overdrive@1"),
        (["overdrive", "--metrics", "pesk-wb"], "did you mean"),
        (["overdrive", "missing.wav"], "missing.wav"),
    ],
)
def test_what_cannot_be_ablated_gets_a_sentence(version, ablated, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        ablated(*arguments)
