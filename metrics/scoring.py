"""Scores: metrics applied to signals, one result each, whatever happens.

A result is a value or a status with a sentence, never a sentinel. Signals are `Audio`; reference and degraded must
share rate, channels and length, and are never stretched, cut or padded to fit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from metrics import catalogue, worker
from metrics.catalogue import Metric
from metrics.contract import MetricError, Status, check_pair
from models_registry.audio import Audio

Key = TypeVar("Key", bound=Hashable)

# Every metric here is faster than real time; a slow, busy machine is not five times slower than that.
TIME_LIMIT_S, TIME_LIMIT_PER_S = 60.0, 5.0


@dataclass(frozen=True)
class Result:
    """What one metric said of one signal: `value` in `unit` when `status` is ok, else None and a `message`."""

    metric: str
    version: str
    value: float | None
    unit: str
    status: Status
    message: str


@dataclass(frozen=True)
class Pair(Generic[Key]):
    """A degraded signal, its reference (None for metrics without one), and the caller's `key` for the two."""

    key: Key
    reference: Audio | None
    degraded: Audio


def score(
    reference: Audio | None,
    degraded: Audio,
    names: Iterable[str],
    *,
    isolate: bool = True,
) -> list[Result]:
    """Return one result for each metric in `names`, in that order.

    With `isolate` the metrics run in a kept child process with a time limit, so that native code which crashes or
    hangs costs its own result only. Without, they run here: nothing to start, nothing protected.
    Raises `UnknownMetric` for a name that the catalogue does not hold.
    """
    return _score(reference, degraded, [catalogue.get(name) for name in names], isolate=isolate)


def score_pairs(
    pairs: Iterable[Pair[Key]], names: Iterable[str], *, processes: int = 2
) -> Iterator[tuple[Key, list[Result]]]:
    """Yield (key, results) of each pair as it is done, in the order of completion, from `processes` child processes.

    `pairs` is read as needed, a few ahead, so that a generator which reads files keeps few of them in memory.
    """
    metrics = [catalogue.get(name) for name in names]
    with ThreadPoolExecutor(processes) as pool:
        running: dict[Future[list[Result]], Key] = {}
        for pair in pairs:
            future = pool.submit(_score, pair.reference, pair.degraded, metrics, isolate=True)
            running[future] = pair.key
            if len(running) >= 2 * processes:
                yield from _finished(running)
        while running:
            yield from _finished(running)


def _finished(running: dict[Future[list[Result]], Key]) -> Iterator[tuple[Key, list[Result]]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def _score(
    reference: Audio | None, degraded: Audio, metrics: Sequence[Metric], *, isolate: bool
) -> list[Result]:
    refusals = [_refusal(metric, reference, degraded) for metric in metrics]
    calls = [
        (metric.function, _arguments(metric, reference, degraded))
        for metric, refusal in zip(metrics, refusals, strict=True)
        if refusal is None
    ]
    if isolate and calls:
        limit = TIME_LIMIT_S + TIME_LIMIT_PER_S * degraded.duration
        with worker.borrowed() as process:
            measured = deque(process.outcomes(calls, time_limit=limit))
    else:
        measured = deque(worker.outcome(*call) for call in calls)
    return [
        Result(metric.name, metric.version, value, metric.unit, status, message)
        for metric, refusal in zip(metrics, refusals, strict=True)
        for status, value, message in [refusal or measured.popleft()]
    ]


def _refusal(metric: Metric, reference: Audio | None, degraded: Audio) -> worker.Outcome | None:
    """Return why `metric` cannot be called at all, if so."""
    if not metric.needs_reference:
        return None
    if reference is None:
        return Status.NOT_APPLICABLE, None, "expected a reference, found none"
    try:
        check_pair(reference.samples.shape, degraded.samples.shape, reference.rate, degraded.rate)
    except MetricError as error:
        return error.status, None, str(error)
    return None


def _arguments(metric: Metric, reference: Audio | None, degraded: Audio) -> tuple[object, ...]:
    if metric.needs_reference and reference is not None:
        return reference.samples, degraded.samples, degraded.rate
    return degraded.samples, degraded.rate
