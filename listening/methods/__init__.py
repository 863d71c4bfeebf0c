"""Test methods, one file each. A method registers itself by being a subclass of `Method` in this package."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from listening.methods.base import AnswerError, Gates, Judgement, Method, PlannedSlot, UnknownMethod

__all__ = [
    "AnswerError",
    "Gates",
    "Judgement",
    "Method",
    "PlannedSlot",
    "UnknownMethod",
    "method_named",
    "methods",
]

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def methods() -> dict[str, Method]:
    """Every method by its name, in the order of their titles."""
    found = sorted(Method.__subclasses__(), key=lambda method: method.title)
    return {method.name: method() for method in found}


def method_named(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """The method called `name`, with `options`; raises `UnknownMethod` naming those that exist."""
    known = methods()
    if name not in known:
        raise UnknownMethod(f"expected a test method ({', '.join(known)}), found {name!r}")
    return type(known[name])(options)
