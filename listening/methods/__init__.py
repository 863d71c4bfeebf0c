"""Test methods, one file each. A method registers itself by being a whole subclass of `Method` in this package."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import isabstract
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
    found = sorted(_defined(Method), key=lambda method: method.title)
    return {method.name: method() for method in found}


def _defined(kind: type) -> Iterator[type[Method]]:
    """The methods below `kind`; what only gathers what several of them share is none itself."""
    below: type[Method]
    for below in type.__subclasses__(kind):
        if not isabstract(below):
            yield below
        yield from _defined(below)


def method_named(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """The method called `name`, with `options`; raises `UnknownMethod` naming those that exist."""
    known = methods()
    if name not in known:
        raise UnknownMethod(f"expected a test method ({', '.join(known)}), found {name!r}")
    return type(known[name])(options)
