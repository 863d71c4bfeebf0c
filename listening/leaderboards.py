"""The leaderboard of a benchmark: how each entry sounds, how far it can be read, where it fails and what it costs.

Every column says how it is defined. A cell is a number with its interval and n, or the reason why there is none: what a
system cannot have, as outputs sent by another team have no parameters, is not applicable and never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.correlation import stimulus_means
from listening.analysis.description import describe
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.prediction import Predictor, predictor
from listening.analysis.ranking import Rank, pareto_front, ranks
from listening.analysis.report import WITH_MEANS
from listening.analysis.screening import screen
from listening.computed import correlation_of, ratings_of
from listening.entry_columns import (
    COST,
    PENDING,
    READ,
    ROBUST,
    SOUND,
    Cell,
    Column,
    completeness,
    model_cells,
    model_columns,
)
from listening.evidence import latest_scores
from listening.models import Benchmark, BenchmarkEntry, Campaign
from metrics import catalogue
from metrics.catalogue import Direction

Values = NDArray[np.float64]

RATING, PREDICTED = "rating", "predicted"
# what the front weighs beside what ranks, and whether the more the better
WEIGHED = {"explained": True, "real_time": False}


@dataclass(frozen=True)
class Line:
    """An entry and its cells by the columns' names; `front`: nobody beats it in sound, legibility and cost at once."""

    entry: BenchmarkEntry
    cells: dict[str, Cell]
    front: bool = False


@dataclass(frozen=True)
class Heard:
    """The campaign whose ratings count, its listeners and those of them that are programs; `predictor` maps scores to
    its ratings where that can be."""

    campaign: Campaign
    kept: pd.DataFrame
    listeners: int
    simulated: int
    predictor: Predictor | None
    why_not: str


@dataclass(frozen=True)
class Board:
    """`lines` with the best first; `ranked_by` names the column that ranks them."""

    benchmark: Benchmark
    columns: list[Column]
    lines: list[Line]
    ranked_by: Column
    heard: Heard | None
    notes: list[str] = field(default_factory=list)

    @property
    def groups(self) -> list[tuple[str, list[Column]]]:
        return [
            (group, [one for one in self.columns if one.group == group])
            for group in (SOUND, READ, ROBUST, COST)
        ]


def board(benchmark: Benchmark, *, by: str = "") -> Board:
    """The leaderboard, ranked by the column named: the ratings where there are any, else the benchmark's own metric."""
    entries = list(
        benchmark.entries.standing()
        .select_related("version__model", "version__run__job", "job")
        .prefetch_related("studies__job")
    )
    heard = _heard(benchmark)
    columns = _columns(benchmark, heard)
    known = {one.name: one for one in columns if one.group == SOUND and one.higher is not None}
    usual = RATING if heard else benchmark.rules["ranked_by"]
    ranking = known.get(by, known[usual])
    tables = _by_item(benchmark, entries, heard)
    cells = _sound_cells(columns, tables, entries, heard)
    standing = completeness(entries)
    for entry in entries:
        cells[entry.pk] |= model_cells(entry, standing)
    lines = [Line(entry, cells[entry.pk]) for entry in entries]
    return Board(
        benchmark,
        columns,
        _ordered(_with_front(lines, ranking), ranking),
        ranking,
        heard,
        _notes(heard, ranking, tables.get(ranking.name), entries) + _withdrawn(benchmark),
    )


