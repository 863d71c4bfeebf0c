"""Training recipes: what to build, from which data, by which loss, for how long; plain JSON data.

A recipe is a file beside this module (named without its suffix) or any path. Every key is known and every value has a
range: a misspelt key is refused with the nearest known one. Overrides are dotted paths with text values, as a
command line gives them: `Recipe.load("overdrive", {"training.steps": "300"})`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models_registry.engine.contract import RecipeError, SpecError
from models_registry.engine.ear import modulation_span
from models_registry.engine.losses import OPTIONAL_TERMS
from models_registry.engine.measures import MEASURES, SIZES
from models_registry.engine.schema import (
    Choice,
    Folders,
    Number,
    Numbers,
    Schema,
    Text,
    Weight,
    filled,
    section,
)
from models_registry.engine.spec import complete, digest, latency, nearest
from models_registry.watch import LIMITS

FOLDER = Path(__file__).parent / "recipes"

# what nobody can measure, and who made the recipe may know: of the sounds, not of the model
DECLARED = {
    "provenance": "where the sounds come from",
    "licence": "by which licence they may be used",
    "speakers": "who speaks or plays: how many, which languages, ages, voices",
    "recorded": "with what and where they were recorded",
    "missing": "what they lack",
}
COMMON: Schema = {
    **{name: Text(optional=True) for name in DECLARED},
    "skip": Number(0, 10_000_000, 0, whole=True),
    "remove_mean": Choice((True, False), True),
}
# those of `instruments.PLAYERS` that play one note at a time
SOLOISTS = ("brass line", "plucked melody", "speech-like voice")
DATA: Mapping[str, Schema] = {
    "synthetic": {
        "source": Choice(("synthetic",)),
        "seconds": Number(1, 120, 6.0),
        **COMMON,
    },
    "settings": {
        "source": Choice(("settings",)),
        "seconds": Number(1, 120, 2.0),
        "noise": Number(-120, 20, optional=True),
        **COMMON,
    },
    "mixtures": {
        "source": Choice(("mixtures",)),
        "clean": Text(optional=True),
        "noise": Text(optional=True),
        "ratios": Numbers(-30, 60, (0, 15), count=2),
        "seconds": Number(1, 600, 30.0),
        "test_clips": Number(1, 1_000, 16, whole=True),
        "colour": Number(0, 0.45, optional=True),
        "second": Number(0, 1, optional=True),
        "speed": Number(0, 0.3, optional=True),
        **COMMON,
    },
    "devices": {
        "source": Choice(("devices",)),
        "devices": Folders(),
        "dry": Text(optional=True),
        "count": Number(1, 64, 4, whole=True),
        "seconds": Number(2, 600, 12.0),
        "paired": Choice((True, False), True),
        **COMMON,
    },
    "solo": {
        "source": Choice(("solo",)),
        "recordings": Text(optional=True),
        "instrument": Choice(SOLOISTS, SOLOISTS[0]),
        "seconds": Number(2, 600, 30.0),
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
    "esr": Weight(default=1.0),
    "stft": Weight(default=0.1),
    "stft_sizes": Numbers(16, 65_536, (512, 2_048)),
    "emphasis": Number(0.5, 3, optional=True),
    "smoothness": Weight(default=0.0),
    "curvature": Weight(default=0.0),
    **{name: Weight(optional=True) for name in OPTIONAL_TERMS},
}
TRAINING: Schema = {
    "steps": Number(1, 1_000_000, 400, whole=True),
    "batch": Number(1, 4_096, 16, whole=True),
    "segment": Number(64, 100_000_000, 22_050, whole=True),
    "learning_rate": Number(1e-7, 1.0, 0.03),
    "gradient_clip": Number(1e-6, 1e6, 1.0),
    "checkpoint_every": Number(1, 1_000_000, 100, whole=True),
    "validate_every": Number(1, 1_000_000, 50, whole=True),
    "starts": Number(1, 64, whole=True, optional=True),
    "race_steps": Number(1, 10_000, whole=True, optional=True),
    "polish": Number(1, 1_000, whole=True, optional=True),
    "hops": Number(1, 1_000, whole=True, optional=True),
    "patience": Number(1, 10_000, whole=True, optional=True),
    "policy": Choice(("go on", "stop", "roll back"), optional=True),
}
SECTIONS = {"loss": LOSS, "training": TRAINING}
WORDS = ("name", "title", "purpose")


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
    measure: str = "esr"
    limits: dict[str, Any] = field(default_factory=dict)

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
        content = content_of(name_or_path)
        return cls.from_dict(content, {**(_quick(content) if quick else {}), **(overrides or {})})

    @classmethod
    def from_dict(cls, content: object, overrides: Mapping[str, object] | None = None) -> Recipe:
        """Check and complete a recipe given as data."""
        known = (
            *WORDS,
            "chain",
            "data",
            "loss",
            "training",
            "measure",
            "limits",
            "quick",
            "search",
        )
        given = section(content, known, where="recipe")
        given = {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in given.items()
        }
        # another source brings other keys, so it comes before them
        for path, value in sorted(
            (overrides or {}).items(), key=lambda item: item[0] != "data.source"
        ):
            _override(given, path, value)
        data = section(given.get("data", {"source": "synthetic"}), None, where="data")
        source = Choice(tuple(DATA)).checked(data.get("source"), "data.source")
        data = filled(data, DATA[str(source)], where="data")
        chain = given.get("chain")
        if source == "devices":
            chain = _knowing(chain, names_in(data))
        try:
            chain, blocks = complete(chain)
        except SpecError as error:
            raise SpecError(f"recipe: {error}") from error
        words = {key: Text().checked(given.get(key), key) for key in WORDS}
        sections = {
            key: filled(given.get(key, {}), schema, where=key) for key, schema in SECTIONS.items()
        }
        measure = str(Choice(MEASURES).checked(given.get("measure", "esr"), "measure"))
        late = latency(chain["blocks"], dict(blocks))
        _long_enough(sections, data["skip"], late, measure == "spectral", chain["rate"])
        if source == "devices" and "polish" in sections["training"]:
            raise RecipeError(
                "training.polish: expected data of one device, found data.source 'devices'; least squares move one "
                "set of parameters, and each device has its own (leave training.polish out)"
            )
        return cls(
            **words,  # type: ignore[arg-type]
            chain=chain,
            data=data,
            **sections,  # type: ignore[arg-type]
            measure=measure,
            limits=_limits(given.get("limits", {})),
        )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data; `Recipe.from_dict` gives it back."""
        every = {key: getattr(self, key) for key in self.__dataclass_fields__}
        # what is as it always was stays out, so that older recipes keep their hash
        return {
            key: value
            for key, value in every.items()
            if not (key == "measure" and value == "esr") and not (key == "limits" and not value)
        }

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the complete recipe."""
        return digest(self.to_dict())


def content_of(name_or_path: str | Path) -> dict[str, Any]:
    """What the file of a shipped recipe, by name, or of any, by path, says; raises `RecipeError`."""
    path = Path(name_or_path)
    if path.suffix != ".json":
        if str(name_or_path) not in Recipe.names():
            raise RecipeError(
                f"found no recipe '{name_or_path}'; {nearest(str(name_or_path), Recipe.names())}"
            )
        path = FOLDER / f"{name_or_path}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: expected a recipe, found no file that can be read") from error
    except ValueError as error:
        raise RecipeError(f"{path}: expected JSON, found {error}") from error
    return section(content, None, where="recipe")


def names_in(data: Mapping[str, Any]) -> list[str]:
    """The devices of which `data` of source "devices" speaks: its folders', or the built-in ones."""
    if "devices" in data:
        return list(data["devices"])
    return [f"device {n + 1}" for n in range(data["count"])]


