"""A search's space: what its paths lead to, what applies when, and what cannot be followed is refused at once."""

from __future__ import annotations

import json

import pytest

from models_registry.engine import Recipe, RecipeError
from models_registry.engine.recipe import content_of
from models_registry.engine.space import Space

from .cast import followed, spec

RATE = {"training.learning_rate": {"low": 0.01, "high": 0.2, "log": True}}


def recipe(**chain):
    return Recipe.from_dict(
        {
            "name": "short",
            "title": "Short",
            "purpose": "To test.",
            "chain": followed() | chain,
            "training": {"learning_rate": 0.05},
        }
    )


def space(content, **chain):
    return Space.of(recipe(**chain), content)


def test_numbers_and_labels_are_put_where_their_paths_lead():
    found = space(
        {
            **RATE,
            "loss.stft": {"choices": [0, 0.1, 0.5]},
            "adapters.1.hidden": {"low": 2, "high": 16, "whole": True},
            "adapters.1.targets.drive.bias": {"low": 0.1, "high": 0.5},
            "blocks.drive.options.oversampling": {"choices": ["none", "2x"]},
        }
    ).chosen(
        {
            "training.learning_rate": 0.1,
            "loss.stft": "0.5",
            "adapters.1.hidden": 9,
            "adapters.1.targets.drive.bias": 0.4,
            "blocks.drive.options.oversampling": "2x",
        }
    )
    assert found.training["learning_rate"] == 0.1
    assert found.loss["stft"] == 0.5
    assert found.chain["adapters"][0]["hidden"] == 9
    assert found.chain["adapters"][0]["targets"] == {"drive.bias": 0.4, "drive.drive": 0.1}
    assert found.chain["blocks"][1]["options"]["oversampling"] == "2x"


def test_a_block_is_replaced_by_another_kind_under_the_same_id():
    chosen = space(
        {
            "blocks.pre": {
                "choices": {"equaliser": "as written", "tilt": {"kind": "emphasis"}, "none": None}
            }
        }
    ).chosen({"blocks.pre": "tilt"})
    assert [(b["id"], b["kind"]) for b in chosen.chain["blocks"]][0] == ("pre", "emphasis")


def test_blocks_taken_away_take_along_what_moved_them():
    found = space(
        {
            "blocks.pre": {"choices": {"there": "as written", "none": None}},
            "blocks.drive": {"choices": {"there": "as written", "none": None}},
        }
    ).chosen({"blocks.pre": "none", "blocks.drive": "none"})
    assert [block["id"] for block in found.chain["blocks"]] == ["post", "level"]
    assert found.chain["adapters"] == []


def test_the_order_of_blocks_is_a_choice_and_leaves_out_what_it_does_not_name():
    found = space(
        {
            "blocks": {
                "choices": {"usual": "as written", "drive first": ["drive", "post", "level"]}
            },
            "blocks.pre.params.low_gain": {"low": -9, "high": 0},
        }
    )
    chosen = found.chosen({"blocks": "drive first"})
    assert [block["id"] for block in chosen.chain["blocks"]] == ["drive", "post", "level"]
    assert [one.path for one in found.active({"blocks": "drive first"})] == ["blocks"]


def test_what_lies_within_a_choice_applies_only_with_it():
    content = {
        "adapters.1": {
            "choices": {
                "follower": "as written",
                "network": {"kind": "gru", "targets": {"drive.bias": 0.2}},
                "none": None,
            }
        },
        "adapters.1.hop": {"low": 32, "high": 256, "whole": True, "log": True},
        "adapters.1.bands": {
            "low": 8,
            "high": 32,
            "whole": True,
            "when": {"adapters.1": "network"},
        },
    }
    found = space(content)

    def active(choice):
        return [one.path for one in found.active({"adapters.1": choice})]

    assert active("follower") == ["adapters.1", "adapters.1.hop"]
    assert active("network") == ["adapters.1", "adapters.1.bands"]
    assert active("none") == ["adapters.1"]
    assert found.chosen({"adapters.1": "none"}).chain["adapters"] == []
    chosen = found.chosen({"adapters.1": "network", "adapters.1.bands": 16})
    assert chosen.chain["adapters"][0]["bands"] == 16


def test_the_recipe_as_written_is_a_point_of_the_space_and_gives_itself():
    found = space({**RATE, "blocks.pre": {"choices": {"there": "as written", "none": None}}})
    assert found.written() == {"training.learning_rate": 0.05, "blocks.pre": "there"}
    assert found.chosen(found.written()) == recipe()


def test_a_recipe_whose_own_value_lies_outside_is_not_a_point_of_the_space():
    assert space({"training.learning_rate": {"low": 0.1, "high": 0.2}}).written() is None


