"""What a reviewer should hear first: the sounds that were judged worst, and those on which listeners disagreed most.

Picked from ratings and from metrics' scores as they stand, each with the reason why in words.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet, StdDev

from listening.analysis.frames import METHODS
from listening.models import Campaign, Condition, Rating, Review, SoundComment, Stimulus
from metrics import catalogue
from metrics.models import Score
from models_registry.models import Rendering, Signal

# of each kind of evidence
WORST, DISAGREED, BY_METRICS = 3, 2, 3
MOST = 8
# fewer do not disagree in a way that can be counted
LEAST_RATINGS = 3
# methods whose ratings say how good something is, more being better
OF_QUALITY = ("mushra", "bs2132", "bs1116", "acr", "dcr", "p835")


@dataclass(frozen=True)
class EdgeCase:
    """One sound, what it is compared with where there is such, and why it was picked, a sentence each."""

    title: str
    signal: Signal
    reference: Signal | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class _Heard:
    """A sound of what is judged, before anybody says why it matters."""

    title: str
    signal: Signal
    reference: Signal | None


def edge_cases(review: Review) -> list[EdgeCase]:
    """At most `MOST`, the worst rated first; where nothing was rated or measured, the first sounds in their order. What
    somebody commented on stays, whatever is rated later."""
    stimuli = list(_stimuli(review))
    heard = {
        one.signal.pk: _Heard(
            f"{one.trial.item} · {one.condition.name}", one.signal, one.trial.reference
        )
        for one in stimuli
        if one.signal
    }
    for rendering in _renderings(review):
        heard.setdefault(
            rendering.output_id, _Heard(rendering.input.title, rendering.output, rendering.input)
        )
    why: dict[int, list[str]] = defaultdict(list)
    for signal, reason in [*_by_listeners(stimuli), *_by_metrics(list(heard))]:
        why[signal].append(reason)
    if not why:
        first = "Nothing was rated or measured yet: picked because it comes first."
        why = {key: [first] for key in list(heard)[:WORST]}
    picked = dict(list(why.items())[:MOST])
    said = SoundComment.objects.filter(reviewer__review=review, signal__in=heard)
    for key in said.order_by("signal").values_list("signal", flat=True).distinct():
        picked.setdefault(key, ["A reviewer commented on it."])
    return [
        EdgeCase(heard[key].title, heard[key].signal, heard[key].reference, tuple(reasons))
        for key, reasons in picked.items()
    ]


def _stimuli(review: Review) -> QuerySet[Stimulus]:
    """The sounds of what is judged in the project's campaigns."""
    of_it = (
        {"condition__version": review.version, "trial__campaign__project": review.project}
        if review.version_id
        else {"trial__campaign": review.campaign, "condition__role": Condition.Role.SYSTEM}
    )
    found = Stimulus.objects.filter(**of_it, trial__campaign__preview_of=None, signal__isnull=False)
    return found.select_related(
        "trial__campaign", "trial__reference", "condition", "signal"
    ).order_by("pk")


def _renderings(review: Review) -> QuerySet[Rendering]:
    found = (
        Rendering.objects.filter(version=review.version)
        if review.version_id
        else Rendering.objects.none()
    )
    return found.select_related("input", "output").order_by("pk")


def sounds_of(review: Review) -> QuerySet[Signal]:
    """Everything that the review may play: stimuli and references, renderings, what studies of the version made."""
    stimuli = _stimuli(review)
    wanted = Q(pk__in=stimuli.values("signal")) | Q(pk__in=stimuli.values("trial__reference"))
    if review.version_id:
        renderings = _renderings(review)
        wanted |= Q(pk__in=renderings.values("output")) | Q(pk__in=renderings.values("input"))
        wanted |= Q(studies__version=review.version)
    return Signal.objects.filter(wanted).distinct()


# listeners


