"""Training recipes: what to build, from which data, by which loss, for how long; plain JSON data.

A recipe is a file beside this module (named without its suffix) or any path. Every key is known and every value has a
range: a misspelt key is refused with the nearest known one. Overrides are dotted paths with text values, as a
command line gives them: `Recipe.load("overdrive", {"training.steps": "300"})`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models_registry.engine.contract import RecipeError, SpecError
from models_registry.engine.spec import complete, digest, nearest

FOLDER = Path(__file__).parent / "recipes"


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

    def checked(self, value: object, where: str) -> object:
        if not isinstance(value, str) or not value:
            raise RecipeError(f"{where}: expected text, found {value!r}")
        return value


Field = Number | Choice | Numbers | Text
Schema = Mapping[str, Field]

COMMON: Schema = {
    "skip": Number(0, 10_000_000, 0, whole=True),
    "remove_mean": Choice((True, False), True),
}
DATA: Mapping[str, Schema] = {
    "synthetic": {
        "source": Choice(("synthetic",)),
        "seconds": Number(1, 120, 6.0),
        **COMMON,
    },
    "pairs": {
        "source": Choice(("pairs",)),
        "dry": Text(),
        "wet": Text(),
        "train": Numbers(0, 1_000_000, count=2),
        "test": Numbers(0, 1_000_000, count=2),
        **COMMON,
    },
}
LOSS: Schema = {
    "esr": Number(0, 1_000, 1.0),
    "stft": Number(0, 1_000, 0.1),
    "stft_sizes": Numbers(16, 65_536, (512, 2_048)),
    "smoothness": Number(0, 1_000, 0.0),
    "curvature": Number(0, 1_000, 0.0),
    "erb": Number(0, 1_000, optional=True),
    "passivity": Number(0, 1_000, optional=True),
}
TRAINING: Schema = {
    "steps": Number(1, 1_000_000, 400, whole=True),
    "batch": Number(1, 4_096, 16, whole=True),
    "segment": Number(64, 100_000_000, 22_050, whole=True),
    "learning_rate": Number(1e-7, 1.0, 0.03),
    "gradient_clip": Number(1e-6, 1e6, 1.0),
    "checkpoint_every": Number(1, 1_000_000, 100, whole=True),
    "validate_every": Number(1, 1_000_000, 50, whole=True),
}


@dataclass(frozen=True)
class Recipe:
    """A checked, complete recipe; make it with `Recipe.load` or `Recipe.from_dict`."""

    name: str
    title: str
    purpose: str
    chain: dict[str, Any]
    data: dict[str, Any]
    loss: dict[str, Any]
    training: dict[str, Any]

    @staticmethod
    def names() -> list[str]:
        """The recipes that ship with the engine."""
        return sorted(path.stem for path in FOLDER.glob("*.json"))

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        overrides: Mapping[str, str] | None = None,
        *,
        quick: bool = False,
    ) -> Recipe:
        """Read a shipped recipe by name or any by path, with the recipe's own `quick` settings if asked,
        then with `overrides`; raises `RecipeError` (or `SpecError` for its chain)."""
        path = Path(name_or_path)
        if path.suffix != ".json":
            if str(name_or_path) not in cls.names():
                raise RecipeError(
                    f"found no recipe '{name_or_path}'; {nearest(str(name_or_path), cls.names())}"
                )
            path = FOLDER / f"{name_or_path}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(
                f"{path}: expected a recipe, found no file that can be read"
            ) from error
        except ValueError as error:
            raise RecipeError(f"{path}: expected JSON, found {error}") from error
        return cls.from_dict(content, {**(_quick(content) if quick else {}), **(overrides or {})})

    @classmethod
    def from_dict(cls, content: object, overrides: Mapping[str, object] | None = None) -> Recipe:
        """Check and complete a recipe given as data."""
        known = ("name", "title", "purpose", "chain", "data", "loss", "training", "quick")
        given = _section(content, known, where="recipe")
        given = {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in given.items()
        }
        # another source brings other keys, so it comes before them
        for path, value in sorted(
            (overrides or {}).items(), key=lambda item: item[0] != "data.source"
        ):
            _override(given, path, value)
        data = _section(given.get("data", {"source": "synthetic"}), None, where="data")
        source = Choice(tuple(DATA)).checked(data.get("source"), "data.source")
        chain = given.get("chain")
        try:
            chain, _ = complete(chain)
        except SpecError as error:
            raise SpecError(f"recipe: {error}") from error
        words = {key: Text().checked(given.get(key), key) for key in ("name", "title", "purpose")}
        return cls(
            **words,  # type: ignore[arg-type]
            chain=chain,
            data=_filled(data, DATA[str(source)], where="data"),
            loss=_filled(given.get("loss", {}), LOSS, where="loss"),
            training=_filled(given.get("training", {}), TRAINING, where="training"),
        )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data; `Recipe.from_dict` gives it back."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__}

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the complete recipe."""
        return digest(self.to_dict())


def _quick(content: object) -> dict[str, object]:
    quick = content.get("quick", {}) if isinstance(content, Mapping) else {}
    if not isinstance(quick, Mapping):
        raise RecipeError(f"quick: expected dotted paths with values, found {quick!r}")
    return dict(quick)


def _section(content: object, known: tuple[str, ...] | None, *, where: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise RecipeError(f"{where}: expected an object, found {content!r}")
    for key in content:
        if known is not None and key not in known:
            raise RecipeError(f"{where}: found the unknown key '{key}'; {nearest(str(key), known)}")
    return dict(content)


def _filled(content: object, schema: Schema, *, where: str) -> dict[str, Any]:
    given = _section(content, tuple(schema), where=where)
    filled = {}
    for key, field in schema.items():
        if isinstance(field, Number) and field.optional and key not in given:
            continue
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        filled[key] = field.checked(given.get(key, default), f"{where}.{key}")
    return filled


def _override(given: dict[str, Any], path: str, text: object) -> None:
    """Set the dotted `path`; text is read as JSON where it is JSON."""
    sections: dict[str, set[str]] = {
        "chain": {"rate"},
        "data": {key for schema in DATA.values() for key in schema},
        "loss": set(LOSS),
        "training": set(TRAINING),
    }
    paths = {f"{section}.{key}" for section, keys in sections.items() for key in keys}
    if path not in paths:
        raise RecipeError(f"found the unknown setting '{path}'; {nearest(path, paths)}")
    value = text
    if isinstance(text, str):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
    section, key = path.split(".")
    if path == "data.source" and given.get("data", {}).get("source") != value:
        kept = {name: entry for name, entry in given.get("data", {}).items() if name in COMMON}
        given["data"] = kept
    given.setdefault(section, {})[key] = value
