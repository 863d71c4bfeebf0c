"""One trial of a search: what it measures is what there is, giving up and being stopped are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.audio import Audio, write
from models_registry.engine import Chain, Recipe, train
from models_registry.engine.trials import attempt, cost, known_before, readable

from .cast import awake, followed, noise, spec


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    root = tmp_path_factory.mktemp("pairs")
    for n in range(3):
        dry = noise(1, 3_000, seed=n)
        for folder, samples in (("dry", dry), ("wet", np.tanh(4 * dry) / 2)):
            (root / folder).mkdir(exist_ok=True)
            write(root / folder / f"take{n}.wav", Audio(samples, 44_100))
    return Recipe.from_dict(
        {
            "name": "short",
            "title": "Short",
            "purpose": "To test.",
            "chain": followed(),
            "data": {
                "source": "pairs",
                **{folder: str(root / folder) for folder in ("dry", "wet")},
                "train": [0, 2],
                "test": [2, 3],
            },
            "loss": {"stft_sizes": [256]},
            "training": {
                "steps": 9,
                "batch": 2,
                "segment": 1_500,
                "checkpoint_every": 100,
                "validate_every": 3,
            },
        }
    )


def tried(recipe, directory, **options):
    return attempt(recipe, seed=0, objectives=("quality",), directory=directory, **options)


def test_a_trial_has_the_quality_that_training_the_recipe_comes_to(recipe, tmp_path):
    found = tried(recipe, tmp_path / "trial")
    alone = train(recipe, seed=0, directory=tmp_path / "alone")
    assert found.state == "done"
    assert found.values["quality"] == alone.validation
    assert [step for step, _ in found.history] == [0, 3, 6, 9]
    assert found.history[-1] == (9, alone.validation)


def test_a_hopeless_trial_is_given_up_at_the_validation_that_says_so(recipe, tmp_path):
    found = tried(recipe, tmp_path, hopeless=lambda history, known: history[-1][0] >= 6)
    assert found.state == "pruned"
    assert found.history[-1][0] == 6
    assert "quality" not in found.values


def test_a_trial_that_is_stopped_goes_on_to_the_same_end(recipe, tmp_path):
    asked = iter(range(100))
    broken = tried(recipe, tmp_path / "broken", should_stop=lambda: next(asked) == 4)
    assert broken.state == "running"
    on = tried(recipe, tmp_path / "broken", begun=broken.history)
    assert on == tried(recipe, tmp_path / "whole")


def test_what_is_known_before_training_is_counted():
    known = known_before(Chain.from_spec(followed()), ("quality",))
    assert (known["parts"], known["networks"]) == (5, 1)
    gru = 3 * 6 * (3 + 6 + 2)
    bare = known_before(Chain.from_spec(spec()), ("quality",))
    assert known["numbers"] - bare["numbers"] == gru + (6 + 1) * 2
    assert "cost" not in known


def test_a_chain_that_does_more_costs_more():
    one = spec(blocks=[{"id": "a", "kind": "waveshaper"}])
    many = spec(
        blocks=[
            {"id": f"a{n}", "kind": "waveshaper", "options": {"oversampling": "4x"}}
            for n in range(6)
        ]
    )
    # six times as many blocks at four times the rate: some twenty times, here held to three
    assert cost(Chain.from_spec(many)) > 3 * cost(Chain.from_spec(one)) > 0


def test_what_can_be_read_is_what_networks_do_not_do(recipe):
    assert readable(Chain.from_spec(spec()), recipe, seed=0) == 1.0
    # a network that says nothing does nothing
    assert readable(Chain.from_spec(followed()), recipe, seed=0) == pytest.approx(1.0, abs=1e-9)
    # a gain of 0 dB that a network moves: neither does anything without the other, so half each
    only = {
        "blocks": [{"id": "level", "kind": "gain"}],
        "adapters": [{"kind": "follower", "targets": {"level.level": 0.3}}],
    }
    moved = awake(Chain.from_spec(spec(**only)))
    assert readable(moved, recipe, seed=0) == pytest.approx(0.5, abs=1e-6)
