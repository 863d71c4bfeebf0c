"""What a block promises: its parameters, its ports and its card, as frozen, hashable data.

Conventions: a *control* is a parameter's position within its range, 0 (low) to 1 (high) along the
parameter's own scale; a *physical value* is in the parameter's unit; rates are in Hz; latency is in samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

Scale = Literal["linear", "log", "dB"]
Number = TypeVar("Number", float, torch.Tensor)


class EngineError(ValueError):
    """Something the engine cannot do; the message says what was expected, what was found and where."""


class SpecError(EngineError):
    """A chain specification (or a block's declaration) that cannot be built."""


class RecipeError(EngineError):
    """A training recipe that cannot be followed."""


@dataclass(frozen=True)
class Parameter:
    """One quantity of a block, `low` to `high` in `unit`.

    `scale` says how a control maps to the value: "linear" and "dB" (a level, already in decibels)
    linearly, "log" geometrically. `size` > 1 declares a vector, such as the points of a curve;
    `default` is then one number for all or a tuple. `time_varying` parameters may follow an adapter.
    A specification may hold a parameter at its start (`frozen`), or to another's place in its range (`tied_to`, a
    `block id.parameter`).
    """

    name: str
    unit: str
    low: float
    high: float
    scale: Scale
    default: float | tuple[float, ...]
    meaning: str
    size: int = 1
    time_varying: bool = False
    frozen: bool = False
    tied_to: str = ""

    def __post_init__(self) -> None:
        ends = math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high
        if not ends or (self.scale == "log" and self.low <= 0):
            raise SpecError(
                f"{self.name}: expected a finite range with low < high (and low > 0 on a log scale), "
                f"found {self.low:g} to {self.high:g}"
            )
        if not self.meaning:
            raise SpecError(f"{self.name}: expected a meaning, found none")
        self.checked(self.default, where=self.name)

    def physical(self, control: Number) -> Number:
        """The value in `unit` at `control` (0 to 1)."""
        if self.scale == "log":
            return self.low * (self.high / self.low) ** control
        return self.low + (self.high - self.low) * control

    def control(self, value: ArrayLike) -> NDArray[np.float64]:
        """The control (0 to 1) at which the parameter has `value`, shaped like `value`."""
        value = np.asarray(value, dtype=np.float64)
        if self.scale == "log":
            return np.asarray(np.log(value / self.low) / math.log(self.high / self.low))
        return np.asarray((value - self.low) / (self.high - self.low))

    def within(self, low: float, high: float, *, where: str = "") -> Parameter:
        """The same parameter with a tighter range; a default outside it moves to its middle. Raises `SpecError` naming
        `where`."""
        if not self.low <= low < high <= self.high:
            raise SpecError(
                f"{where or self.name}: expected bounds in rising order within {self.low:g} to {self.high:g} "
                f"{self.unit}, found {low:g} to {high:g}"
            )
        tight = replace(self, low=low, high=high, default=low)
        given = self.default if isinstance(self.default, tuple) else (self.default,)
        inside = all(low <= number <= high for number in given)
        return replace(tight, default=self.default if inside else tight.physical(0.5))

    def checked(self, value: object, *, where: str) -> tuple[float, ...]:
        """Return `value` as `size` floats in range, or raise `SpecError` naming `where`."""
        given: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value] * self.size
        if len(given) != self.size:
            raise SpecError(f"{where}: expected {self.size} values, found {len(given)}")
        for number in given:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise SpecError(f"{where}: expected a number in {self.unit}, found {number!r}")
            if not self.low <= number <= self.high:  # also catches NaN
                # a whole number may have more digits than a float can hold
                found = "a number beyond 1e300" if abs(number) > 1e300 else f"{number:g}"
                raise SpecError(
                    f"{where}: expected {self.low:g} to {self.high:g} {self.unit}, found {found} {self.unit}"
                )
        return tuple(float(number) for number in given)


@dataclass(frozen=True)
class Option:
    """A choice about a block's structure, made once when the chain is built: one of `words`, or else a whole
    number from `low` to `high`.

    An option that a kind of block got `later` is left out of a specification at its default, so that models described
    before keep their identity.
    """

    name: str
    default: str | int
    meaning: str
    words: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    later: bool = False

    def __post_init__(self) -> None:
        if not self.meaning:
            raise SpecError(f"{self.name}: expected a meaning, found none")
        self.checked(self.default, where=self.name)

    def checked(self, value: object, *, where: str) -> str | int:
        """Return `value`, or raise `SpecError` naming `where`."""
        if self.words:
            if not isinstance(value, str) or value not in self.words:
                raise SpecError(f"{where}: expected {' or '.join(self.words)}, found {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(f"{where}: expected a whole number, found {value!r}")
        if not self.low <= value <= self.high:
            raise SpecError(f"{where}: expected {self.low} to {self.high}, found {value}")
        return value


@dataclass(frozen=True)
class Port:
    """Where a block meets its neighbour.

    `channels` 0 means any number, each treated alike; `latency` counts the samples by which the
    block's output lags behind this port.
    """

    channels: int = 0
    low_rate: int = 8_000
    high_rate: int = 192_000
    latency: int = 0

    def __str__(self) -> str:
        width = f"{self.channels} channel(s)" if self.channels else "any number of channels"
        return f"{width} at {self.low_rate} to {self.high_rate} Hz"

    def meets(self, other: Port) -> bool:
        """Whether a signal leaving here can enter `other`."""
        same_width = 0 in (self.channels, other.channels) or self.channels == other.channels
        overlap = self.low_rate <= other.high_rate and other.low_rate <= self.high_rate
        return same_width and overlap


@dataclass(frozen=True)
class Expectation:
    """What a block alone should show under a `probe`, whatever its parameters: a `quantity` of `least` to `most`.

    Held to at the defaults of every kind of block and at places drawn from its ranges, and in each validation at the
    values that the version has.

    The kinds of probe and their quantities are declared in `probes`. A linear block's `deviation` under an impulse and
    a curve's under a constant are the distance, in dB, from the response or curve that the block itself states.
    """

    probe: str
    quantity: str
    least: float = -math.inf
    most: float = math.inf

    def __post_init__(self) -> None:
        if not self.least <= self.most or (math.isinf(self.least) and math.isinf(self.most)):
            raise SpecError(
                f"{self.probe}: expected a bound for {self.quantity}, found {self.least:g} to {self.most:g}"
            )


@dataclass(frozen=True)
class Card:
    """Why a block exists, when to trust it, and what it shows under probes; all but that must say something."""

    purpose: str
    rationale: str
    assumptions: str
    expected_ranges: str
    failure_modes: str
    references: tuple[str, ...]
    expected: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "expected" and not getattr(self, field.name):
                raise SpecError(f"card: expected {field.name.replace('_', ' ')}, found nothing")
