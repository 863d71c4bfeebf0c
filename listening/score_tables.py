"""Scores as tables: a row for each signal and what it was held against, a column for each metric asked for.

A table is made of a campaign's stimuli, of a model version's renderings, or of any pairs of signals that were scored.
Where a metric was computed in several versions, the one of today's catalogue counts.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import pandas as pd
from django.db.models import Max, Q, QuerySet

from listening.evidence import latest_scores
from listening.models import Campaign, Stimulus
from metrics import catalogue
from metrics.catalogue import Direction, Metric
from metrics.models import Score
from models_registry.models import ModelVersion, Rendering, Signal

CSV_COLUMNS = [
    *("item", "condition", "model_version", "signal", "reference", "metric", "metric_version"),
    *("lag_undone", "value", "unit", "better", "status", "message", "provenance"),
]
# shown until others are asked for: what most people have heard of
USUAL = ("peaq-odg", "2f-model", "nmr", "si-sdr", "lsd", "stoi")
FEW = 6
# the newest of all pairs; a search reaches the others
MOST = 500
Names = Sequence[str]
NOTHING: list[Signal | None] = [None]


@dataclass(frozen=True)
class Row:
    """A signal and what it was held against; rows of several conditions that share an item share its `key`."""

    key: Hashable
    item: str
    condition: str
    signal: Signal
    reference: Signal | None
    version: ModelVersion | None = None
    scores: dict[str, Score] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        score = self.scores.get(metric)
        return score.value if score else None

    @property
    def lags(self) -> set[bool]:
        """Whether its lag was undone, of those scores for which that makes a difference."""
        moments = (catalogue.get(name).aligned(True) for name in self.scores)
        scores = zip(self.scores.values(), moments, strict=True)
        return {score.lag_undone for score, moment in scores if moment}

    @property
    def said(self) -> str:
        reference = self.reference.title if self.reference else ""
        names = self.item, self.condition, self.signal.title, self.signal.sha256, reference
        return " ".join(names).lower()


def of_campaign(campaign: Campaign) -> list[Row]:
    """Every stimulus that has audio, beside its trial's reference."""
    stimuli = Stimulus.objects.filter(trial__campaign=campaign, signal__isnull=False)
    return [
        Row(
            stimulus.trial_id,
            stimulus.trial.item,
            stimulus.condition.name,
            stimulus.signal,
            stimulus.trial.reference,
            stimulus.condition.version,
        )
        for stimulus in stimuli.select_related(
            "trial__reference", "signal", "condition__version__model"
        )
        if stimulus.signal
    ]


def of_version(version: ModelVersion) -> list[Row]:
    """Every rendering beside each reference that it was scored against; beside none where there is no such score."""
    renderings = list(
        Rendering.objects.filter(version=version).select_related(
            "version__model", "input", "output"
        )
    )
    outputs = {rendering.output_id for rendering in renderings}
    against: dict[int, list[Signal | None]] = {}
    scored = Score.objects.filter(signal__in=outputs, reference__isnull=False).order_by()
    pairs = scored.values_list("signal_id", "reference_id").distinct()
    references = Signal.objects.in_bulk({reference for _, reference in pairs if reference})
    for signal, reference in sorted((s, r) for s, r in pairs if r):
        against.setdefault(signal, []).append(references[reference])
    return [
        Row(
            (rendering.input_id, reference.pk if reference else None),
            rendering.input.title,
            rendering.made_by,
            rendering.output,
            reference,
            version,
        )
        for rendering in renderings
        for reference in against.get(rendering.output_id, NOTHING)
    ]


def of_any(
    words: str = "", *, among: QuerySet[Signal], renderings: QuerySet[Rendering]
) -> list[Row]:
    """The newest pairs `among` these signals that were scored, and those scored without a reference alone."""
    scores = Score.objects.order_by().filter(signal__in=among)
    scores = scores.filter(Q(reference=None) | Q(reference__in=among))
    for word in words.split():
        scores = scores.filter(
            Q(signal__title__icontains=word)
            | Q(signal__sha256__startswith=word.lower())
            | Q(reference__title__icontains=word)
        )
    paired = scores.filter(reference__isnull=False)
    alone = scores.filter(reference=None).exclude(
        signal__in=Score.objects.filter(reference__isnull=False).values("signal")
    )
    found = [
        (last, signal, reference)
        for some in (paired, alone)
        for signal, reference, last in some.values_list("signal_id", "reference_id")
        .annotate(last=Max("pk"))
        .order_by("-last")[:MOST]
    ]
    pairs = [(s, r) for _, s, r in sorted(found, key=lambda one: -one[0])[:MOST]]
    return of_pairs(pairs, renderings=renderings)


def of_pairs(
    pairs: Sequence[tuple[int, int | None]], *, renderings: QuerySet[Rendering]
) -> list[Row]:
    """Rows of signals and references given by their primary keys, with the versions that `renderings` tell."""
    signals = Signal.objects.in_bulk({pk for pair in pairs for pk in pair if pk})
    made = renderings.filter(output__in={signal for signal, _ in pairs})
    versions = {one.output_id: one.version for one in made.select_related("version__model")}
    rows = []
    for signal_pk, reference_pk in pairs:
        signal, reference = signals[signal_pk], signals[reference_pk] if reference_pk else None
        item = reference.title if reference else "no reference"
        version = versions.get(signal_pk)
        rows.append(Row(reference_pk, item, signal.title, signal, reference, version))
    return rows