def _columns(benchmark: Benchmark, heard: Heard | None) -> list[Column]:
    made = []
    if heard:
        kind = METHODS[heard.campaign.method]
        whose = "simulated listeners, not people" if heard.simulated else "people"
        where = f"{heard.campaign.protocol.title}, {kind.low:g} to {kind.high:g}"
        made.append(
            Column(
                RATING, SOUND, "Simulated rating" if heard.simulated else "Human rating", "", True,
                f"Mean rating by {whose} ({where}), with the 95 % interval over listeners and their number.",
            )
        )  # fmt: skip
        if heard.predictor:
            made.append(
                Column(
                    PREDICTED, SOUND, "Predicted rating", "", True,
                    f"No listener gave it: what a metric foretells. {heard.predictor.said}.",
                )
            )  # fmt: skip
    for name in benchmark.metrics:
        metric = catalogue.get(name)
        higher = (
            None if metric.direction is Direction.NONE else metric.direction is Direction.HIGHER
        )
        made.append(
            Column(
                name,
                SOUND,
                metric.title.partition(",")[0],
                metric.unit,
                higher,
                f"{metric.title}, mean over the items.",
            )
        )
    return [*made, *model_columns(benchmark)]


# sound


def _heard(benchmark: Benchmark) -> Heard | None:
    """The newest linked campaign that has ratings with means of an entry's output."""
    outputs = set(
        benchmark.entries.standing()
        .values_list("outputs__signal__sha256", flat=True)
        .exclude(outputs=None)
    )
    for campaign in benchmark.campaigns.order_by("-pk"):
        if METHODS[campaign.method].reading not in WITH_MEANS:
            continue
        ratings = ratings_of(campaign)
        if not ratings["signal"].isin(outputs).any():
            continue
        overall = METHODS[campaign.method].overall
        ratings = ratings[ratings["scale"] == overall] if overall else ratings
        kept = screen(ratings, rule=campaign.rule).keep(ratings)
        if kept.empty:
            continue
        correlation, why = correlation_of(campaign)
        found = None
        if correlation is not None:
            try:
                found = predictor(
                    correlation.points[correlation.points["metric"].isin(benchmark.metrics)]
                )
            except AnalysisError as error:
                why = str(error)
        people = kept.groupby("listener", observed=True)["simulated"].any()
        return Heard(campaign, kept, len(people), int(people.sum()), found, why)
    return None


def _by_item(
    benchmark: Benchmark, entries: Sequence[BenchmarkEntry], heard: Heard | None
) -> dict[str, Values]:
    """By column an array (items, entries) of scores and mean ratings, NaN where there is none."""
    items = list(benchmark.items.values_list("pk", "reference_id"))
    rows = {pk: place for place, (pk, _) in enumerate(items)}
    references = dict(items)
    columns = {entry.pk: place for place, entry in enumerate(entries)}
    outputs = list(
        benchmark.entries.standing()
        .values_list("pk", "outputs__item", "outputs__signal", "outputs__signal__sha256")
        .exclude(outputs=None)
    )
    scores = latest_scores(
        {signal for _, _, signal, _ in outputs},
        names=benchmark.metrics,
        align=benchmark.rules["align"],
    )
    shape = len(items), len(entries)
    found = {name: np.full(shape, np.nan) for name in (*benchmark.metrics, RATING, PREDICTED)}
    rated: dict[str, float] = {}
    if heard:
        means = stimulus_means(heard.kept)
        rated = dict(zip(means["signal"], means["rating"], strict=True))
    for entry, item, signal, sha256 in outputs:
        place = rows[item], columns[entry]
        for name in benchmark.metrics:
            against = references[item] if catalogue.get(name).needs_reference else None
            score = scores.get((signal, against), {}).get(name)
            if score is not None and score.value is not None:
                found[name][place] = score.value
        found[RATING][place] = rated.get(sha256, np.nan)
        if heard and heard.predictor and np.isfinite(found[heard.predictor.metric][place]):
            found[PREDICTED][place] = heard.predictor(found[heard.predictor.metric][place])
    return found


