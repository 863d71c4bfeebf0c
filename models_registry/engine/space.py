"""What a search may change of a recipe: its space, plain data in the recipe's "search" section or in a file of its own.

    {"training.learning_rate": {"low": 0.01, "high": 0.2, "log": true},
     "loss.stft": {"choices": [0, 0.1, 0.5]},
     "blocks": {"choices": {"as written": "as written", "drive first": ["drive", "pre", "level"]}},
     "blocks.drive": {"choices": {"curve": "as written", "tanh": {"kind": "clipper"}, "none": null}},
     "adapters.1.hidden": {"low": 4, "high": 32, "whole": true, "log": true},
     "blocks.drive.options.shape": {"choices": ["tanh", "hard"], "when": {"blocks.drive": ["tanh"]}}}

A path leads into the recipe: `training.` and `loss.` keys, a block by its id, an adapter by its number, or "blocks",
the order of the blocks in series (one that is left out is taken away, with all that moves it). A block or adapter is
replaced as a whole (null: taken away), and one of its choices is "as written"; what lies within it belongs to it as
written, unless `when` says to which of the choices. A module is what a dimension is part of: a block, an adapter,
"order", "loss" or "training".

Conventions: choices made are {path: label or number}; what does not apply is left out.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models_registry.engine import ablation
from models_registry.engine.adapters import ADAPTERS
from models_registry.engine.blocks import BLOCKS
from models_registry.engine.contract import EngineError, RecipeError
from models_registry.engine.recipe import LOSS, TRAINING, Recipe, content_of
from models_registry.engine.schema import section
from models_registry.engine.spec import leaves, nearest

AS_WRITTEN = "as written"
SECTION = "search"
Choices = dict[str, Any]

# trials are held against each other at the same steps
FIXED = ("validate_every", "checkpoint_every")
# below one dictionary each: "drive.bias" is one key
FLAT = ("targets", "tied")


@dataclass(frozen=True)
class Dimension:
    """One thing that may change: `choices` by label, or a number from `low` to `high`. It applies only where each
    earlier dimension that `when` names has one of the labels beside it."""

    path: str
    choices: Mapping[str, Any] | None = None
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The block, adapter or section that it is part of."""
        head, _, rest = self.path.partition(".")
        if head == "blocks":
            return rest.partition(".")[0] if rest else "order"
        return f"adapter {rest.partition('.')[0]}" if head == "adapters" else head

    @property
    def replaces(self) -> bool:
        """Whether it puts a whole block or adapter, or the order, in the place of the one as written."""
        return self.path == "blocks" or (
            self.path.count(".") == 1 and self.path.startswith(("blocks.", "adapters."))
        )

    def holds(self, value: object) -> bool:
        """Whether `value` (a label or a number) is one of its own."""
        if self.choices is not None:
            return value in self.choices
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class Space:
    """Every dimension of a search over `recipe`, in the order in which they are chosen; make it with `Space.of`."""

    recipe: Recipe
    dimensions: tuple[Dimension, ...]

    @classmethod
    def load(cls, name: str | Path, recipe: Recipe, file: str | Path | None = None) -> Space:
        """The space in `file`, or in the "search" section of the recipe `name`; raises `RecipeError`."""
        if file is None:
            content = content_of(name).get(SECTION)
            if content is None:
                raise RecipeError(
                    f"{name}: expected a section 'search' that says what may change, found none: write one, or "
                    "name a file with --space"
                )
            return cls.of(recipe, content)
        try:
            return cls.of(recipe, json.loads(Path(file).read_text(encoding="utf-8")))
        except OSError as error:
            raise RecipeError(
                f"{file}: expected a space, found no file that can be read"
            ) from error
        except ValueError as error:
            if isinstance(error, EngineError):
                raise
            raise RecipeError(f"{file}: expected JSON, found {error}") from error

    @classmethod
    def of(cls, recipe: Recipe, content: object) -> Space:
        """Check `content`, and that every choice makes a recipe that can be followed; raises `RecipeError`."""
        given = section(content, None, where="search")
        if not given:
            raise RecipeError("search: expected at least one dimension, found none")
        found: list[Dimension] = []
        for path, entry in given.items():
            found.append(_dimension(path, entry, recipe, found))
        space = cls(recipe, tuple(found))
        space._each_can_be_followed()
        return space

    def to_dict(self) -> dict[str, Any]:
        """The space as plain data; `Space.of` gives it back."""
        found: dict[str, Any] = {}
        for one in self.dimensions:
            entry: dict[str, Any] = {}
            if one.choices is not None:
                entry["choices"] = dict(one.choices)
            else:
                entry |= {"low": one.low, "high": one.high, "log": one.log, "whole": one.whole}
            if one.when:
                entry["when"] = {path: list(labels) for path, labels in one.when.items()}
            found[one.path] = entry
        return found

    def active(self, choices: Mapping[str, Any]) -> Iterator[Dimension]:
        """The dimensions that apply, in order, while `choices` grows by what is chosen for each."""
        for one in self.dimensions:
            if all(choices.get(path) in labels for path, labels in one.when.items()):
                yield one

    def written(self) -> Choices | None:
        """What the recipe as it is written would be chosen by; None where a value of its own lies outside."""
        choices: Choices = {}
        for one in self.active(choices):
            if one.replaces:
                assert one.choices is not None
                choices[one.path] = next(k for k, v in one.choices.items() if v == AS_WRITTEN)
                continue
            value = _read(_written(self.recipe), one.path)
            if one.choices is not None:
                labels = [label for label, choice in one.choices.items() if choice == value]
                value = labels[0] if labels else None
            if value is None or not one.holds(value):
                return None
            choices[one.path] = value
        return choices

    def chosen(self, choices: Mapping[str, Any]) -> Recipe:
        """The recipe that `choices` make; raises `RecipeError` or `SpecError` where they do not go together."""
        content = _written(self.recipe)
        asked = list(self.active(choices))
        for one in asked:
            if one.path not in choices or not one.holds(choices[one.path]):
                raise RecipeError(
                    f"{one.path}: expected a choice of this space, found {choices.get(one.path)!r}"
                )
        values = {one.path: _value(one, choices[one.path]) for one in asked}
        # whole blocks and adapters come before what lies within them, their removal after it
        for one in sorted(asked, key=lambda one: not one.replaces):
            if one.path != "blocks" and values[one.path] != AS_WRITTEN:
                _write(content, one.path, values[one.path])
        chain = content["chain"]
        chain["adapters"] = [entry for entry in chain["adapters"] if entry is not None]
        order = values.get("blocks", AS_WRITTEN)
        ids = [entry["id"] for entry in chain["blocks"]]
        gone = [entry["id"] for entry in chain["blocks"] if entry.get("kind") is None]
        kept = [name for name in (ids if order == AS_WRITTEN else order) if name not in gone]
        if gone := [name for name in ids if name not in kept]:
            chain = ablation.without(chain, *gone)
        chain["blocks"].sort(key=lambda entry: kept.index(entry["id"]))
        return Recipe.from_dict({**content, "chain": chain})

    def _each_can_be_followed(self) -> None:
        """Try every choice and every end of a range, all else as written."""
        for one in self.dimensions:
            ends = one.choices if one.choices is not None else (one.low, one.high)
            for value in ends:
                try:
                    self.chosen(self._reaching(one, value))
                except EngineError as error:
                    raise RecipeError(
                        f"search: {one.path} = {value}: expected a recipe that can be followed, found: {error}"
                    ) from error

    def _reaching(self, aim: Dimension, value: object) -> Choices:
        """As little as possible chosen other than as written, so that `aim` applies and is `value`."""
        wanted: Choices = {aim.path: value}
        for one in reversed(self.dimensions):
            if one.path in wanted:
                wanted = {path: labels[0] for path, labels in one.when.items()} | wanted
        choices: Choices = {}
        for one in self.active(choices):
            choices[one.path] = wanted.get(one.path, self._usual(one))
        return choices

    def _usual(self, one: Dimension) -> Any:
        if one.choices is None:
            value = _read(_written(self.recipe), one.path)
            return value if one.holds(value) else one.low
        labels = [k for k, v in one.choices.items() if one.replaces and v == AS_WRITTEN]
        return (labels or list(one.choices))[0]


