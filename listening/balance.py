"""How evenly a campaign's design spreads items, conditions and places, counted: planned for so many, or as it was done.

A frame of presentations has one row for each stimulus on a rating page: session, page (its place among the session's
rating pages, from 1), item, condition, position (on screen, from 1) and repetition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from django.db.models import Max

from listening.analysis.plain import Format, whole
from listening.methods.base import PlannedSlot
from listening.models import Campaign, Condition, Page, Session, Slot
from listening.presenting import Material, drawn, material_of
from listening.report_sections import Table, laid_out
from listening.scheme import Scheme

COLUMNS = ["session", "page", "item", "condition", "position", "repetition"]
# of a table that can still be read
MOST_PLACES = 24
MOST_SESSIONS = 500


@dataclass(frozen=True)
class Spread:
    """The fewest and the most of anything that should be alike."""

    fewest: int
    most: int

    @property
    def even(self) -> bool:
        return self.fewest == self.most

    def __str__(self) -> str:
        return str(self.most) if self.even else f"{self.fewest} to {self.most}"


@dataclass(frozen=True)
class Balance:
    """Counts over `sessions`, without what is presented once more; each a table of whole numbers."""

    sessions: int
    pages: Spread
    stimulus_places: pd.DataFrame
    cells: pd.DataFrame
    places: pd.DataFrame
    item_places: pd.DataFrame
    follows: pd.DataFrame
    follows_on_screen: bool

    @property
    def of_cells(self) -> Spread:
        return _spread(self.cells)

    @property
    def of_places(self) -> Spread:
        return _spread(self.places)

    @property
    def of_stimulus_places(self) -> Spread:
        return _spread(self.stimulus_places[["presentations"]])

    @property
    def of_follows(self) -> Spread:
        """Of different conditions; how often one follows itself is beside the point."""
        counts = self.follows.to_numpy()[~np.eye(len(self.follows), dtype=bool)]
        return Spread(int(counts.min(initial=counts.max(initial=0))), int(counts.max(initial=0)))

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, tables by row and column."""
        tables = {
            "cells": self.cells,
            "places": self.places,
            "item_places": self.item_places,
            "follows": self.follows,
        }
        return {
            "sessions": self.sessions,
            "follows_on_screen": self.follows_on_screen,
            **{
                name: {
                    str(row): {str(column): int(n) for column, n in of_row.items()}
                    for row, of_row in table.to_dict("index").items()
                }
                for name, table in tables.items()
            },
        }


def planned(campaign: Campaign, sessions: int) -> pd.DataFrame:
    """What `sessions` completed rows of the design would present; without a design, what so many seeds happen to."""
    material = material_of(campaign)
    return pd.DataFrame(_planned(campaign, material, sessions), columns=COLUMNS)


def _planned(
    campaign: Campaign, material: Material, sessions: int
) -> Iterator[tuple[int, int, str, str, int, int]]:
    for row in range(sessions):
        pages = drawn(campaign, f"{campaign.seed}/planned/{row}", row=row, material=material)
        for page, (trial, repetition, slots) in enumerate(pages, start=1):
            for position, condition in enumerate(_conditions(slots), start=1):
                yield row, page, trial.item, condition, position, repetition


def _conditions(slots: list[PlannedSlot]) -> list[str]:
    """In the order on screen, each once: ABX's X repeats one of them."""
    return list(dict.fromkeys(slot.stimulus.condition.name for slot in slots if slot.stimulus))


def realised(campaign: Campaign) -> pd.DataFrame:
    """What people's finished sessions that count did present."""
    slots = Slot.objects.filter(
        stimulus__isnull=False,
        page__kind=Page.Kind.RATING,
        page__left_out=False,
        page__session__in=completed(campaign),
    ).order_by("page__session", "page__number", "position")
    found = pd.DataFrame(
        slots.values_list(
            "page__session",
            "page__number",
            "page__trial__item",
            "stimulus__condition__name",
            "position",
            "page__repetition",
        ),
        columns=COLUMNS,
    )
    found = found.drop_duplicates(["session", "page", "condition"])
    return found.assign(
        page=found.groupby("session")["page"].rank(method="dense").astype(int),
        position=found.groupby(["session", "page"]).cumcount() + 1,
    )


def completed(campaign: Campaign) -> Any:
    """People's sessions that were finished and are not left out."""
    return campaign.sessions.filter(
        ending=Session.Ending.FINISHED, excluded_at=None, listener__simulated=False
    )


