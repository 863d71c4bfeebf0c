"""The DSP+neural engine: interpretable blocks and small networks, trained by example, rendered in blocks.

from models_registry.engine import Recipe, render, train
result = train(Recipe.load("overdrive", quick=True))
wet = render(result.chain, dry, 44_100)
"""

from models_registry.engine import (
    ablation,
    characteristics,
    congruence,
    counterfactual,
    crossing,
    inspection,
    lamp,
    leaks,
    legibility,
    probes,
    probing,
    shapley,
    takes,
)
from models_registry.engine.adoption import adopted, clips_of, level_difference, told_apart
from models_registry.engine.chain import Chain
from models_registry.engine.contract import (
    Card,
    EngineError,
    Parameter,
    Port,
    RecipeError,
    SpecError,
)
from models_registry.engine.differences import differences
from models_registry.engine.files import Task, render_file, render_files
from models_registry.engine.material import data_of
from models_registry.engine.measures import TABLE as MEASURES
from models_registry.engine.metering import metered
from models_registry.engine.recipe import Recipe
from models_registry.engine.relevance import Attribution, attributed, relevance
from models_registry.engine.rendering import Stream, render
from models_registry.engine.training import TrainingResult, train
from models_registry.engine.weights import weights_hash

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
    "Stream",
    "Task",
    "TrainingResult",
    "ablation",
    "adopted",
    "attributed",
    "characteristics",
    "clips_of",
    "congruence",
    "counterfactual",
    "crossing",
    "data_of",
    "differences",
    "inspection",
    "lamp",
    "leaks",
    "legibility",
    "level_difference",
    "probes",
    "metered",
    "probing",
    "relevance",
    "render",
    "render_file",
    "render_files",
    "shapley",
    "takes",
    "told_apart",
    "train",
    "weights_hash",
]
