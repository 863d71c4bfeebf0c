"""Kinds of blocks and adapters as the site tells of them: looked up in the engine, which may not be installed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models_registry.extra import EngineMissing, engine

if TYPE_CHECKING:
    from models_registry.engine import Card

# by the modules of models_registry/engine/blocks in which their kinds are
FAMILIES: dict[str, tuple[str, ...]] = {
    "level and place": ("gain", "stereo"),
    "filters": ("biquad", "equaliser", "variable", "emphasis", "fir"),
    "banks": ("filterbank",),
    "delays": ("delay", "modulated", "strings"),
    "curves": ("waveshaper", "shapers", "clipper", "diodes", "reduction"),
    "dynamics": ("dynamics", "multiband", "steering"),
    "rooms": ("reverb", "network", "early", "measured"),
    "short-time spectra": ("spectral", "denoising", "harmonic", "pitch_filter"),
    "sounds": ("synthesis", "noise"),
    "the ear": ("hearing",),
}
ADAPTERS = "adapters"
# the rate (Hz) at which ranges are told
RATE = 44_100


@dataclass(frozen=True)
class Kind:
    """A kind of block or adapter: `family`, its card and its parameters at `RATE` (none of an adapter)."""

    name: str
    family: str
    card: Card
    parameters: tuple[Any, ...]
    choices: tuple[Any, ...]

    @property
    def is_block(self) -> bool:
        return self.family != ADAPTERS

    def as_dict(self) -> dict[str, Any]:
        card = asdict(self.card)
        card.pop("expected")
        return {
            "name": self.name,
            "family": self.family,
            **card,
            "parameters": [
                {
                    key: getattr(one, key)
                    for key in (
                        "name",
                        "unit",
                        "low",
                        "high",
                        "scale",
                        "default",
                        "size",
                        "meaning",
                    )
                }
                for one in self.parameters
            ],
            "options": [
                {
                    key: getattr(one, key)
                    for key in ("name", "default", "words", "low", "high", "meaning")
                }
                for one in self.choices
            ],
        }


def blocks() -> dict[str, Any]:
    """Every class of blocks by kind; raises `EngineMissing`."""
    return dict(engine("blocks").BLOCKS)


def adapters() -> dict[str, Any]:
    """Every class of adapters by kind; raises `EngineMissing`."""
    return dict(engine("adapters").ADAPTERS)


def kinds() -> dict[str, Kind]:
    """All there are, by family and name; raises `EngineMissing`."""
    found = [
        Kind(name, family_of(one), one.card, tuple(one(RATE).parameters.values()), one.choices)
        for name, one in blocks().items()
    ]
    found += [Kind(name, ADAPTERS, one.card, (), one.choices) for name, one in adapters().items()]
    order = [*FAMILIES, ADAPTERS]
    found.sort(key=lambda one: (order.index(one.family), one.name))
    return {one.name: one for one in found}


def family_of(block: Any) -> str:
    """The family that the block's module belongs to; raises `KeyError` of one that belongs to none."""
    module = block.__module__.rpartition(".")[2]
    for family, modules in FAMILIES.items():
        if module in modules:
            return family
    raise KeyError(f"expected the module {module} in a family of blocks, found it in none")


def kind_card(kind: str) -> Card | None:
    """The card of a kind of block or adapter; None where there is none, or no engine to ask."""
    try:
        found = blocks().get(kind) or adapters().get(kind)
    except EngineMissing:
        return None
    card: Card | None = found.card if found else None
    return card
