"""The catalogue of metrics: what each one measures, on what, in which unit, by whose definition.

A metric is one function and one declaration. With a reference the function is called as
`function(reference, degraded, rate)`, without one as `function(signal, rate)`; signals are floating-point arrays
shaped (channels, frames) in −1…1 and `rate` is in Hz. What `@metric(…)` returns has the same signature and holds
the contract: the body gets checked float64 arrays, mixed and resampled as declared, and the caller gets a finite
float or a `MetricError`.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from numpy.typing import NDArray

from metrics import contract
from metrics.contract import MetricError, Status
from models_registry.audio import MAX_DURATION_S, MIN_RATE

__all__ = [
    "Channels",
    "Direction",
    "Metric",
    "MetricError",
    "Status",
    "UnknownMetric",
    "all",
    "chosen",
    "find",
    "get",
    "metric",
    "missing",
]

SPEECH = "Speech"
# The modules that declare metrics, in the order of the catalogue, and the family that theirs are listed under; of the
# packages, every module.
FAMILIES = {
    "speech": SPEECH,
    "composite": SPEECH,
    "mel_cepstrum": SPEECH,
    "fidelity": "Waveform and spectrum",
    "spectral": "Waveform and spectrum",
    "loudness": "Level",
    "level": "Level",
    "descriptors": "Descriptors",
}
PACKAGES = {"psychoacoustics": "Psychoacoustics", "peaq": "PEAQ and masking"}
# The extras of this distribution, each a module of `metrics.external`, and what must be installed to load it.
EXTRAS = {
    "mos": ("speechmos", "onnxruntime", "librosa", "requests"),
    "visqol": ("visqol",),
    "zimtohrli": ("zimtohrli",),
}
# The same for what no extra can bring: `pesqc2` asks for a numpy of its own.
BY_HAND = {"pesq_c2": ("pesqc2",)}
MODELS = "Others' models of quality"
# A distribution that names a module in this group of entry points adds that module's metrics.
PLUGINS = "earwitness.metrics"

# Open to any floating-point array, while the bodies get float64 alone.
Measure = Callable[..., float]


class UnknownMetric(MetricError):
    """A name that the catalogue does not hold."""


class Direction(StrEnum):
    """Which way quality lies."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE = "none"


class Channels(StrEnum):
    """What a metric does with more than one channel."""

    MEAN = "the mean of the channels is measured"
    ALL = "all channels are measured together"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """The declaration of one metric.

    range: lowest and highest possible value; None where there is no limit.
    layouts: numbers of channels that it is defined for; empty: any.
    wants_alignment: it compares moment with moment, so that a lag between reference and degraded signal, where the
      caller asks for alignment, is undone first. A difference between values of whole signals does not want it, and
      takes signals of any length.
    rates: sample rates (Hz) that the computation takes; a signal at any other is resampled to the first.
      Empty: the signal's own rate.
    min_rate: below this rate (Hz) the signal lacks the band that the metric judges.
    min_duration, max_duration: seconds.
    calibration: what full scale means in sound pressure; empty where only the samples matter.
    version: changes whenever values may; holds the library's version where one computes.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    range: tuple[float | None, float | None]
    needs_reference: bool
    channels: Channels
    standard: str
    citation: str
    version: str
    licence: str
    layouts: tuple[int, ...] = ()
    wants_alignment: bool = True
    rates: tuple[int, ...] = ()
    min_rate: int = MIN_RATE
    min_duration: float
    max_duration: float = MAX_DURATION_S
    calibration: str = ""
    function: Measure

    @property
    def family(self) -> str:
        """What it is listed under: its module's family; of a plug-in, the name of its package."""
        package, *modules = self.function.__module__.split(".")
        if package != "metrics" or self.extra:
            return MODELS if self.extra else package
        return (FAMILIES | PACKAGES)[modules[0]]

    @property
    def extra(self) -> str:
        """The extra of this distribution that it comes with; empty where it needs none."""
        package, _, name = self.function.__module__.rpartition(".")
        return name if package == "metrics.external" else ""

    @property
    def description(self) -> str:
        """The first paragraph of the function's docstring."""
        return " ".join(inspect.getdoc(self.function).split("\n\n")[0].split())  # type: ignore[union-attr]

    @property
    def remarks(self) -> tuple[str, ...]:
        """The other paragraphs of the function's docstring: how to read a value, what to beware of."""
        _, *others = (inspect.getdoc(self.function) or "").split("\n\n")
        return tuple(" ".join(paragraph.split()) for paragraph in others)

    @property
    def said(self) -> str:
        """All that is declared in words, to be searched."""
        said = (self.name, self.title, self.unit, self.family, self.description, self.standard)
        return " ".join([*said, self.citation])

    def aligned(self, asked: bool) -> bool:
        """Return whether a lag between the signals is to be undone before they are compared, where that is `asked`."""
        return asked and self.needs_reference and self.wants_alignment

    def as_dict(self) -> dict[str, Any]:
        """Everything that is declared of the metric."""
        declared = {one.name: getattr(self, one.name) for one in fields(self)}
        del declared["function"]
        return declared | {
            "family": self.family,
            "extra": self.extra,
            "description": self.description,
        }

    def checked(self, *signals: NDArray[Any], rate: int) -> tuple[tuple[contract.Signal, ...], int]:
        """Return `signals` as the computation takes them, and their rate then, or raise `MetricError`."""
        contract.check_rate(rate, least=self.min_rate)
        names = ("reference", "degraded") if self.needs_reference else ("signal",)
        named = dict(zip(names, signals, strict=True))
        for name, signal in named.items():
            contract.check_signal(signal, name=name)
        contract.check_layout(len(signals[0]), self.layouts)
        # What is not compared moment with moment may last longer on one side.
        shapes = [signal.shape if self.wants_alignment else (len(signal), 0) for signal in signals]
        contract.check_pair(shapes[0], shapes[-1], rate, rate)
        for signal in signals:
            contract.check_duration(
                signal.shape[1], rate, least=self.min_duration, most=self.max_duration
            )
        target = rate if not self.rates or rate in self.rates else self.rates[0]
        return tuple(
            self._prepared(signal, rate, target, name) for name, signal in named.items()
        ), target

    def _prepared(self, signal: NDArray[Any], rate: int, target: int, name: str) -> contract.Signal:
        ready = contract.in_double_precision(signal)
        if self.channels is Channels.MEAN:
            ready = contract.mixed(ready, name=name)
        return contract.resampled(ready, rate, target)


