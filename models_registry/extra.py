"""The door to the engine, which the site runs without: its extra brings PyTorch."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


class EngineMissing(ValueError):
    """Training, rendering or reading a chain was asked for where the extra `engine` is not installed."""


def engine(part: str = "") -> ModuleType:
    """The package `models_registry.engine`, or a module of it that it does not import by itself; imports torch."""
    try:
        return import_module(f"models_registry.engine{part and '.'}{part}")
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"this needs the extra 'engine' (pip install 'earwitness[engine]'): {error}"
        ) from error
