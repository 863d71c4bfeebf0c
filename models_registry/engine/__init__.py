"""The DSP+neural engine: interpretable blocks and small networks, trained by example, rendered in blocks.

from models_registry.engine import Recipe, render, train
result = train(Recipe.load("overdrive", quick=True), seed=0, directory="run")
wet = render(result.chain, dry, 44_100)
"""

from models_registry.engine.chain import Chain, weights_hash
from models_registry.engine.contract import (
    Card,
    EngineError,
    Parameter,
    Port,
    RecipeError,
    SpecError,
)
from models_registry.engine.differences import differences
from models_registry.engine.measures import TABLE as MEASURES
from models_registry.engine.recipe import Recipe
from models_registry.engine.relevance import Attribution, attributed, relevance
from models_registry.engine.rendering import render
from models_registry.engine.training import TrainingResult, train

__all__ = [
    "Attribution",
    "MEASURES",
    "Card",
    "Chain",
    "EngineError",
    "Parameter",
    "Port",
    "Recipe",
    "RecipeError",
    "SpecError",
    "TrainingResult",
    "attributed",
    "differences",
    "relevance",
    "render",
    "train",
    "weights_hash",
]