def test_the_number_of_bands_may_change_though_each_has_a_starting_value():
    bands = {"id": "bands", "kind": "spectral-gains", "options": {"bands": 8, "window": 8}}
    curve = {"id": "drive", "kind": "waveshaper"}
    found = space(
        {"blocks.bands.options.bands": {"low": 4, "high": 32, "whole": True}},
        blocks=[{**bands, "params": {"gains": -6}}, curve],
        adapters=[],
    )
    block, other = found.chosen({"blocks.bands.options.bands": 5}).chain["blocks"]
    assert block["params"]["gains"] == [-6.0] * 5
    assert other == found.recipe.chain["blocks"][1]


@pytest.mark.parametrize("name", [name for name in Recipe.names() if "search" in content_of(name)])
def test_the_spaces_of_shipped_recipes_hold_the_recipes_as_written(name):
    shipped = Recipe.load(name)
    found = Space.load(name, shipped)
    assert found.chosen(found.written() or {}) == shipped


def test_a_space_is_plain_data_and_back():
    content = {
        "blocks.pre": {"choices": {"there": "as written", "none": None}},
        "blocks.pre.params.low_gain": {"low": -9, "high": 0},
        **RATE,
    }
    found = space(content)
    assert Space.of(found.recipe, json.loads(json.dumps(found.to_dict()))) == found


def test_modules_are_blocks_adapters_and_sections():
    found = space(
        {
            **RATE,
            "loss.stft": {"choices": [0, 1]},
            "blocks": {"choices": {"usual": "as written", "short": ["drive"]}},
            "blocks.pre.params.low_gain": {"low": -9, "high": 0},
            "adapters.1.hidden": {"low": 4, "high": 8, "whole": True},
        }
    )
    assert [one.module for one in found.dimensions] == [
        *("training", "loss", "order", "pre", "adapter 1")
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "at least one dimension"),
        ([1], "expected an object"),
        ({"training.learning_rat": {"low": 1, "high": 2}}, "did you mean 'learning_rate'"),
        ({"training.validate_every": {"choices": [1, 2]}}, "unknown path"),
        ({"data.seconds": {"low": 1, "high": 2}}, "same measure on the same signals"),
        ({"measure": {"choices": ["esr", "erb"]}}, "same measure on the same signals"),
        ({"blocks.drvie.params.bias": {"low": 0, "high": 1}}, "did you mean 'drive'"),
        ({"adapters.2.hidden": {"low": 1, "high": 2}}, "known: 1"),
        ({"loss.stft": {"low": 2, "high": 1}}, "rising order"),
        ({"loss.stft": {"low": 0, "high": 1, "log": True}}, "above 0"),
        ({"adapters.1.hidden": {"low": 1.5, "high": 4, "whole": True}}, "whole ends"),
        ({"loss.stft": {"low": 0, "high": 1, "step": 1}}, "unknown key 'step'"),
        ({"loss.stft": {"choices": [0.1]}}, "two choices or more"),
        ({"loss.stft": {"choices": [0, 1], "low": 0}}, "either choices or low and high"),
        ({"blocks.pre": {"choices": {"none": None, "a": {"kind": "gain"}}}}, "among the choices"),
        ({"blocks": {"choices": {"a": "as written", "b": ["what"]}}}, "different ids of pre"),
        (
            {**RATE, "loss.stft": {"choices": [0, 1], "when": {"loss.esr": "1"}}},
            "earlier dimension",
        ),
        # what can only be found by building it
        ({"training.learning_rate": {"low": 0.01, "high": 5}}, "learning_rate = 5"),
        (
            {"blocks.drive": {"choices": {"a": "as written", "odd": {"kind": "gain"}}}},
            "blocks.drive = odd",
        ),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_in_one_sentence(content, words):
    with pytest.raises(RecipeError) as caught:
        space(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_without_a_space_says_how_to_give_one():
    with pytest.raises(RecipeError, match="--space"):
        Space.load("resynthesis", Recipe.load("resynthesis"))


def test_a_space_is_read_from_a_file_of_its_own(tmp_path):
    file = tmp_path / "space.json"
    file.write_text(json.dumps(RATE))
    found = Space.load("overdrive", Recipe.load("overdrive"), file)
    assert [one.path for one in found.dimensions] == list(RATE)
    file.write_text("{")
    with pytest.raises(RecipeError, match="expected JSON"):
        Space.load("overdrive", Recipe.load("overdrive"), file)


def test_the_space_of_a_recipe_is_no_part_of_what_it_trains():
    content = {"name": "a", "title": "A", "purpose": "To test.", "chain": spec()}
    assert Recipe.from_dict({**content, "search": RATE}).hash == Recipe.from_dict(content).hash
