"""Scores: metrics applied to signals, one result each, whatever happens.

A result is a value or a status with a sentence, never a sentinel. Signals are `Audio`; reference and degraded must
share rate and channels. How they lie to each other is estimated and kept with each result, but nothing is done about
it, since a delay may be what is to be measured: they must be of one length, too. With `align`, metrics that compare
moment with moment get what the two signals share once their lag is undone, where it can be told, and differences
between values of whole signals take each as it is, whatever its length. Level, polarity and drift are never undone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from metrics import catalogue, worker
from metrics.alignment import Alignment, Samples, aligned, can_be_told, estimate
from metrics.catalogue import Metric
from metrics.contract import MetricError, Status, check_pair, check_signal
from models_registry.audio import Audio

Key = TypeVar("Key", bound=Hashable)

# Every metric here is faster than real time; a slow, busy machine is not five times slower than that.
TIME_LIMIT_S, TIME_LIMIT_PER_S = 60.0, 5.0


@dataclass(frozen=True)
class Result:
    """What one metric said of one signal: `value` in `unit` when `status` is ok, else None and a `message`.

    alignment: how the signal lies to its reference; None without one, or where that cannot be told.
    aligned: whether its lag was undone, or would have been; not so where it cannot be told.
    """

    metric: str
    version: str
    value: float | None
    unit: str
    status: Status
    message: str
    calibration: str = ""
    alignment: Alignment | None = None
    aligned: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """On what the value depends besides the signals and the metric's version, in plain types."""
        settings: dict[str, Any] = {"calibration": self.calibration} if self.calibration else {}
        if self.alignment:
            settings |= {"alignment": asdict(self.alignment), "aligned": self.aligned}
        return settings


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
    align: bool = False,
    isolate: bool = True,
) -> list[Result]:
    """Return one result for each metric in `names`, in that order.

    With `align` the lag between the signals is undone for the metrics that want it, which may then differ in length.
    With `isolate` the metrics run in a kept child process with a time limit, so that native code which crashes or
    hangs costs its own result only. Without, they run here: nothing to start, nothing protected.
    Raises `UnknownMetric` for a name that the catalogue does not hold.
    """
    metrics = [catalogue.get(name) for name in names]
    return _score(reference, degraded, metrics, align=align, isolate=isolate)


def score_pairs(
    pairs: Iterable[Pair[Key]],
    names: Iterable[str],
    *,
    align: bool = False,
    processes: int = 2,
) -> Iterator[tuple[Key, list[Result]]]:
    """Yield (key, results) of each pair as it is done, in the order of completion, from `processes` child processes.

    `pairs` is read as needed, a few ahead, so that a generator which reads files keeps few of them in memory.
    """
    metrics = [catalogue.get(name) for name in names]
    with ThreadPoolExecutor(processes) as pool:
        running: dict[Future[list[Result]], Key] = {}
        for pair in pairs:
            future = pool.submit(
                _score, pair.reference, pair.degraded, metrics, align=align, isolate=True
            )
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
    reference: Audio | None,
    degraded: Audio,
    metrics: Sequence[Metric],
    *,
    align: bool,
    isolate: bool,
) -> list[Result]:
    material = _Material(reference, degraded, align)
    calls: list[worker.Call] = []
    refusals: list[worker.Outcome | None] = []
    for metric in metrics:
        try:
            calls.append((metric.function, material.arguments(metric)))
            refusals.append(None)
        except MetricError as error:
            refusals.append((error.status, None, str(error)))
    if isolate and calls:
        limit = TIME_LIMIT_S + TIME_LIMIT_PER_S * degraded.duration
        with worker.borrowed() as process:
            measured = deque(process.outcomes(calls, time_limit=limit))
    else:
        measured = deque(worker.outcome(*call) for call in calls)
    return [
        material.result(metric, refusal or measured.popleft())
        for metric, refusal in zip(metrics, refusals, strict=True)
    ]


@dataclass
class _Material:
    """A signal and its reference, as the metrics are given them."""

    reference: Audio | None
    degraded: Audio
    align: bool

    def arguments(self, metric: Metric) -> tuple[object, ...]:
        """Return what `metric` is called with, or raise `MetricError` where it cannot be called at all."""
        rate = self.degraded.rate
        if not metric.needs_reference:
            return self.degraded.samples, rate
        if self.reference is None:
            raise MetricError("expected a reference, found none")
        pair: tuple[Samples, Samples] = self.reference.samples, self.degraded.samples
        if metric.aligned(self.align):
            pair = self._shared
        elif self.align:
            ours, theirs = ((audio.channels, 0) for audio in (self.reference, self.degraded))
            check_pair(ours, theirs, self.reference.rate, rate)
            return *pair, rate
        check_pair(pair[0].shape, pair[1].shape, self.reference.rate, rate)
        return *pair, rate

    def result(self, metric: Metric, outcome: worker.Outcome) -> Result:
        status, value, message = outcome
        return Result(
            metric.name,
            metric.version,
            value,
            metric.unit,
            status,
            message,
            metric.calibration,
            self._alignment if metric.needs_reference else None,
            metric.aligned(self.align) and not self._lie_as_they_are,
        )

    def _check(self) -> tuple[Samples, Samples, int]:
        """Return the two signals and their rate, or raise `MetricError` where they cannot be laid over each other."""
        if self.reference is None:
            raise MetricError("expected a reference, found none")
        reference, degraded = self.reference, self.degraded
        check_pair((reference.channels, 0), (degraded.channels, 0), reference.rate, degraded.rate)
        check_signal(reference.samples, name="reference")
        check_signal(degraded.samples, name="degraded")
        return reference.samples, degraded.samples, degraded.rate

    @cached_property
    def _alignment(self) -> Alignment | None:
        try:
            return estimate(*self._check())
        except MetricError:
            return None

    @cached_property
    def _shared(self) -> tuple[Samples, Samples]:
        reference, degraded, _ = self._check()
        if self._lie_as_they_are:
            return reference, degraded
        return aligned(reference, degraded, self._alignment)

    @property
    def _lie_as_they_are(self) -> bool:
        """Whether the lag cannot be told but the signals are of one length, as of a system that changes all phases."""
        return (
            self.reference is not None
            and self.reference.frames == self.degraded.frames
            and not can_be_told(self._alignment)
        )
