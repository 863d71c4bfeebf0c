"""Why a chain's output is what it is: which parts of the input, or which parameters, make a number of it.

    question = Question.about(chain, samples, target("energy:2000-8000", chain))
    found = explain(question, "relevance")             # tiles of ERB band and time, in the number's unit

One file per method; all of them are held to the same checks (sanity.py, planted.py).
"""

from models_registry.engine.explain.methods import (
    CLOSE,
    METHODS,
    OCCLUSION,
    RELEVANCE,
    Found,
    explain,
    grid_of,
)
from models_registry.engine.explain.parameters import FoundTurned, Turned, of_parameters
from models_registry.engine.explain.plane import Plane, Tiles
from models_registry.engine.explain.planted import CASES, SECONDS, Planted, planted
from models_registry.engine.explain.planted import TILES as PLANTED_TILES
from models_registry.engine.explain.propagation import Entry, Propagated, propagated
from models_registry.engine.explain.question import GRID, LONGEST_S, Question, changing
from models_registry.engine.explain.sanity import (
    DRAWN,
    DRAWS,
    ORDERS,
    POINTS,
    Curves,
    Randomised,
    curves,
    randomised,
)
from models_registry.engine.explain.sounds import levels, relevant
from models_registry.engine.explain.target import LOSSES, Energy, Loss, Move, Scored, Target, target

__all__ = [
    "CASES",
    "CLOSE",
    "DRAWN",
    "DRAWS",
    "GRID",
    "ORDERS",
    "PLANTED_TILES",
    "POINTS",
    "LONGEST_S",
    "LOSSES",
    "METHODS",
    "OCCLUSION",
    "RELEVANCE",
    "SECONDS",
    "Curves",
    "Energy",
    "Entry",
    "Found",
    "FoundTurned",
    "Loss",
    "Move",
    "Plane",
    "Planted",
    "Propagated",
    "Question",
    "Randomised",
    "Scored",
    "Target",
    "Tiles",
    "Turned",
    "changing",
    "curves",
    "explain",
    "grid_of",
    "levels",
    "of_parameters",
    "planted",
    "propagated",
    "randomised",
    "relevant",
    "target",
]