def _written(recipe: Recipe) -> dict[str, Any]:
    """The recipe as data, without the starting values of curves that say no more than one number or their default: how
    many values there are may be what changes."""
    content = copy.deepcopy(recipe.to_dict())
    rate = content["chain"]["rate"]
    for entry in leaves(content["chain"]["blocks"]):
        params = entry["params"]
        usual = BLOCKS[entry["kind"]](rate, entry.get("options", {})).parameters
        for name, values in list(params.items()):
            if not isinstance(values, list):
                continue
            if len(set(values)) == 1:
                params[name] = values[0]
            elif values == list(usual[name].checked(usual[name].default, where=name)):
                del params[name]
    return content


def _value(one: Dimension, choice: Any) -> Any:
    return copy.deepcopy(one.choices[choice]) if one.choices is not None else choice


# paths


def _steps(path: str) -> list[str]:
    """The keys on the way to `path` within a recipe's sections."""
    head, *rest = path.split(".")
    for place, key in enumerate(rest):
        if key in FLAT:
            return [head, *rest[: place + 1], ".".join(rest[place + 1 :])]
    return [head, *rest]


def _entry(content: Mapping[str, Any], head: str, name: str) -> tuple[list[Any], int]:
    entries = content["chain"][head]
    if head == "adapters":
        return entries, int(name) - 1
    return entries, next(n for n, entry in enumerate(entries) if entry["id"] == name)


