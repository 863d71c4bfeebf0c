"""Importance by module: published indices are met, the module that matters is found, noise is called noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models_registry.engine import EngineError, Recipe
from models_registry.engine.importance import importance, sobol
from models_registry.engine.search import DONE, PRUNED, Trial
from models_registry.engine.space import Space

from .cast import followed

RECIPE = Recipe.from_dict({"name": "a", "title": "A", "purpose": "To test.", "chain": followed()})
SPACE = Space.of(
    RECIPE,
    {
        "training.learning_rate": {"low": 0.01, "high": 0.2, "log": True},
        "adapters.1": {"choices": {"there": "as written", "none": None}},
        "adapters.1.hidden": {"low": 4, "high": 32, "whole": True},
        "blocks.drive.options.oversampling": {"choices": ["none", "2x", "4x"]},
        "blocks.drive.params.drive": {"low": 0.0, "high": 30.0},
    },
)


def trials(quality, count=60, seed=0):
    draw = np.random.default_rng(seed)
    found = []
    for number in range(count):
        choices: dict[str, Any] = {}
        for one in SPACE.active(choices):
            if one.choices is not None:
                choices[one.path] = str(draw.choice(list(one.choices)))
            else:
                choices[one.path] = float(draw.uniform(one.low, one.high))
        found.append(Trial(number, number, 0, choices, DONE, {"quality": quality(choices, draw)}))
    return found


def test_shares_are_those_published_for_ishigami_s_function():
    """Saltelli et al. (2008): first-order 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437."""
    draw = np.random.default_rng(0)
    first, second = draw.uniform(-np.pi, np.pi, size=(2, 2**17, 3))

    def ishigami(x):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    alone, total = sobol(ishigami, first, second, [[0], [1], [2]])
    np.testing.assert_allclose(alone, [0.3139, 0.4424, 0.0], atol=0.01)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=0.01)
    # taken together, what the first and third do with each other belongs to them alone
    alone, total = sobol(ishigami, first, second, [[0, 2], [1]])
    np.testing.assert_allclose(alone, [0.5576, 0.4424], atol=0.01)
    np.testing.assert_allclose(total, [0.5576, 0.4424], atol=0.01)


def test_the_one_module_that_matters_is_found():
    def quality(choices, draw):
        rough = choices["blocks.drive.options.oversampling"] == "none"
        return 1.0 + rough + choices["blocks.drive.params.drive"] / 30 + 0.05 * draw.normal()

    found = importance(SPACE, trials(quality))
    assert found.tells
    assert found.shares[0].module == "drive"
    assert found.shares[0].low > 0.8
    assert all(one.high < 0.2 for one in found.shares[1:])
    assert {one.module for one in found.shares} == {"drive", "training", "adapter 1"}


def test_what_two_modules_do_together_is_in_both_totals_and_in_neither_alone():
    """Exclusive or: neither alone says anything."""

    def quality(choices, draw):
        fast = choices["training.learning_rate"] > 0.1
        return float(fast != (choices["adapters.1"] == "there")) + 0.02 * draw.normal()

    found = {one.module: one for one in importance(SPACE, trials(quality, 200)).shares}
    for module in ("training", "adapter 1"):
        assert found[module].total > 0.4
        assert found[module].total - found[module].alone > 0.3


def test_noise_is_said_to_tell_nothing():
    found = importance(SPACE, trials(lambda choices, draw: draw.normal()))
    assert not found.tells


def test_pruned_trials_count_with_what_they_had_reached():
    def quality(choices, draw):
        return choices["training.learning_rate"]

    whole = trials(quality, 40)
    pruned = [
        Trial(one.number, one.number, 0, one.choices, PRUNED, {}, ((50, one.values["quality"]),))
        for one in whole
    ]
    assert importance(SPACE, pruned) == importance(SPACE, whole)


def test_too_few_trials_or_all_alike_are_refused():
    with pytest.raises(EngineError, match="at least 10 explored trials, found 9"):
        importance(SPACE, trials(lambda choices, draw: draw.normal(), 9))
    with pytest.raises(EngineError, match="different quality, found 1 for all 12"):
        importance(SPACE, trials(lambda choices, draw: 1.0, 12))
