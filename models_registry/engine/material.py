"""From a recipe to the clips that it learns from and is judged by."""

from __future__ import annotations

from models_registry.engine.conditions import conditions
from models_registry.engine.data import Dataset, dataset
from models_registry.engine.mixtures import mixtures
from models_registry.engine.recipe import Recipe
from models_registry.engine.solos import solos


def data_of(recipe: Recipe, *, seed: int) -> Dataset:
    """The clips of `recipe`; raises `AudioError`."""
    segment = recipe.training["segment"]
    if recipe.data["source"] == "mixtures":
        return mixtures(recipe.data, rate=recipe.chain["rate"], segment=segment, seed=seed)
    if recipe.data["source"] == "devices":
        return conditions(recipe.data, rate=recipe.chain["rate"], segment=segment, seed=seed)
    if recipe.data["source"] == "solo":
        return solos(recipe.data, rate=recipe.chain["rate"], segment=segment, seed=seed)
    return dataset(recipe.data, chain=recipe.chain, segment=segment, seed=seed)