def _read(content: Mapping[str, Any], path: str) -> Any:
    head, *rest = _steps(path)
    found: Any = content.get(head)
    if head in ("blocks", "adapters"):
        entries, place = _entry(content, head, rest.pop(0))
        found = entries[place]
        defaults = _defaults(found, head)
        # a specification leaves out some options that are as they always were
        if rest[:-1] == (["options"] if head == "blocks" else []) and rest[-1] in defaults:
            within = found.get("options", {}) if head == "blocks" else found
            return within.get(rest[-1], defaults[rest[-1]])
    for key in rest:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _defaults(entry: Mapping[str, Any], head: str) -> dict[str, Any]:
    kinds: Mapping[str, Any] = BLOCKS if head == "blocks" else ADAPTERS
    return {option.name: option.default for option in kinds[entry["kind"]].choices}


def _write(content: dict[str, Any], path: str, value: Any) -> None:
    head, *rest = _steps(path)
    inside: Any = content.get(head)
    if head in ("blocks", "adapters"):
        name = rest.pop(0)
        entries, place = _entry(content, head, name)
        if not rest:
            # a block without a kind is one that is taken away
            named = {"id": name} if head == "blocks" else {}
            entries[place] = None if value is None and head == "adapters" else named | (value or {})
            return
        inside = entries[place]
    *way, last = rest
    for key in way:
        inside = inside.setdefault(key, {})
    inside[last] = value


# reading a space


def _dimension(path: str, entry: object, recipe: Recipe, before: list[Dimension]) -> Dimension:
    _leads_somewhere(path, recipe)
    known = ("choices", "low", "high", "log", "whole", "when")
    given = section(entry, known, where=f"search {path}")
    when = _when(path, given.pop("when", None), before)
    if "choices" in given:
        if len(given) > 1:
            raise RecipeError(f"{path}: expected either choices or low and high, found both")
        one = Dimension(path, choices=_choices(path, given["choices"]), when=when)
        if one.replaces and AS_WRITTEN not in [v for v in (one.choices or {}).values() if v]:
            raise RecipeError(f"{path}: expected '{AS_WRITTEN}' among the choices, found none")
        if path == "blocks":
            _orders(one, recipe)
        return one
    low, high = given.get("low"), given.get("high")
    numbers = all(type(end) in (int, float) for end in (low, high))
    if not numbers or not low < high:  # type: ignore[operator]
        raise RecipeError(
            f"{path}: expected choices, or low and high in rising order, found {entry!r}"
        )
    log, whole = bool(given.get("log", False)), bool(given.get("whole", False))
    if log and low <= 0:  # type: ignore[operator]
        raise RecipeError(f"{path}: expected ends above 0 where 'log' is true, found {low}")
    if whole and not (type(low) is int and type(high) is int):
        raise RecipeError(f"{path}: expected whole ends where 'whole' is true, found {low}, {high}")
    return Dimension(path, low=low, high=high, log=log, whole=whole, when=when)  # type: ignore[arg-type]