_declared: dict[str, Metric] = {}


def metric(**declaration: Any) -> Callable[[Measure], Measure]:
    """Declare the decorated function as a metric (see `Metric` for the fields) and put it under contract."""

    def declare(compute: Measure) -> Measure:
        signature = inspect.signature(compute)

        @wraps(compute)
        def measure(*args: Any, **kwargs: Any) -> float:
            *signals, rate = signature.bind(*args, **kwargs).args
            ready, computed_at = declared.checked(*signals, rate=rate)
            return contract.check_value(compute(*ready, computed_at))

        declared = Metric(function=measure, **declaration)
        if declared.name in _declared:
            raise ValueError(f"metric {declared.name!r} is declared twice")
        _declared[declared.name] = declared
        return measure

    return declare


def all() -> tuple[Metric, ...]:
    """Every metric, those with a reference first, in the order of their families."""
    _load()
    return tuple(sorted(_declared.values(), key=_place))


def _place(declared: Metric) -> tuple[bool, int, str]:
    """Where a metric stands, whichever module was imported first; those of one module stand as they are declared."""
    package, *modules = declared.function.__module__.split(".")
    ranks = [*FAMILIES, *PACKAGES, "external"]
    rank = ranks.index(modules[0]) if package == "metrics" else len(ranks)
    return not declared.needs_reference, rank, ".".join(modules[1:])


def find(
    text: str = "", *, family: str = "", needs_reference: bool | None = None
) -> tuple[Metric, ...]:
    """Return the metrics of `family` and need (default: any) of which something declared holds every word of `text`."""
    words = text.lower().split()
    return tuple(
        metric
        for metric in all()
        if family in ("", metric.family)
        and needs_reference in (None, metric.needs_reference)
        and builtins.all(word in metric.said.lower() for word in words)
    )


def chosen(names: str) -> tuple[Metric, ...]:
    """Return the metrics that `names` lists by commas: names, `speech` or `music` for all that these come with.

    `speech` are those made for speech, `music` all others, in either case without what extras bring.
    """
    own = [m for m in all() if m.function.__module__.split(".")[:2] != ["metrics", "external"]]
    sets = {
        "speech": tuple(m for m in own if m.family == SPEECH),
        "music": tuple(m for m in own if m.family != SPEECH),
    }
    found = [sets.get(name) or (get(name),) for name in map(str.strip, names.split(","))]
    return tuple(dict.fromkeys(metric for group in found for metric in group))


def missing(extra: str) -> tuple[str, ...]:
    """Return the packages of `extra` that are not installed."""
    return tuple(package for package in (EXTRAS | BY_HAND)[extra] if find_spec(package) is None)


def get(name: str) -> Metric:
    """Return the metric called `name`, or raise `UnknownMetric` with the nearest names."""
    _load()
    if name in _declared:
        return _declared[name]
    near = difflib.get_close_matches(name.lower(), _declared, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}" if near else f"known are {', '.join(_declared)}"
    raise UnknownMetric(f"expected the name of a metric, found {name!r}; {hint}?")


@cache
def _load() -> None:
    """Import every family, so that each declares its metrics: those here, then those that others have installed."""
    for family in FAMILIES:
        import_module(f"metrics.{family}")
    for package in PACKAGES:
        for module in iter_modules(import_module(f"metrics.{package}").__path__):
            import_module(f"metrics.{package}.{module.name}")
    for extra in (*BY_HAND, *EXTRAS):
        if not missing(extra):
            _load_extra(extra)
    for plugin in entry_points(group=PLUGINS):
        plugin.load()


def _load_extra(extra: str) -> None:
    """Import an extra's module; a library that is installed but broken costs its own metrics only."""
    try:
        import_module(f"metrics.external.{extra}")
    except ImportError as failure:
        needed = ", ".join((EXTRAS | BY_HAND)[extra])
        warnings.warn(
            f"expected {needed} to load, found: {failure}; its metrics are left out", stacklevel=2
        )