def _knowing(chain: object, names: list[str]) -> object:
    """`chain` with an embedding for each of `names`."""
    adapters = chain.get("adapters", []) if isinstance(chain, Mapping) else []
    embeddings = [
        one for one in adapters if isinstance(one, dict) and one.get("kind") == "embedding"
    ]
    if not isinstance(chain, Mapping) or not embeddings:
        raise RecipeError(
            "data.source: expected a chain with an adapter of kind 'embedding' for several devices, found none"
        )
    told = [{**one, "names": names} if one in embeddings else one for one in adapters]
    return {**chain, "adapters": told}


def _long_enough(
    sections: Mapping[str, Mapping[str, Any]],
    skip: int,
    late: int,
    judged_by_spectra: bool,
    rate: int,
) -> None:
    """Raise `RecipeError` where the part of a segment that counts is too short to be compared."""
    loss, segment = sections["loss"], sections["training"]["segment"]
    needed = {"the chain's latency and one sample": late + 1}
    if any(loss.get(name) for name in ("stft", "complex_stft")):
        needed["the longest of loss.stft_sizes"] = max(loss["stft_sizes"])
    if loss.get("modulation"):
        needed["two periods of loss.modulation's slowest"] = modulation_span(rate)
    if judged_by_spectra:
        needed["the shortest spectrum of the measure"] = min(SIZES)
    reason, least = max(needed.items(), key=lambda one: one[1])
    if segment - skip < least:
        raise RecipeError(
            f"training.segment: expected at least {least} frames after the {skip} of data.skip ({reason}), found "
            f"{segment} in all (set it to {skip + least} or more)"
        )


def _quick(content: object) -> dict[str, object]:
    quick = content.get("quick", {}) if isinstance(content, Mapping) else {}
    if not isinstance(quick, Mapping):
        raise RecipeError(f"quick: expected dotted paths with values, found {quick!r}")
    return dict(quick)


def _limits(content: object) -> dict[str, list[float]]:
    given = section(content, tuple(LIMITS), where="limits")
    for name, ends in given.items():
        pair = isinstance(ends, (list, tuple)) and len(ends) == 2
        if not pair or not all(type(end) in (int, float) for end in ends) or not ends[0] < ends[1]:
            raise RecipeError(
                f"limits.{name}: expected two numbers in rising order, found {ends!r}"
            )
    return {name: [float(end) for end in ends] for name, ends in given.items()}


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
    part, key = path.split(".")
    if path == "data.source" and given.get("data", {}).get("source") != value:
        kept = {name: entry for name, entry in given.get("data", {}).items() if name in COMMON}
        given["data"] = kept
    given.setdefault(part, {})[key] = value