def _leads_somewhere(path: str, recipe: Recipe) -> None:
    head, _, rest = path.partition(".")
    blocks = [entry["id"] for entry in recipe.chain["blocks"]]
    adapters = [str(n) for n in range(1, len(recipe.chain["adapters"]) + 1)]
    keys = {
        "training": [key for key in TRAINING if key not in FIXED],
        "loss": list(LOSS),
        "blocks": blocks,
        "adapters": adapters,
    }
    if head == "data" or path == "measure":
        raise RecipeError(
            f"search: expected what is judged by the same measure on the same signals, found '{path}'"
        )
    if head not in keys:
        raise RecipeError(f"search: found the unknown path '{path}'; {nearest(head, keys)}")
    first = rest.partition(".")[0] if head in ("blocks", "adapters") else rest
    if path != "blocks" and first not in keys[head]:
        raise RecipeError(f"search: found the unknown path '{path}'; {nearest(first, keys[head])}")


def _choices(path: str, given: object) -> dict[str, Any]:
    if isinstance(given, (list, tuple)) and not any(isinstance(v, (list, dict)) for v in given):
        given = {value if isinstance(value, str) else json.dumps(value): value for value in given}
    if not isinstance(given, Mapping) or len(given) < 2:
        raise RecipeError(
            f"{path}: expected two choices or more, a list of words and numbers or an object by name, found {given!r}"
        )
    return {str(label): value for label, value in given.items()}


def _orders(one: Dimension, recipe: Recipe) -> None:
    ids = [entry["id"] for entry in recipe.chain["blocks"]]
    for label, order in (one.choices or {}).items():
        if order == AS_WRITTEN:
            continue
        good = isinstance(order, list) and order and len(set(map(str, order))) == len(order)
        if not good or not set(order) <= set(ids):
            raise RecipeError(
                f"blocks, '{label}': expected different ids of {', '.join(ids)}, found {order!r}"
            )


def _when(path: str, given: object, before: list[Dimension]) -> dict[str, tuple[str, ...]]:
    """`given` checked; by default what lies within a block or adapter belongs to it as written."""
    known = {one.path: one for one in before if one.choices is not None}
    owner = ".".join(path.split(".")[:2])
    implied: Mapping[str, Any] = {}
    if owner != path and owner in known:
        labels = [k for k, v in (known[owner].choices or {}).items() if v == AS_WRITTEN]
        implied = {owner: labels}
    found = {}
    for other, labels in section({**implied, **_given(given, path)}, None, where=path).items():
        if other not in known:
            raise RecipeError(
                f"{path} when: expected an earlier dimension with choices, found '{other}'; {nearest(other, known)}"
            )
        labels = [labels] if isinstance(labels, str) else labels
        possible = known[other].choices or {}
        if not isinstance(labels, list) or not labels or not set(labels) <= set(possible):
            raise RecipeError(
                f"{path} when {other}: expected choices of {', '.join(possible)}, found {labels!r}"
            )
        found[other] = tuple(labels)
    if "blocks" in known and path.startswith("blocks."):
        name = path.split(".")[1]
        orders = known["blocks"].choices or {}
        found["blocks"] = tuple(
            label for label, order in orders.items() if order == AS_WRITTEN or name in order
        )
    return found


def _given(when: object, path: str) -> dict[str, Any]:
    return {} if when is None else section(when, None, where=f"{path} when")
