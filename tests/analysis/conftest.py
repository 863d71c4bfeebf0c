"""The reference campaigns and what R 4 says of them; the published neural-codec ratings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from listening.analysis.frames import ratings_frame
from listening.exchange.ratings import ImportedRatings, parse
from tests.analysis.ledger import Ledger

ROLES = {"ref": "reference", "mid": "anchor70", "low": "anchor35"}


class Reference:
    """Inputs and R's results of the statistics reference set, by name."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.ledger = Ledger(folder / "expected")

    def data(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / "data" / f"{name}.csv")

    def expected(self, name: str) -> Any:
        return self.ledger.tree(name)

    def mushra(self, name: str = "mushra") -> pd.DataFrame:
        data = self.data(name)
        return ratings_frame(
            data.assign(
                method="mushra",
                role=data["condition"].map(ROLES).fillna("system"),
                trial=data["item"].str[1:].astype(int),
                rating=data["score"],
            )
        )

    def bs1116(self) -> pd.DataFrame:
        data = self.data("bs1116").assign(trial=range(192), method="bs1116")
        rows = [
            data.assign(condition=name, role=role, rating=data[grade])
            for name, role, grade in (
                (data["system"], "system", "grade_system"),
                ("reference", "reference", "grade_reference"),
            )
        ]
        return ratings_frame(pd.concat(rows))

    def acr(self) -> pd.DataFrame:
        data = self.data("mos")
        return ratings_frame(
            data.assign(
                method="acr",
                condition=data["system"],
                role="system",
                trial=data.groupby("listener").cumcount() + 1,
                rating=data["score"],
            )
        )

    def abx(self) -> pd.DataFrame:
        data = self.data("abx")
        return ratings_frame(
            data.rename(columns={"x": "x_was", "correct": "rating"}).assign(
                method="abx", item="i", condition="B", reference_condition="A", role="system"
            )
        )


@pytest.fixture(scope="session")
def reference(shared: Path) -> Iterator[Reference]:
    """What R says, every figure of it entered in the ledger as it is compared."""
    reference = Reference(shared / "reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest, "approx", reference.ledger.watch(pytest.approx))
        yield reference


@pytest.fixture(scope="session")
def codec_folder(shared: Path) -> Path:
    return shared / "data" / "ratings" / "mushra_neural_codec"


@pytest.fixture(scope="session")
def codec(codec_folder: Path) -> ImportedRatings:
    """The unfiltered neural-codec ratings (Stahl et al. 2024)."""
    return parse(codec_folder / "ratings_formated.csv", campaign="codec")


@pytest.fixture(scope="session")
def published(codec_folder: Path) -> Any:
    return json.loads((codec_folder / "published.json").read_text())["reproduced_here"]


def campaign(
    grades: Mapping[str, Mapping[str, Sequence[float]]], roles: Mapping[str, str]
) -> pd.DataFrame:
    """A small MUSHRA campaign: listener → condition → rating of item 1, 2, …"""
    rows = [
        {"listener": who, "condition": condition, "item": f"i{n}", "trial": n, "rating": rating}
        for who, conditions in grades.items()
        for condition, ratings in conditions.items()
        for n, rating in enumerate(ratings, start=1)
    ]
    frame = pd.DataFrame(rows)
    return ratings_frame(frame.assign(method="mushra", role=frame["condition"].map(dict(roles))))