def beyond(campaign: Campaign) -> int:
    """How many finished sessions completed a row of the design that another one had completed."""
    finished = completed(campaign).filter(row__isnull=False)
    return finished.count() - finished.values("row").distinct().count()


def rows_used(campaign: Campaign) -> int:
    """How far down the design sessions reach."""
    last = campaign.sessions.filter(holds_row=True).aggregate(last=Max("row"))["last"]
    return 0 if last is None else last + 1


def counted(campaign: Campaign, presentations: pd.DataFrame) -> Balance:
    """The balance of `presentations`; conditions and items stand in the campaign's order."""
    # what comes once more comes in addition: it is another question how often
    presentations = presentations[presentations["repetition"] <= campaign.repetitions]
    presentations = presentations.assign(
        page=presentations.groupby("session")["page"].rank(method="dense").astype(int)
    )
    conditions = list(campaign.conditions.values_list("name", flat=True))
    conditions = [name for name in conditions if name in set(presentations["condition"])]
    items = [trial.item for trial in material_of(campaign)]
    on_page = presentations.groupby(["session", "page"]).size()
    several = bool((on_page > 1).any())
    pages = presentations.groupby("session")["page"].max()
    within = ["session", "page"] if several else ["session"]
    ordered = presentations.sort_values(["session", "page", "position"], kind="stable")
    before = ordered.groupby(within)["condition"].shift()
    follows = pd.crosstab(before.dropna(), ordered.loc[before.notna(), "condition"])
    place = (presentations["position"] if several else presentations["page"]).rename("place")
    pages_alone = presentations.drop_duplicates(["session", "page"])
    return Balance(
        sessions=int(presentations["session"].nunique()),
        stimulus_places=_stimulus_places(presentations, place),
        pages=Spread(int(pages.min()), int(pages.max())) if len(pages) else Spread(0, 0),
        cells=pd.crosstab(presentations["item"], presentations["condition"]).reindex(
            index=items, columns=conditions, fill_value=0
        ),
        places=pd.crosstab(presentations["condition"], _shortened(place)).reindex(
            conditions, fill_value=0
        ),
        item_places=pd.crosstab(pages_alone["item"], _shortened(pages_alone["page"])).reindex(
            items, fill_value=0
        ),
        follows=follows.reindex(index=conditions, columns=conditions, fill_value=0),
        follows_on_screen=several,
    )


def _stimulus_places(presentations: pd.DataFrame, place: pd.Series) -> pd.DataFrame:
    """How often each stimulus stands in each place: item, condition, place, presentations."""
    found = pd.crosstab([presentations["item"], presentations["condition"]], place)
    return found.reset_index().melt(
        id_vars=["item", "condition"], var_name="place", value_name="presentations"
    )


def _shortened(places: pd.Series) -> pd.Series:
    """Places by number, or in so many parts of the way where there are too many to be read."""
    most = int(places.max()) if len(places) else 0
    if most <= MOST_PLACES:
        return places
    size = -(-most // 12)
    part = (places - 1) // size
    return part.map(lambda n: f"{n * size + 1:02d}–{min((n + 1) * size, most):02d}")


def _spread(table: pd.DataFrame) -> Spread:
    values = table.to_numpy()
    return Spread(int(values.min()), int(values.max())) if values.size else Spread(0, 0)


def round_of(campaign: Campaign) -> int:
    """After how many completed sessions the design is exactly balanced."""
    conditions = campaign.conditions.all()
    systems = sum(one.role == Condition.Role.SYSTEM for one in conditions)
    scheme = Scheme.of(campaign.design)
    shown = min(scheme.systems or systems, systems) + len(conditions) - systems
    items = len(material_of(campaign))
    return scheme.round(items=items, systems=systems, on_screen=shown)


def tables(found: Balance) -> list[Table]:
    """The counts as a page shows them."""
    where = "on the screen" if found.follows_on_screen else "in the session, by rating page"
    after = "on the screen" if found.follows_on_screen else "from page to page"
    return [
        _table("Item", found.cells, f"How often each stimulus is presented in {found.sessions} sessions."),
        _table("Condition", found.places, f"How often each condition stands where {where}."),
        _table("Item", found.item_places, "How often each item is on which rating page."),
        _table(
            "After this one",
            found.follows,
            f"How often the condition of the column directly follows that of the row {after}.",
        ),
    ]  # fmt: skip


def _table(first: str, counts: pd.DataFrame, caption: str) -> Table:
    columns: dict[str, tuple[pd.Series, Format]] = {
        first: (pd.Series(counts.index.astype(str)), str)
    }
    columns |= {str(name): (counts[name], whole) for name in counts}
    return laid_out(caption, columns)
