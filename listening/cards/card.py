"""What a card consists of: parts, each for people (words, tables, figures) and for machines (plain data)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from listening.drawing import rendered
from listening.report_sections import Section

FORMAT = 1


@dataclass(frozen=True)
class Drawn:
    """A figure of a card (a `report_sections.Picture`); `address` is where the site draws it."""

    name: str
    title: str
    words: str
    address: str
    draw: Callable[[], Figure]

    @property
    def data(self) -> pd.DataFrame:
        return pd.DataFrame()

    def picture(self, form: str) -> bytes:
        return rendered(self.draw(), form)


@dataclass(frozen=True)
class Result:
    """A number that a list of results can hold: what was measured, on what, and where it can be looked up."""

    metric: str
    title: str
    value: float
    data: str
    method: str = ""


@dataclass(frozen=True)
class Part:
    """One part of a card. `how` is the command that gets the evidence, where there is none yet; `on_site` the address
    of a page that does, and what is done there."""

    name: str
    section: Section
    facts: Any
    how: str = ""
    results: Sequence[Result] = ()
    on_site: tuple[str, str] | tuple[()] = ()


@dataclass(frozen=True)
class ModelCard:
    """A version's card; `front` is what its parts do not say but a list of models asks for."""

    version: str
    title: str
    purpose: str
    sha256_of_version: str
    sha256_of_weights: str
    front: Mapping[str, Any]
    parts: Sequence[Part] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything that the card says, as plain data."""
        return {
            "format": FORMAT,
            "version": self.version,
            "title": self.title,
            "purpose": self.purpose,
            "sha256": self.sha256_of_version,
            "weights_sha256": self.sha256_of_weights,
            "parts": {part.name: part.facts for part in self.parts},
            "without_evidence": {part.name: part.how for part in self.parts if part.how},
        }

    @cached_property
    def sha256(self) -> str:
        """Names what the card says: the same rows give the same card, and another number another one."""
        text = json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def results(self) -> list[Result]:
        return [result for part in self.parts for result in part.results]

    @property
    def complete(self) -> tuple[int, int]:
        """How many parts have evidence, and of how many."""
        return sum(not part.how for part in self.parts), len(self.parts)
