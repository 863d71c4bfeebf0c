"""What a metric may rely on: checked, mixed and resampled signals, and a result that is a number.

A measurement is refused with `MetricError`, whose `status` says why in one word and whose message says in one
sentence what was expected and what was found. Signals are floating-point arrays shaped (channels, frames) in
−1…1; rates are in Hz.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from metrics.intermediates import kept
from models_registry.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE, SILENCE_PEAK

Signal = NDArray[np.float64]

# +24 dBFS: no recording is this hot, but integers read as floating-point numbers are.
MAX_PEAK = 16.0


class Status(StrEnum):
    """How a measurement ended."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    TOO_SHORT = "too_short"
    SILENT = "silent"
    NON_FINITE = "non_finite"
    UNSUPPORTED_RATE = "unsupported_rate"
    MISMATCH = "mismatch"
    UNREADABLE = "unreadable"
    CRASHED = "crashed"
    TIMEOUT = "timeout"


class MetricError(ValueError):
    """A measurement that has no meaningful value; `status` and the message say why."""

    def __init__(self, message: str, status: Status = Status.NOT_APPLICABLE) -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.status)


def check_rate(rate: int, *, least: int = MIN_RATE) -> None:
    """Refuse a sample rate below `least` or outside what audio files hold."""
    if not least <= rate <= MAX_RATE:
        raise MetricError(
            f"expected a sample rate of {least} to {MAX_RATE} Hz, found {rate} Hz",
            Status.UNSUPPORTED_RATE,
        )


def check_signal(signal: NDArray[Any], *, name: str) -> None:
    """Refuse anything but a finite, audible, floating-point signal shaped (channels, frames)."""
    if signal.ndim != 2:
        raise MetricError(
            f"{name}: expected an array shaped (channels, frames), found {signal.ndim} dimension(s)"
        )
    if not np.issubdtype(signal.dtype, np.floating):
        raise MetricError(
            f"{name}: expected floating-point samples in −1…1, found {signal.dtype} samples"
        )
    channels, frames = signal.shape
    if not 1 <= channels <= MAX_CHANNELS:
        raise MetricError(
            f"{name}: expected 1 to {MAX_CHANNELS} channels in the first axis, found {channels}"
        )
    if frames == 0:
        raise MetricError(f"{name}: expected audio, found no samples", Status.TOO_SHORT)
    peak, span = _extent(signal)
    if not np.isfinite(peak):
        bad = int(np.count_nonzero(~np.isfinite(signal)))
        raise MetricError(
            f"{name}: expected finite samples, found {bad} NaN or infinite", Status.NON_FINITE
        )
    if peak > MAX_PEAK:
        raise MetricError(
            f"{name}: expected samples in about −1…1, found a peak of {peak:g} (integers, not scaled?)"
        )
    # Half the span, not the peak: a constant offset cannot be heard.
    if span / 2 < SILENCE_PEAK:
        raise MetricError(
            f"{name}: expected an audible signal, found silence (below −96 dBFS)",
            Status.SILENT,
        )


@kept
def _extent(signal: NDArray[Any]) -> tuple[float, float]:
    """Return the highest magnitude, and the widest span of a channel; not finite where a sample is not."""
    highest, lowest = signal.max(axis=1), signal.min(axis=1)
    return float(max(highest.max(), -lowest.min())), float((highest - lowest).max())


def check_pair(
    reference_shape: tuple[int, ...],
    degraded_shape: tuple[int, ...],
    reference_rate: int,
    degraded_rate: int,
    *,
    name: str = "degraded",
) -> None:
    """Refuse a reference and a degraded signal that do not share rate, channels and length.

    They are never stretched, cut or padded to fit: a sample of one is compared with the same sample of the other.
    """
    expected: tuple[str, ...] = (f"{reference_rate} Hz", *_shape_words(reference_shape))
    found: tuple[str, ...] = (f"{degraded_rate} Hz", *_shape_words(degraded_shape))
    for wanted, had in zip(expected, found, strict=True):
        if wanted != had:
            raise MetricError(
                f"{name}: expected {wanted} as in the reference, found {had}", Status.MISMATCH
            )


def _shape_words(shape: tuple[int, ...]) -> tuple[str, str]:
    channels, frames = shape
    return f"{channels} channel{'s' if channels != 1 else ''}", f"{frames} frames"


def check_layout(channels: int, layouts: tuple[int, ...]) -> None:
    """Refuse a number of channels that is not in `layouts`; an empty one allows all."""
    if layouts and channels not in layouts:
        *others, last = map(str, layouts)
        expected = f"{', '.join(others)} or {last}" if others else last
        raise MetricError(f"expected {expected} channels, found {channels}")


def check_duration(frames: int, rate: int, *, least: float, most: float) -> None:
    """Refuse a signal shorter than `least` or longer than `most` seconds."""
    seconds = frames / rate
    if seconds < least:
        raise MetricError(f"expected at least {least:g} s, found {seconds:.3g} s", Status.TOO_SHORT)
    if seconds > most:
        raise MetricError(f"expected at most {most:g} s, found {seconds:.4g} s")


def in_double_precision(signal: NDArray[Any]) -> Signal:
    """Return `signal` as float64."""
    return signal if signal.dtype == np.float64 else _doubled(signal)


@kept
def _doubled(signal: NDArray[Any]) -> Signal:
    return signal.astype(np.float64)


def mixed(signal: Signal, *, name: str) -> Signal:
    """Return the mean of the channels as one, refusing channels that cancel each other."""
    if len(signal) == 1:
        return signal
    mean = _mean(signal)
    if _extent(mean)[1] / 2 < SILENCE_PEAK:
        raise MetricError(
            f"{name}: expected channels that add up to sound, found that they cancel", Status.SILENT
        )
    return mean


@kept
def _mean(signal: Signal) -> Signal:
    return signal.mean(axis=0, keepdims=True)


def resampled(signal: Signal, rate: int, target: int) -> Signal:
    """Return `signal` at `target` Hz (soxr, very high quality, linear phase, no delay)."""
    return signal if rate == target else _resampled(signal, rate, target)


@kept
def _resampled(signal: Signal, rate: int, target: int) -> Signal:
    return np.array(soxr.resample(signal.T, rate, target, quality="VHQ").T, order="C")


def check_value(value: float) -> float:
    """Return `value` as a plain finite float, or refuse it."""
    number = float(value)
    if not np.isfinite(number):
        raise MetricError(f"expected a finite value, found {number}", Status.NON_FINITE)
    return number