def _sound_cells(
    columns: Sequence[Column],
    tables: dict[str, Values],
    entries: Sequence[BenchmarkEntry],
    heard: Heard | None,
) -> dict[int, dict[str, Cell]]:
    cells: dict[int, dict[str, Cell]] = {entry.pk: {} for entry in entries}
    for column in columns:
        if column.group != SOUND:
            continue
        values = tables[column.name]
        placed = _ranked(values, column.higher) if column.higher is not None else {}
        for place, entry in enumerate(entries):
            of_entry = values[:, place]
            known = of_entry[np.isfinite(of_entry)]
            if not len(known):
                why = "no rating of its outputs" if column.name == RATING else _why_unscored(entry)
                cells[entry.pk][column.name] = Cell(said=why)
            elif column.name == RATING and heard:
                cells[entry.pk][column.name] = _rating(entry, heard, placed.get(place))
            else:
                cells[entry.pk][column.name] = Cell(
                    float(known.mean()), n=len(known), rank=placed.get(place)
                )
    return cells


def _why_unscored(entry: BenchmarkEntry) -> str:
    if entry.job.state == entry.job.State.FAILED:
        return f"its job failed: {entry.job.message}"
    return "no value of any item" if entry.job.is_over else PENDING


def _rating(entry: BenchmarkEntry, heard: Heard, rank: Rank | None) -> Cell:
    signals = set(entry.outputs.values_list("signal__sha256", flat=True))
    rows = heard.kept[heard.kept["signal"].isin(signals)].assign(condition=entry.name)
    row = describe(rows).iloc[0]
    low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("ci_low", "ci_high"))
    return Cell(
        float(row["mean_of_listeners"]), low, high, int(row["n_listeners"]),
        f"{int(row['n_ratings'])} ratings", rank,
    )  # fmt: skip


def _ranked(values: Values, higher: bool | None) -> dict[int, Rank]:
    """Ranks by place of the entries that have a value of every item that any of the ranked has; the rest have none."""
    known = np.isfinite(values)
    there = known.any(axis=1)
    whole = known[there].all(axis=0) if there.any() else np.zeros(values.shape[1], dtype=bool)
    places = np.flatnonzero(whole)
    if not len(places):
        return {}
    found = ranks(values[np.ix_(there, whole)], higher=bool(higher))
    return dict(zip(map(int, places), found, strict=True))


# order, front, notes


def _with_front(lines: list[Line], ranking: Column) -> list[Line]:
    values = [[line.cells[name].value for name in (ranking.name, *WEIGHED)] for line in lines]
    front = pareto_front(values, higher=[bool(ranking.higher), *WEIGHED.values()])
    return [Line(line.entry, line.cells, on) for line, on in zip(lines, front, strict=True)]


def _ordered(lines: list[Line], ranking: Column) -> list[Line]:
    """Those with a rank first, then those with a value, then the rest; each by name where they are equal."""

    def key(line: Line) -> tuple[int, float, str]:
        cell = line.cells[ranking.name]
        if cell.rank:
            return 0, float(cell.rank.rank), line.entry.name
        return (2, 0.0, line.entry.name) if cell.value is None else (1, 0.0, line.entry.name)

    return sorted(lines, key=key)


def _notes(
    heard: Heard | None,
    ranking: Column,
    values: Values | None,
    entries: Sequence[BenchmarkEntry],
) -> list[str]:
    said = []
    if heard and heard.simulated:
        said.append(
            f"{heard.simulated} of the {heard.listeners} listeners are simulated: these ratings were not given by "
            "people, and are a rehearsal."
        )
    if heard and not heard.predictor:
        said.append(f"No rating is predicted: {heard.why_not}")
    if values is not None and values.size:
        known = np.isfinite(values)
        there = known.any(axis=1)
        partly = [
            entry.name
            for place, entry in enumerate(entries)
            if known[:, place].any() and not known[there, place].all()
        ]
        if partly:
            said.append(
                f"Without a rank, for want of {ranking.title} on some items: {', '.join(partly)}."
            )
        if int(there.sum()) == 1 and len(entries) > 1:
            said.append("One item alone rules no place out: intervals of ranks take two or more.")
    return said


def _withdrawn(benchmark: Benchmark) -> list[str]:
    return [
        f"{one.name} was withdrawn on {one.withdrawn_at:%Y-%m-%d}: {one.withdrawn_because}"
        for one in benchmark.entries.exclude(withdrawn_at=None)
    ]
