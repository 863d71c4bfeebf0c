"""Networks that move block controls: the neural part of a chain; importing the package registers them."""

from models_registry.engine.adapters.base import ADAPTERS, Adapter, Target
from models_registry.engine.adapters.controllers import Gru, Hyper, Mlp, Tcn
from models_registry.engine.adapters.embedding import Embedding
from models_registry.engine.adapters.follower import Follower
from models_registry.engine.adapters.player import Player

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Embedding",
    "Follower",
    "Gru",
    "Hyper",
    "Mlp",
    "Player",
    "Target",
    "Tcn",
]
