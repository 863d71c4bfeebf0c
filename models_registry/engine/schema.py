"""What a value of a recipe may be: numbers in ranges, choices, weights that move with the training, text.

Each kind's `checked(value, where)` returns the value or raises `RecipeError` with what was expected and what was found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models_registry.engine.contract import RecipeError
from models_registry.engine.spec import nearest


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; whole where `whole`. An `optional` one is part of a recipe, and of its hash, only
    where it is given."""

    low: float
    high: float
    default: float | None = None
    whole: bool = False
    optional: bool = False

    def checked(self, value: object, where: str) -> object:
        kinds = int if self.whole else (int, float)
        kind = "whole number" if self.whole else "number"
        bad = isinstance(value, bool) or not isinstance(value, kinds)
        if bad or not self.low <= value <= self.high:  # type: ignore[operator]
            raise RecipeError(
                f"{where}: expected a {kind} from {self.low:g} to {self.high:g}, found {value!r}"
            )
        return value


@dataclass(frozen=True)
class Choice:
    """One of `options`."""

    options: tuple[object, ...]
    default: object = None
    optional: bool = False

    def checked(self, value: object, where: str) -> object:
        # 1 == True in Python, not in a recipe
        if not any(type(value) is type(option) and value == option for option in self.options):
            listed = " or ".join(json.dumps(option) for option in self.options)
            raise RecipeError(f"{where}: expected {listed}, found {value!r}")
        return value


@dataclass(frozen=True)
class Numbers:
    """A list of `count` (or any number of) whole numbers from `low` to `high`, or null where `default` is."""

    low: int
    high: int
    default: tuple[int, ...] | None = None
    count: int | None = None

    def checked(self, value: object, where: str) -> object:
        if value is None and self.default is None:
            return None
        good = isinstance(value, (list, tuple)) and len(value) > 0
        good = good and all(type(n) is int and self.low <= n <= self.high for n in value)  # type: ignore[attr-defined]
        if not good or (self.count and len(value) != self.count):  # type: ignore[arg-type]
            size = f"{self.count} " if self.count else ""
            raise RecipeError(
                f"{where}: expected a list of {size}whole numbers from {self.low} to {self.high}, "
                f"found {value!r}"
            )
        return list(value)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Text:
    """A sentence or a path; required unless it has a default."""

    default: str | None = None
    optional: bool = False

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, str) or not value:
            raise RecipeError(f"{where}: expected text, found {value!r}")
        return value


@dataclass(frozen=True)
class Weight:
    """A weight from 0 to `high`, or a list of [share of the training, weight] joined by straight lines."""

    high: float = 1_000.0
    default: float | None = None
    optional: bool = False

    def checked(self, value: object, where: str) -> object:
        one = Number(0, self.high)
        if not isinstance(value, (list, tuple)):
            return one.checked(value, where)
        points = [point for point in value if isinstance(point, (list, tuple)) and len(point) == 2]
        if not value or len(points) != len(value):
            raise RecipeError(
                f"{where}: expected a number or a list of [share of the training, weight], found {value!r}"
            )
        shares = [Number(0, 1).checked(share, f"{where} share") for share, _ in points]
        if any(later <= share for share, later in zip(shares, shares[1:], strict=False)):  # type: ignore[operator]
            raise RecipeError(f"{where}: expected shares in rising order, found {shares}")
        return [
            [share, one.checked(weight, where)]
            for share, (_, weight) in zip(shares, points, strict=True)
        ]


@dataclass(frozen=True)
class Folders:
    """Folders by name, or one folder that holds them; part of a recipe only where given, and then always by name."""

    default: None = None
    optional: bool = True

    def checked(self, value: object, where: str) -> object:
        if isinstance(value, str) and Path(value).is_dir():
            value = {one.name: str(one) for one in sorted(Path(value).iterdir()) if one.is_dir()}
        named = isinstance(value, Mapping) and all(
            isinstance(one, str) and one for pair in value.items() for one in pair
        )
        if not named or not value:
            raise RecipeError(
                f"{where}: expected folders by name, or a folder that holds a folder for each, found {value!r}"
            )
        return dict(value)  # type: ignore[call-overload]


Field = Folders | Number | Choice | Numbers | Text | Weight
Schema = Mapping[str, Field]


def section(content: object, known: tuple[str, ...] | None, *, where: str) -> dict[str, Any]:
    """`content` as a dictionary without a key beside `known`."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{where}: expected an object, found {content!r}")
    for key in content:
        if known is not None and key not in known:
            raise RecipeError(f"{where}: found the unknown key '{key}'; {nearest(str(key), known)}")
    return dict(content)


def filled(content: object, schema: Schema, *, where: str) -> dict[str, Any]:
    """`content` checked against `schema`, with the defaults of what it leaves out."""
    given = section(content, tuple(schema), where=where)
    complete = {}
    for key, field in schema.items():
        if getattr(field, "optional", False) and key not in given:
            continue
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        complete[key] = field.checked(given.get(key, default), f"{where}.{key}")
    return complete