def _by_listeners(stimuli: list[Stimulus]) -> list[tuple[int, str]]:
    """The keys of signals and why: those rated worst in each campaign, and those rated most unevenly."""
    by_campaign: dict[Campaign, dict[int, Stimulus]] = defaultdict(dict)
    for one in stimuli:
        if one.trial.campaign.method in OF_QUALITY:
            by_campaign[one.trial.campaign][one.pk] = one
    found = []
    for campaign, of_it in by_campaign.items():
        rows = _rated(campaign, list(of_it))
        scale = METHODS[campaign.method]
        reach = f"from {scale.low:g} to {scale.high:g}"
        for row in sorted(rows, key=lambda row: float(row["mean"]))[: _some(rows, WORST)]:
            who = _who(row)
            found.append(
                (
                    of_it[row["stimulus"]].signal_id,
                    f"Among the lowest rated in “{campaign.title}”: {row['mean']:.1f} on average ({reach}), by {who}.",
                )
            )
        uneven = [row for row in rows if row["n"] >= LEAST_RATINGS and row["spread"]]
        for row in sorted(uneven, key=lambda row: -float(row["spread"]))[: _some(rows, DISAGREED)]:
            found.append(
                (
                    of_it[row["stimulus"]].signal_id,
                    f"Listeners disagreed on it in “{campaign.title}”: their ratings lie {row['spread']:.1f} points "
                    f"around the average (standard deviation), of {_who(row)}.",
                )
            )
    return [(key, why) for key, why in found if key is not None]


def _some(rows: list[dict[str, Any]], most: int) -> int:
    """How many of the rows stand out: at most `most`, and no more than half of them."""
    return min(most, (len(rows) + 1) // 2)


def _rated(campaign: Campaign, stimuli: list[int]) -> list[dict[str, Any]]:
    overall = METHODS[campaign.method].overall
    counted = Rating.objects.counted().filter(stimulus__in=stimuli)
    if overall:
        counted = counted.filter(scale=overall)
    rows = (
        counted.order_by()
        .values("stimulus")
        .annotate(
            n=Count("pk"),
            mean=Avg("value"),
            spread=StdDev("value", sample=True),
            simulated=Count("pk", filter=Q(page__session__listener__simulated=True)),
        )
    )
    return [dict(row) for row in rows]


def _who(row: dict[str, Any]) -> str:
    said = f"{row['n']} rating{'' if row['n'] == 1 else 's'}"
    if not row["simulated"]:
        return said
    how_many = "all" if row["simulated"] == row["n"] else f"{row['simulated']} of them"
    return f"{said}, {how_many} by programs and not by people"


# metrics


def _by_metrics(signals: list[int]) -> list[tuple[int, str]]:
    """The keys of the signals that most metrics put last, with up to three of those metrics."""
    known = {metric.name: metric for metric in catalogue.all() if metric.direction != "none"}
    scores = Score.objects.filter(signal__in=signals, metric__in=known, status="ok").order_by("pk")
    of_metric: dict[str, dict[int, float]] = defaultdict(dict)
    for name, signal, value in scores.values_list("metric", "signal", "value"):
        if value is not None:
            of_metric[name][signal] = value
    last: dict[int, list[str]] = defaultdict(list)
    for name, values in of_metric.items():
        if len(values) < 2:
            continue
        metric = known[name]
        worst = min if metric.direction == "higher" else max
        key = worst(values, key=lambda one: values[one])
        unit = "" if metric.unit == "1" else f" {metric.unit}"
        last[key].append(f"{metric.title} {values[key]:.3g}{unit}")
    ordered = sorted(last.items(), key=lambda one: (-len(one[1]), one[0]))[:BY_METRICS]
    return [
        (
            key,
            f"The worst of all by {len(said)} measurement{'' if len(said) == 1 else 's'} made by programs: "
            f"{'; '.join(said[:3])}{' and others' if len(said) > 3 else ''}.",
        )
        for key, said in ordered
    ]
