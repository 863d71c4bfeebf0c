"""What a version learned: each parameter's value with its unit, its range and its default, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from listening.block_pictures import picture_of
from models_registry.extra import EngineMissing
from models_registry.models import ModelVersion

NO_ENGINE = (
    "Reading learned values needs the training engine, which is not installed here: "
    "pip install 'earwitness[engine]'."
)


@dataclass(frozen=True)
class LearnedValue:
    """One parameter as pages show it: `place` is 0…100 along its own scale, `number` in its unit, both None for
    curves."""

    name: str
    meaning: str
    value: str
    unit: str
    range: str
    default: str
    number: float | None
    # of a curve each point's, as `place`
    places: tuple[float, ...]
    place: float | None
    authority: float | None

    @property
    def marker(self) -> str:
        """Where the mark stands on a line drawn from 2 to 102."""
        return f"{2 + (self.place or 0):.1f}"

    @property
    def at_the_end(self) -> bool:
        """Whether training pushed the value against its range."""
        return self.place is not None and not 2 < self.place < 98


@dataclass(frozen=True)
class LearnedBlock:
    """One block's values, and the figure that shows what they do together (empty: none)."""

    name: str
    kind: str
    figure: str
    values: list[LearnedValue]


def learned_values(found: ModelVersion) -> tuple[list[LearnedBlock], str]:
    """The parameters of `found` block by block, or none and the reason."""
    try:
        chain = found.load()
    except EngineMissing:
        return [], NO_ENGINE
    except (OSError, ValueError) as error:
        return [], f"The learned values cannot be read: {error}"
    blocks = []
    readings = chain.readings()
    # by the chain and not by its specification, where branches are nested
    for name, block in chain.blocks.items():
        prefix = name + "."
        values = [
            learned_value(path.removeprefix(prefix), reading)
            for path, reading in readings.items()
            if path.startswith(prefix)
        ]
        blocks.append(
            LearnedBlock(
                name,
                block.kind,
                picture.shows if (picture := picture_of(chain, name)) else "",
                values,
            )
        )
    return blocks, ""


def learned_value(name: str, reading: Any) -> LearnedValue:
    parameter = reading.parameter
    curve = isinstance(reading.value, tuple)
    return LearnedValue(
        name=name,
        meaning=parameter.meaning,
        value=f"{len(reading.value)} points" if curve else shown(reading.value),
        unit=parameter.unit,
        default="a curve" if curve else shown(parameter.default),
        places=tuple(100 * np.atleast_1d(parameter.control(reading.value))),
        number=None if curve else float(reading.value),
        range=f"{shown(parameter.low)} … {shown(parameter.high)}",
        place=None if curve else 100 * float(parameter.control(reading.value)),
        authority=reading.authority and 100 * reading.authority,
    )


def shown(value: float) -> str:
    """Four significant figures, without an exponent."""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "−")
