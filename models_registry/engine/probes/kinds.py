"""The kinds of probe: a stimulus of which everything is known, and what is read off the answer to it.

A kind is one function from its settings, the sample rate (Hz) and the seconds in which the system's answer dies away
to a `Course`: the stimulus (frames,) and how to read the answer, which has the same length and no delay. Further kinds
come from other distributions: a module named in the group of entry points `earwitness.probes` declares them with
`probe`, and every suite can name them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, Literal

from models_registry.engine.contract import EngineError
from models_registry.engine.probes.stimuli import Signal

Settings = Mapping[str, float]
PLUGINS = "earwitness.probes"
# tones must lie clearly below half the sample rate
HIGHEST = 0.49


class ProbeError(EngineError):
    """A probe or a suite that cannot be understood, or that a sample rate cannot hold."""


@dataclass(frozen=True)
class Quantity:
    """What a probe reads: `worse` says in which direction it gets worse, where that can be said of any model.

    A change for the worse by more than `tolerance` is a regression; None: it is only told. What is below `floor` is as
    good as nothing.
    """

    name: str
    unit: str
    meaning: str
    worse: Literal["more", "less", ""] = ""
    tolerance: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Curve:
    """What a probe found over frequency, level or time: lines by name over `x`, None where there is nothing."""

    axis: str
    unit: str
    x: tuple[float, ...]
    lines: dict[str, tuple[float | None, ...]]
    logarithmic: bool = False


@dataclass(frozen=True)
class Finding:
    """The quantities by name (None: cannot be told, as in relation to a tone that is gone), and a curve."""

    values: dict[str, float | None]
    curve: Curve | None = None


@dataclass(frozen=True)
class Course:
    stimulus: Signal
    read: Callable[[Signal], Finding]


@dataclass(frozen=True)
class Kind:
    """One kind of probe: why one would use it, its settings with what they are otherwise, and what it reads."""

    name: str
    purpose: str
    settings: dict[str, float]
    quantities: tuple[Quantity, ...]
    make: Callable[[Settings, int, float], Course] = field(repr=False)

    def course(self, settings: Settings, rate: int, settle: float) -> Course:
        """The stimulus and how to read what comes of it; raises `ProbeError`."""
        for name, value in settings.items():
            if name not in self.settings:
                raise ProbeError(
                    f"{self.name}: expected settings of {', '.join(self.settings)}, found '{name}'"
                )
            plain = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not plain or not math.isfinite(value):
                raise ProbeError(f"{self.name}: expected a number for {name}, found {value!r}")
        return self.make({**self.settings, **settings}, rate, settle)

    def quantity(self, name: str) -> Quantity:
        for one in self.quantities:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.quantities)
        raise ProbeError(f"{self.name}: expected a quantity of {known}, found '{name}'")


KINDS: dict[str, Kind] = {}


def probe(
    name: str, purpose: str, *, settings: dict[str, float], quantities: tuple[Quantity, ...]
) -> Callable[[Callable[[Settings, int, float], Course]], Callable[[Settings, int, float], Course]]:
    """Declare a kind of probe by the function that makes its course."""

    def declare(make: Callable[[Settings, int, float], Course]) -> Any:
        if name in KINDS:
            raise ProbeError(f"expected a new kind of probe, found '{name}' declared already")
        KINDS[name] = Kind(name, purpose, settings, quantities, make)
        return make

    return declare


def names() -> list[str]:
    """All kinds of probe, of plug-ins too."""
    _load()
    return sorted(KINDS)


def kind(name: str) -> Kind:
    """The kind called `name`; raises `ProbeError` with what there is."""
    _load()
    if name not in KINDS:
        raise ProbeError(f"expected a kind of probe of {', '.join(KINDS)}, found '{name}'")
    return KINDS[name]


@lru_cache(maxsize=1)
def _load() -> None:
    from models_registry.engine.probes import dynamic, spectral, transient  # noqa: F401

    for plugin in entry_points(group=PLUGINS):
        try:
            plugin.load()
        except Exception as error:
            raise ProbeError(
                f"the probes of '{plugin.name}' ({plugin.value}) cannot be loaded: {error}"
            ) from error


def held(rate: int, **frequencies: float) -> None:
    """Refuse frequencies that `rate` cannot hold."""
    for name, frequency in frequencies.items():
        if not 0 < frequency <= HIGHEST * rate:
            raise ProbeError(
                f"expected a {name} frequency of up to {HIGHEST * rate:g} Hz at {rate} Hz, found {frequency:g} Hz"
            )
