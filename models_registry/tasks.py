"""Background jobs of the ground floor; importing the module registers its handlers."""

from models_registry import training

__all__ = ["training"]
