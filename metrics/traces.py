"""Quantities over time: what the metrics' models of hearing say of every moment, to be drawn rather than ranked.

Conventions: as in the catalogue, signals are (channels, frames) in −1…1, and each trace asks of them what the metric
asks that it belongs to (`metric`): rate, length, layout, calibration. Values are (steps,), or (bands, steps) where the
trace has bands; times are in s from the signal's beginning. A value that does not exist at a moment is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import catalogue
from metrics.contract import MetricError, Signal
from metrics.loudness import momentary, short_term
from metrics.peaq.model import PeaqResult
from metrics.peaq.quantities import measured as peaq
from metrics.psychoacoustics.loudness import LEVEL_RATE, LOUDNESS_STEP, loudness_over_time
from metrics.psychoacoustics.sharpness import sharpness_over_time
from metrics.psychoacoustics.specific_loudness import BARK, specific_loudness_over_time

Array = NDArray[np.float64]

# N(t) and S(t): ISO 532-1 gives a value every 2 ms.
ZWICKER_STEP_S = LOUDNESS_STEP / LEVEL_RATE
# N'(z, t) holds 240 values for each of those; in 10 ms it hardly changes, and a minute fits into 12 MB.
SPECIFIC_EVERY = 5
LUFS_STEP_S = 0.1


@dataclass(frozen=True, eq=False)
class Trace:
    """One quantity over time.

    times: (steps,) in s. values: (steps,) or (bands, steps) in `unit`. bands: (bands,) in `band_unit`, or None.
    calibration: what full scale means in sound pressure; empty where only the samples matter.
    """

    name: str
    title: str
    unit: str
    times: Array
    values: Array
    bands: Array | None = None
    band_unit: str = ""
    calibration: str = ""

    def thinned(self, most: int) -> Trace:
        """Return the trace in at most `most` steps, each the mean of those it stands for (NaN only if all are)."""
        each = -(-len(self.times) // most)
        if each <= 1:
            return self
        return replace(self, times=_means(self.times, each), values=_means(self.values, each))


def _means(values: Array, each: int) -> Array:
    """Return the means of every `each` values along the last axis, of what there is where none are left."""
    missing = -values.shape[-1] % each
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)], constant_values=np.nan)
    groups = padded.reshape(*values.shape[:-1], -1, each)
    count = (~np.isnan(groups)).sum(axis=-1)
    total = np.nansum(groups, axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True)
class Quantity:
    """The declaration of a trace.

    metric: the catalogue's metric whose signals it takes; with a reference, if that needs one.
    compute: of the checked signals, at the metric's rate, returns times, values and bands (or None).
    """

    name: str
    title: str
    unit: str
    metric: str
    compute: Callable[..., tuple[Array, Array, Array | None]]
    band_unit: str = ""

    @property
    def needs_reference(self) -> bool:
        return catalogue.get(self.metric).needs_reference

    def of(self, *signals: NDArray[Any], rate: int) -> Trace:
        """Return the trace of a signal, or of a reference and the degraded signal that lies under it.

        Raises `MetricError` for what its metric refuses.
        """
        metric = catalogue.get(self.metric)
        ready, computed_at = metric.checked(*signals, rate=rate)
        times, values, bands = self.compute(*ready, computed_at)
        return Trace(
            self.name,
            self.title,
            self.unit,
            times,
            values,
            bands,
            self.band_unit,
            metric.calibration,
        )


def _zwicker_times(steps: int) -> Array:
    return np.asarray(ZWICKER_STEP_S * np.arange(steps), dtype=np.float64)


def _loudness(signal: Signal, rate: int) -> tuple[Array, Array, None]:
    values = loudness_over_time(signal)
    return _zwicker_times(len(values)), values, None


def _sharpness(signal: Signal, rate: int) -> tuple[Array, Array, None]:
    values = sharpness_over_time(signal)
    return _zwicker_times(len(values)), values, None


def _specific_loudness(signal: Signal, rate: int) -> tuple[Array, Array, Array]:
    values = specific_loudness_over_time(signal, every=SPECIFIC_EVERY)
    return _zwicker_times(SPECIFIC_EVERY * values.shape[1])[::SPECIFIC_EVERY], values, BARK


def _momentary(signal: Signal, rate: int) -> tuple[Array, Array, None]:
    return _at_window_ends(momentary(signal), 0.4)


def _short_term(signal: Signal, rate: int) -> tuple[Array, Array, None]:
    return _at_window_ends(short_term(signal), 3.0)


def _at_window_ends(loudness: Array, seconds: float) -> tuple[Array, Array, None]:
    """A meter shows the loudness of what has just been; silence has none."""
    values = np.where(np.isfinite(loudness), loudness, np.nan)
    times = np.asarray(seconds + LUFS_STEP_S * np.arange(len(values)), dtype=np.float64)
    return times, values, None


def _noise_to_mask(reference: Signal, degraded: Signal, rate: int) -> tuple[Array, Array, None]:
    result = peaq(reference, degraded, rate)
    # As eq. (70) of BS.1387 has it: the mean over the bands is of power.
    return result.times, _in_decibels(result.noise_to_mask, (0, 2)), None


def _noise_to_mask_in_bands(
    reference: Signal, degraded: Signal, rate: int
) -> tuple[Array, Array, Array]:
    result = peaq(reference, degraded, rate)
    return _by_band(result, result.noise_to_mask)


def _masking_threshold(
    reference: Signal, degraded: Signal, rate: int
) -> tuple[Array, Array, Array]:
    result = peaq(reference, degraded, rate)
    return _by_band(result, result.masking_threshold)


def _error(reference: Signal, degraded: Signal, rate: int) -> tuple[Array, Array, Array]:
    result = peaq(reference, degraded, rate)
    return _by_band(result, result.noise_to_mask + result.masking_threshold)


def _by_band(result: PeaqResult, levels: Array) -> tuple[Array, Array, Array]:
    return result.times, _in_decibels(levels, 0).T, result.frequencies


def _in_decibels(levels: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the level (dB) of the mean power along `axis`."""
    return np.asarray(10 * np.log10((10 ** (levels / 10)).mean(axis=axis)))


QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity("loudness", "Loudness N(t), ISO 532-1", "sone", "zwicker-n5", _loudness),
        Quantity("sharpness", "Sharpness S(t), DIN 45692", "acum", "sharpness-mean", _sharpness),
        Quantity(
            "specific-loudness",
            "Specific loudness N′(z, t), ISO 532-1",
            "sone/Bark",
            "zwicker-n5",
            _specific_loudness,
            "Bark",
        ),
        Quantity(
            "momentary-loudness",
            "Momentary loudness (400 ms), EBU Tech 3341",
            "LUFS",
            "max-momentary-loudness",
            _momentary,
        ),
        Quantity(
            "short-term-loudness",
            "Short-term loudness (3 s), EBU Tech 3341",
            "LUFS",
            "max-short-term-loudness",
            _short_term,
        ),
        Quantity("noise-to-mask", "Noise-to-mask ratio NMR(t)", "dB", "nmr", _noise_to_mask),
        Quantity(
            "noise-to-mask-in-bands",
            "Noise-to-mask ratio in the bands of hearing",
            "dB",
            "nmr",
            _noise_to_mask_in_bands,
            "Hz",
        ),
        Quantity(
            "masking-threshold",
            "Masking threshold of the reference",
            "dB SPL",
            "nmr",
            _masking_threshold,
            "Hz",
        ),
        Quantity("error", "Error behind the middle ear", "dB SPL", "nmr", _error, "Hz"),
    )
}


def get(name: str) -> Quantity:
    """Return the quantity called `name`, or raise `MetricError` with those there are."""
    if name not in QUANTITIES:
        raise MetricError(
            f"expected a quantity over time, found {name!r}; known are {', '.join(QUANTITIES)}"
        )
    return QUANTITIES[name]