def scored_metrics(rows: Iterable[Row]) -> list[str]:
    """The metrics of today's catalogue of which there is a score of any of these signals, in its order."""
    signals = {row.signal.pk for row in rows}
    scores = Score.objects.filter(signal__in=signals).order_by()
    there = set(scores.values_list("metric", flat=True).distinct())
    return [metric.name for metric in catalogue.all() if metric.name in there]


def usual(scored: Names) -> list[str]:
    """The few of the `scored` metrics that are shown unless others are asked for."""
    return [name for name in USUAL if name in scored] or list(scored[:FEW])


def with_scores(rows: Iterable[Row], names: Collection[str], *, align: bool = True) -> list[Row]:
    """`rows` with the scores of the metrics named, with and without the row's reference.

    Of scores whose lag was undone and others, those that `align` asks for; of one kind alone, that.
    """
    rows = list(rows)
    latest = latest_scores({row.signal.pk for row in rows}, names=names, align=align)
    filled = []
    for row in rows:
        alone = latest.get((row.signal.pk, None), {})
        paired = latest.get((row.signal.pk, row.reference.pk), {}) if row.reference else {}
        filled.append(replace(row, scores=alone | paired))
    return filled


def filtered(rows: Iterable[Row], names: Names, *, words: str = "", status: str = "") -> list[Row]:
    """Rows that hold every one of `words`, and of whose metrics one has a value (ok), none (refused) or was not run."""
    wanted = words.lower().split()
    return [
        row
        for row in rows
        if all(word in row.said for word in wanted)
        and (not status or status in _states(row, names))
    ]


def _states(row: Row, names: Names) -> set[str]:
    scores = [row.scores.get(name) for name in names]
    return {"unscored" if not s else "ok" if s.status == "ok" else "refused" for s in scores}


def ordered(rows: Iterable[Row], by: str) -> list[Row]:
    """Rows by item, condition or a metric's value; a minus before it turns the order; what has no value comes last."""
    name, backwards = by.removeprefix("-"), by.startswith("-")
    rows = list(rows)
    if name in ("item", "condition"):
        return sorted(rows, key=lambda row: str(getattr(row, name)).lower(), reverse=backwards)
    valued = [row for row in rows if row.value(name) is not None]
    without = [row for row in rows if row.value(name) is None]
    return [*sorted(valued, key=lambda row: row.value(name) or 0.0, reverse=backwards), *without]


@dataclass(frozen=True)
class Difference:
    """One item under two conditions, by one metric: second less first."""

    item: str
    first: Row
    second: Row
    first_value: float
    second_value: float
    direction: Direction

    @property
    def difference(self) -> float:
        return self.second_value - self.first_value

    @property
    def better(self) -> str:
        """Which of the two conditions, in the metric's direction; empty where neither is or it has none."""
        if self.direction is Direction.NONE or not self.difference:
            return ""
        upwards = self.direction is Direction.HIGHER
        return self.second.condition if (self.difference > 0) is upwards else self.first.condition


@dataclass(frozen=True)
class Comparison:
    """Two conditions over the items that both have a value of, by one metric."""

    metric: Metric
    items: list[Difference]

    @property
    def first_mean(self) -> float:
        return fmean(item.first_value for item in self.items)

    @property
    def second_mean(self) -> float:
        return fmean(item.second_value for item in self.items)

    @property
    def difference(self) -> float:
        return self.second_mean - self.first_mean

    @property
    def second_better(self) -> int:
        return sum(item.better == item.second.condition for item in self.items)

    @property
    def first_better(self) -> int:
        return sum(item.better == item.first.condition for item in self.items)


def compared(rows: Iterable[Row], first: str, second: str, names: Names) -> list[Comparison]:
    """The conditions `first` and `second` item by item, by each metric that has a value of both in any item."""
    of_item: dict[Hashable, dict[str, Row]] = {}
    for row in rows:
        of_item.setdefault(row.key, {})[row.condition] = row
    both = [(one[first], one[second]) for one in of_item.values() if {first, second} <= one.keys()]
    found = []
    for metric in map(catalogue.get, names):
        items = [
            Difference(a.item, a, b, a_value, b_value, metric.direction)
            for a, b in both
            if (a_value := a.value(metric.name)) is not None
            and (b_value := b.value(metric.name)) is not None
        ]
        if items:
            found.append(Comparison(metric, items))
    return found


def as_table(rows: Iterable[Row], names: Names) -> pd.DataFrame:
    """One row per signal and metric, in the order shown; what was not scored has none."""
    records = [
        (
            *(row.item, row.condition, str(row.version or ""), row.signal.sha256),
            row.reference.sha256 if row.reference and metric.needs_reference else "",
            *(score.metric, score.metric_version, score.lag_undone, score.value, score.unit),
            *(str(metric.direction), score.status, score.message, f"score/{score.pk}"),
        )
        for row in rows
        for metric in map(catalogue.get, names)
        if (score := row.scores.get(metric.name))
    ]
    return pd.DataFrame(records, columns=CSV_COLUMNS)
