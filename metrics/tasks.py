"""Scores of stored signals: computed in worker processes, written as rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from django.db import transaction

from metrics import catalogue, scoring
from metrics.models import Score
from models_registry import audit, jobs
from models_registry.jobs import Lease, Stopped, handles
from models_registry.models import Job, Signal
from models_registry.teams import Project

# a signal to be scored, and the reference to hold it against (None: only metrics that need none)
Pair = tuple[Signal, Signal | None]


def missing(
    pairs: Iterable[Pair], names: Collection[str], *, align: bool = False
) -> dict[tuple[str, ...], list[Pair]]:
    """The pairs not scored yet in today's version and so aligned, under the metrics that each group of them lacks."""
    metrics = [catalogue.get(name) for name in names]
    wanted = list(dict.fromkeys(pairs))
    done = set(
        Score.objects.filter(signal__in={signal for signal, _ in wanted}).values_list(
            "metric", "metric_version", "signal_id", "reference_id", "lag_undone"
        )
    )
    lacking: dict[tuple[str, ...], list[Pair]] = {}
    for signal, reference in wanted:
        needed = tuple(
            metric.name
            for metric in metrics
            if (reference or not metric.needs_reference)
            and _name(metric, signal, reference, align=align) not in done
        )
        if needed:
            lacking.setdefault(needed, []).append((signal, reference))
    return lacking


def _name(
    metric: catalogue.Metric, signal: Signal, reference: Signal | None, *, align: bool
) -> tuple[object, ...]:
    """What tells one score from all others."""
    against = reference.pk if metric.needs_reference and reference else None
    return metric.name, metric.version, signal.pk, against, metric.aligned(align)


def score_signals(
    pairs: Iterable[Pair],
    names: Collection[str],
    *,
    align: bool = False,
    progress: Callable[[float, str], None] = lambda share, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Score what is missing and write each pair's rows as soon as it is done; returns the number of rows.

    With `align` the lag between signal and reference is undone for metrics that compare moment with moment.
    """
    lacking = missing(pairs, names, align=align)
    total = sum(map(len, lacking.values()))
    count = written = 0
    for needed, group in lacking.items():
        loaded = (
            scoring.Pair(index, reference.audio() if reference else None, signal.audio())
            for index, (signal, reference) in enumerate(group)
        )
        for index, results in scoring.score_pairs(loaded, needed, align=align):
            written += _write(*group[index], results, align=align)
            count += 1
            progress(count / total, f"{count} of {total} signals scored")
            if should_stop():
                return written
    return written


def _write(
    signal: Signal, reference: Signal | None, results: Iterable[scoring.Result], *, align: bool
) -> int:
    rows = [
        Score(
            metric=result.metric,
            metric_version=result.version,
            signal=signal,
            reference=reference if catalogue.get(result.metric).needs_reference else None,
            lag_undone=catalogue.get(result.metric).aligned(align),
            value=result.value,
            unit=result.unit,
            status=result.status,
            message=result.message,
            settings=result.settings,
        )
        for result in results
    ]
    with transaction.atomic():
        # another worker may have scored the same pair meanwhile; its rows are as good
        Score.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def queue_scores(
    pairs: Iterable[Pair],
    names: Collection[str],
    *,
    align: bool = False,
    actor: str,
    project: Project,
) -> Job:
    """Queue a job that scores `pairs` by the metrics named, with `align` their lag undone."""
    keys = [(signal.pk, reference and reference.pk) for signal, reference in pairs]
    asked = {"pairs": keys, "metrics": list(names), "align": align, "actor": actor}
    return jobs.enqueue("score-signals", asked, project=project)


@handles("score-signals")
def score_queued(lease: Lease) -> str:
    """Arguments: pairs (primary keys of signal and reference, or null), metrics (names), align, actor."""
    asked = lease.job.arguments
    signals = Signal.objects.in_bulk({pk for pair in asked["pairs"] for pk in pair if pk})
    pairs = [(signals[one], signals[other] if other else None) for one, other in asked["pairs"]]
    written = score_signals(
        pairs,
        asked["metrics"],
        # jobs of before had no choice
        align=asked.get("align", False),
        progress=lease.report,
        should_stop=lease.should_stop,
    )
    if written:
        audit.record(
            "score",
            f"{len(pairs)} signal(s)",
            actor=asked["actor"],
            content={"signals": [signal.sha256 for signal, _ in pairs], "scores": written},
            project=lease.job.project,
        )
    if lease.should_stop():
        raise Stopped(f"stopped after {written} scores; run it again to go on")
    return f"{written} new scores"
