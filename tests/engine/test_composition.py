"""What a training learned from, measured on material of which everything is known."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="needs the extra 'engine'")

from models_registry.engine import Recipe, data_of  # noqa: E402
from models_registry.engine.composition import bands, composition, folder_of, levels, part_of  # noqa: E402
from models_registry.engine.data import Clips  # noqa: E402

RATE = 16_000


def sines(*amplitudes, frequency=1_000.0, seconds=1.0):
    times = np.arange(round(seconds * RATE)) / RATE
    clips = [a * np.sin(2 * np.pi * frequency * times) for a in amplitudes]
    return torch.from_numpy(np.stack(clips)[:, None].astype(np.float32))


def test_a_sine_of_full_scale_has_3_01_dB_below_a_square_wave_of_full_scale():
    # IEC 61606: the effective value of a sine is its peak over the root of two
    np.testing.assert_allclose(levels(sines(1.0, 0.1)), [-3.0103, -23.0103], atol=1e-3)


def test_the_spread_of_levels_is_numpys_of_the_clips():
    amplitudes = np.geomspace(0.001, 1, 21)
    clips = sines(*amplitudes)
    found = part_of(Clips(clips, 0.5 * clips), RATE, mixes=False)
    known = 20 * np.log10(amplitudes / 2**0.5)
    assert found["clips"] == 21
    assert found["seconds"] == 21
    assert found["dry_db"]["median"] == pytest.approx(np.median(known), abs=1e-3)
    assert found["dry_db"]["low"] == pytest.approx(np.quantile(known, 0.1), abs=1e-3)
    assert found["wet_db"]["most"] == pytest.approx(known[-1] - 6.0206, abs=1e-3)
    assert "ratio_db" not in found


@pytest.mark.parametrize(("frequency", "octave"), [(62.5, 62.5), (1_000, 1_000), (3_900, 4_000)])
def test_a_tone_lies_in_its_octave_and_in_no_other(frequency, octave):
    found = {one["hertz"]: one["level_db"] for one in bands(sines(0.5, frequency=frequency), RATE)}
    assert found.pop(octave) == 0
    assert max(found.values()) < -60
    # an octave that half the rate cuts is left out
    assert max(found) <= RATE / 2


def test_the_ratios_of_mixtures_are_those_that_the_recipe_asks_for():
    recipe = Recipe.load(
        "denoise",
        {"data.ratios": "[3, 9]", "data.seconds": "4", "data.test_clips": "12"},
        quick=False,
    )
    found = composition(recipe, data_of(recipe, seed=1))
    for side in ("train", "test"):
        assert found[side]["ratio_db"]["least"] >= 3 - 1e-3
        assert found[side]["ratio_db"]["most"] <= 9 + 1e-3
        assert found[side]["ratio_db"]["most"] - found[side]["ratio_db"]["least"] > 2
    assert found["train"]["drawn_anew"]
    assert found["folders"] == []


def test_noise_that_is_a_level_is_no_folder():
    brief = {"data.noise": "-20", "data.seconds": "1", "training.segment": "44100"}
    recipe = Recipe.load("compressor", brief)
    assert composition(recipe, data_of(recipe, seed=0))["folders"] == []


def test_a_folder_is_told_by_its_files_and_named_without_where_it_lies(tmp_path):
    folder = tmp_path / "takes"
    folder.mkdir()
    for name, rate, seconds in (("a", 16_000, 1.0), ("b", 44_100, 2.0)):
        soundfile.write(folder / f"{name}.wav", np.zeros(round(rate * seconds)), rate)
    (folder / "notes.txt").write_text("no sound")
    found = folder_of("dry", folder)
    assert (found["files"], found["seconds"], found["rates"]) == (2, 3.0, [16_000, 44_100])
    assert found["name"] == "takes"
    assert str(tmp_path) not in str(found)
    (folder / "b.wav").rename(folder / "c.wav")
    assert folder_of("dry", folder)["listing"] != found["listing"]


def test_what_a_recipe_declares_of_its_sounds_is_kept_and_changes_nothing_where_it_does_not():
    plain = Recipe.load("denoise", {}, quick=True)
    said = Recipe.load("denoise", {"data.licence": "cc-by-4.0"}, quick=True)
    assert "licence" not in plain.data
    assert said.data["licence"] == "cc-by-4.0"
    assert said.hash != plain.hash
