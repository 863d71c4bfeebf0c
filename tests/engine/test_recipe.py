"""Recipes are strict: what is misspelt or out of range is refused with the nearest key or the range."""

from __future__ import annotations

import json

import pytest
import torch

from models_registry.engine import EngineError, Recipe, RecipeError, SpecError
from models_registry.engine.losses import modulation_distance

from .cast import noise, spec


def content(**changes):
    return {"name": "mine", "title": "Mine", "purpose": "To test.", "chain": spec()} | changes


@pytest.mark.parametrize("name", Recipe.names())
def test_every_shipped_recipe_loads_quick_or_not(name):
    assert Recipe.load(name).name == name
    assert Recipe.load(name, quick=True).training["steps"] < Recipe.load(name).training["steps"]


def test_the_two_overdrives_differ_in_their_adapter_only():
    plain, adapted = Recipe.load("overdrive"), Recipe.load("overdrive-adapter")
    assert plain.chain["blocks"] == adapted.chain["blocks"]
    assert plain.chain["adapters"] == []
    assert adapted.chain["adapters"]


def test_overrides_are_text_as_a_command_line_gives_it():
    recipe = Recipe.load(
        "overdrive",
        {
            "data.wet": "wet folder",
            "data.dry": "dry",
            "data.source": "pairs",
            "data.train": "[0, 200]",
            "data.remove_mean": "false",
            "training.learning_rate": "1e-3",
        },
    )
    assert recipe.data["wet"] == "wet folder"
    assert recipe.data["train"] == [0, 200]
    assert recipe.data["test"] is None
    assert recipe.data["remove_mean"] is False
    assert recipe.data["skip"] == 4_410  # kept from the recipe
    assert recipe.training["learning_rate"] == 0.001
    assert "seconds" not in recipe.data


def test_overrides_win_over_quick():
    assert Recipe.load("overdrive", {"training.steps": "7"}, quick=True).training["steps"] == 7


def test_a_recipe_survives_json_and_keeps_its_hash(tmp_path):
    recipe = Recipe.load("overdrive")
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(recipe.to_dict()))
    assert Recipe.load(path) == recipe
    assert Recipe.load(path).hash == recipe.hash
    assert Recipe.load(path, {"training.steps": "7"}).hash != recipe.hash


@pytest.mark.parametrize(
    ("name", "least", "reason"),
    [
        ("overdrive", 4_410 + 2_048, "the longest of loss.stft_sizes"),
        ("compressor", 2_048, "the longest of loss.stft_sizes"),
        ("device", 4_096 + 1, "the chain's latency and one sample"),
        # a frame of 512, and two of 256 ahead of it
        ("denoise", 512 + 2 * 256, "the chain's latency and one sample"),
    ],
)
def test_a_segment_that_leaves_too_little_to_compare_is_refused(name, least, reason):
    Recipe.load(name, {"training.segment": str(least)})
    with pytest.raises(
        RecipeError, match=rf"training\.segment: expected .*{reason}.*{least - 1} in all"
    ):
        Recipe.load(name, {"training.segment": str(least - 1)})


def test_a_segment_in_which_modulation_cannot_be_told_is_refused_as_long_as_the_loss_would_be():
    given = {"loss.modulation": "1", "data.skip": "0"}
    # frames of 941 · 2 samples at 44.1 kHz, every 941: 47 of them make a second
    least = 2 * 941 + 46 * 941
    Recipe.load("overdrive", {**given, "training.segment": str(least)})
    with pytest.raises(RecipeError, match="loss.modulation's slowest"):
        Recipe.load("overdrive", {**given, "training.segment": str(least - 1)})
    sound = torch.from_numpy(noise(1, least))
    assert modulation_distance(sound, sound, rate=44_100).item() == 0
    with pytest.raises(EngineError, match="expected at least 47 frames, found 46"):
        modulation_distance(sound[:, 1:], sound[:, 1:], rate=44_100)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            {"training.stpes": "3"},
            "unknown setting 'training.stpes'; did you mean 'training.steps'?",
        ),
        ({"steps": "3"}, "did you mean 'training.steps'?"),
        (
            {"training.steps": "0"},
            "training.steps: expected a whole number from 1 to 1e+06, found 0",
        ),
        ({"training.steps": "3.5"}, "expected a whole number"),
        ({"training.steps": "many"}, "found 'many'"),
        ({"training.steps": "true"}, "expected a whole number from 1 to 1e+06, found True"),
        ({"training.learning_rate": "NaN"}, "expected a number from 1e-07 to 1, found nan"),
        ({"loss.stft_sizes": "[]"}, "expected a list of whole numbers from 16 to 65536"),
        ({"data.source": "paris"}, "or \"pairs\", found 'paris'"),
        ({"data.dry": "d"}, "data: found the unknown key 'dry'"),
        ({"data.source": "pairs", "data.dry": "d"}, "data.wet: expected text, found None"),
        ({"data.remove_mean": "1"}, "data.remove_mean: expected true or false, found 1"),
        ({"chain.rate": "100"}, "chain rate (Hz): expected a whole number from 8000 to 192000"),
    ],
)
def test_a_wrong_override_is_refused_with_a_sentence(overrides, sentence):
    with pytest.raises(EngineError) as caught:
        Recipe.load("overdrive", overrides)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (content(trainning={}), "unknown key 'trainning'; did you mean 'training'?"),
        (
            content(training={"step": 3}),
            "training: found the unknown key 'step'; did you mean 'steps'?",
        ),
        (content(training=[]), "training: expected an object, found []"),
        (
            content(limits={"dc_drift": [0.1, -0.1]}),
            "limits.dc_drift: expected two numbers in rising order, found [0.1, -0.1]",
        ),
        (content(limits={"dc_drfit": [0, 1]}), "did you mean 'dc_drift'"),
        (content(title=""), "title: expected text"),
        ([], "recipe: expected an object"),
    ],
)
def test_a_wrong_recipe_is_refused_with_a_sentence(changed, sentence):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(changed)
    assert sentence in str(caught.value)


def test_a_chain_that_cannot_be_built_is_refused_with_the_recipe():
    with pytest.raises(SpecError, match="did you mean 'gain'"):
        Recipe.from_dict(content(chain=spec(blocks=[{"id": "a", "kind": "gian"}])))


def test_unknown_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="did you mean 'overdrive'"):
        Recipe.load("overdrvie")
    with pytest.raises(RecipeError, match="no file that can be read"):
        Recipe.load(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(RecipeError, match="expected JSON"):
        Recipe.load(tmp_path / "broken.json")
