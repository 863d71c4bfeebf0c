"""Loudness by Zwicker's method: ISO 532-1:2017, for stationary (clause 5) and time-varying sounds (clause 6).

Conventions: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, the result their mean;
loudness is in sone. Levels need a calibration: by default a full-scale sine is 100 dB SPL, as in the standard's
own test files. Field is `free` (sound from the front) or `diffuse`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from metrics.catalogue import Channels, Direction, metric
from metrics.compilation import compiled
from metrics.contract import MetricError, Signal
from metrics.intermediates import kept
from metrics.psychoacoustics import iso532_tables as table
from metrics.psychoacoustics.third_octaves import (
    BANDS,
    LEVEL_STEP,
    REFERENCE_PRESSURE_PA,
    band_powers,
    decibels,
)
from metrics.psychoacoustics.third_octaves import (
    RATE as RATE,
)

Field = Literal["free", "diffuse"]
Array = NDArray[np.float64]


# A.4: band levels every 0.5 ms, loudness every 2 ms.
LEVEL_RATE, LOUDNESS_STEP = RATE // LEVEL_STEP, 4
FULL_SCALE_DB_SPL = 100.0
# Table A.3 ends here; louder low bands are outside the method.
MAX_LOW_BAND_DB = 120.0
# 6.3: time constants of the temporal decay (s), steps computed between two band levels, and what counts as steady.
SHORT_S, LONG_S, VARIABLE_S = 0.005, 0.015, 0.075
STEPS_BETWEEN = 24
STEADY = 1e-5

CALIBRATION = "a full-scale sine is 100 dB SPL; free field from the front"
STANDARD = "ISO 532-1:2017 (Zwicker method)"
CITATION = (
    "Zwicker, Fastl: Psychoacoustics – Facts and Models, Springer 2007,"
    " doi:10.1007/978-3-540-68888-4; ISO 532-1:2017, Annex A"
)
MAX_DURATION = 120.0


class Heard(NamedTuple):
    """What the method finds in a signal.

    levels: of the mean spectrum (28, channels) in dB SPL. loudness: N(t) (steps,) in sone every 2 ms. core: core
    loudness (21, channels, steps) in sone/Bark every 2 ms, with the decay of hearing (6.3).
    """

    levels: Array
    loudness: Array
    core: Array


@kept
def heard(signal: Signal, field: Field, full_scale_db: float) -> Heard:
    """Return what is heard of `signal` (channels, frames) at 48 kHz."""
    levels, loudness, core = zip(
        *(_heard_by_ear(ear, field, full_scale_db) for ear in signal), strict=True
    )
    return Heard(np.stack(levels, axis=1), np.mean(loudness, axis=0), np.stack(core, axis=1))


def stationary_loudness(
    signal: Signal, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> float:
    """Return N (sone) of `signal` (channels, frames) at 48 kHz, taken as stationary (clause 5)."""
    return float(
        _integrated(core_loudness(signal, field=field, full_scale_db=full_scale_db)).mean()
    )


def loudness_over_time(
    signal: Signal, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return N(t) (sone) every 2 ms of `signal` (channels, frames) at 48 kHz (clause 6)."""
    return heard(signal, field, full_scale_db).loudness


def core_loudness(
    signal: Signal, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return the core loudness (21, channels) in sone/Bark of `signal` at 48 kHz, taken as stationary (5.4)."""
    return _core_loudness(heard(signal, field, full_scale_db).levels, field)


def core_loudness_over_time(
    signal: Signal, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return the core loudness (21, channels, steps) in sone/Bark every 2 ms, with the decay of hearing (6.3)."""
    return heard(signal, field, full_scale_db).core


def exceeded(loudness: Array, percent: float) -> float:
    """Return the loudness that is exceeded `percent` of the time (6.4)."""
    return float(np.percentile(loudness, 100 - percent))


def loudness_of_levels(levels: Array, *, field: Field = "free") -> Array:
    """Return N (sone), shaped (…), of third-octave levels (dB SPL), 25 Hz to 12.5 kHz, shaped (28, …)."""
    return _integrated(_core_loudness(levels, field))


def _heard_by_ear(ear: Array, field: Field, full_scale_db: float) -> tuple[Array, Array, Array]:
    """Return the fields of `Heard` of one ear's signal (frames,)."""
    pascal = math.sqrt(2) * REFERENCE_PRESSURE_PA * 10 ** (full_scale_db / 20)
    energy, pieces = np.zeros(BANDS), []
    for added, power in band_powers(ear, gain=pascal):
        energy += added
        pieces.append(_core_loudness(decibels(power), field))
    core = np.concatenate(pieces, axis=1)
    _decay(core, *_decay_coefficients(1 / (LEVEL_RATE * STEPS_BETWEEN)))
    loudness = _integrated(core)
    # 6.3: short sounds are less loud than long ones.
    weighted = 0.47 * _smoothed(loudness, 0.0035) + 0.53 * _smoothed(loudness, 0.070)
    return (
        decibels(energy / len(ear)),
        weighted[::LOUDNESS_STEP],
        core[:, ::LOUDNESS_STEP].copy(),
    )


def _core_loudness(levels: Array, field: Field) -> Array:
    """Return the core loudness (21, …) in sone/Bark of third-octave levels (28, …) (5.4)."""
    low = levels[:11]
    if low.max() > MAX_LOW_BAND_DB:
        raise MetricError(
            f"expected third-octave levels of at most {MAX_LOW_BAND_DB:g} dB below 300 Hz, found {low.max():.1f} dB"
        )
    per_band = (slice(None),) + (None,) * (levels.ndim - 1)
    # Table A.3: the first range whose corrected limit the level does not exceed.
    limits = table.LOW_BAND_LIMIT[:-1, None] - table.LOW_BAND_CORRECTION[:-1]
    exceeded_limits = np.cumprod([low > limit[per_band] for limit in limits], axis=0).sum(axis=0)
    correction = table.LOW_BAND_CORRECTION[exceeded_limits, np.arange(11)[per_band]]
    intensity = 10 ** ((low + correction) / 10)
    merged = [intensity[:6].sum(0), intensity[6:9].sum(0), intensity[9:].sum(0)]
    excitation = np.concatenate([10 * np.log10(merged), levels[11:]])
    excitation -= table.TRANSMISSION[per_band]
    if field == "diffuse":
        excitation += table.DIFFUSE_FIELD[per_band]
    threshold = table.THRESHOLD[per_band]
    audible = excitation > threshold
    excitation -= table.BANDWIDTH[per_band]
    with np.errstate(invalid="ignore"):
        # 5.4: N' = 0.0635 · 10^(0.025 LTQ) · ((1 − s + s · 10^(0.1 (LE − LTQ)))^0.25 − 1) with s = 0.25.
        growth = (0.75 + 0.25 * 10 ** (0.1 * (excitation - threshold))) ** 0.25 - 1
    core = np.zeros((21, *levels.shape[1:]))
    core[:20] = np.where(audible, np.maximum(0.0635 * 10 ** (0.025 * threshold) * growth, 0.0), 0.0)
    # 5.4: the threshold varies within the lowest band.
    core[0] *= np.minimum(0.4 + 0.32 * core[0] ** 0.2, 1.0)
    return core


def _integrated(core: Array) -> Array:
    """Return the area (sone) under `core` (21, …) with the slopes that each band throws on higher ones (5.5)."""
    flat = core.reshape(21, -1)
    specific, position, total = np.zeros((3, flat.shape[1]))
    ranges = table.SLOPE_RANGE[::-1]
    for band, limit in enumerate(table.UPPER_LIMIT + 0.0001):  # A.4 adds this, to end on the limit
        slopes = table.SLOPE[::-1, min(max(band - 1, 0), 7)]
        falling = np.flatnonzero(specific > flat[band])
        while falling.size:
            n, z = specific[falling], position[falling]
            # The range in which `n` lies: the highest limit below it.
            found = np.maximum(np.searchsorted(ranges, n) - 1, 0)
            goal, slope = np.maximum(ranges[found], flat[band, falling]), slopes[found]
            length = (n - goal) / slope
            beyond = length > limit - z
            length = np.where(beyond, limit - z, length)
            reached = np.where(beyond, n - length * slope, goal)
            total[falling] += length * (n + reached) / 2
            specific[falling] = reached
            position[falling] = np.where(beyond, limit, z + length)
            falling = falling[~beyond & (reached > flat[band, falling])]
        level = position < limit
        total[level] += flat[band, level] * (limit - position[level])
        specific[level] = flat[band, level]
        position[:] = limit
    return total.reshape(core.shape[1:])


def _decay_coefficients(step: float) -> tuple[float, float, float, float, float, float]:
    """Return B0 to B5 of the two-capacitor circuit that forgets loudness, for steps of `step` seconds (6.3, A.4)."""
    p = (VARIABLE_S + LONG_S) / (VARIABLE_S * SHORT_S)
    q = 1 / (SHORT_S * VARIABLE_S)
    root = math.sqrt(p * p / 4 - q)
    slow, fast = -p / 2 + root, -p / 2 - root
    e1, e2 = math.exp(slow * step), math.exp(fast * step)
    k1, k2 = VARIABLE_S * slow + 1, VARIABLE_S * fast + 1
    scale = VARIABLE_S * (slow - fast)
    return (
        (e1 - e2) / scale,
        (k2 * e1 - k1 * e2) / scale,
        (k1 * e1 - k2 * e2) / scale,
        k1 * k2 * (e1 - e2) / scale,
        math.exp(-step / LONG_S),
        math.exp(-step / VARIABLE_S),
    )


@compiled
def _decay(core: Array, b0: float, b1: float, b2: float, b3: float, b4: float, b5: float) -> None:
    """Let each row of `core` (bands, steps at 2 kHz) rise at once and fall as hearing does, in place (6.3, A.4)."""
    bands, steps = core.shape
    for band in range(bands):
        out = inner = 0.0
        following = float(core[band, 0])
        for step in range(steps):
            value = following
            following = float(core[band, min(step + 1, steps - 1)])
            change = (following - value) / STEPS_BETWEEN
            for within in range(STEPS_BETWEEN):
                if value < out:
                    if out > inner:
                        inner, out = out * b0 - inner * b1, out * b2 - inner * b3
                        out = max(out, value)
                        inner = min(inner, out)
                    else:
                        out = max(out * b4, value)
                        inner = out
                elif value - out < STEADY and value <= inner:
                    out = inner = value
                else:
                    out = value
                    inner = (inner - value) * b5 + value
                if within == 0:
                    core[band, step] = out
                value += change


def _smoothed(loudness: Array, seconds: float) -> Array:
    """Return `loudness` (steps at 2 kHz) through a first-order low-pass that also runs between the steps (A.4).

    Between two steps the loudness lies on a line, so that the 24 values there add up to a share of the one step and
    a share of the other.
    """
    pole = math.exp(-1 / (LEVEL_RATE * STEPS_BETWEEN * seconds))
    weights = (1 - pole) * pole ** np.arange(STEPS_BETWEEN)[::-1]
    on_the_way = np.arange(1, STEPS_BETWEEN + 1) / STEPS_BETWEEN
    this, last = float(weights @ on_the_way), float(weights @ (1 - on_the_way))
    first = (1 - pole - this) * loudness[:1]
    smoothed, _ = lfilter([this, last], [1, -(pole**STEPS_BETWEEN)], loudness, zi=first)
    return np.asarray(smoothed)


measured = partial(
    metric,
    unit="sone",
    direction=Direction.NONE,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.2,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    citation=CITATION,
    version="1",
    licence="own code",
)
of_one_signal = partial(measured, range=(0.0, None), needs_reference=False)


@of_one_signal(
    name="zwicker-n",
    title="Loudness N of a stationary sound",
    standard=f"{STANDARD}, clause 5",
)
def zwicker_n(signal: Signal, rate: int) -> float:
    """Loudness of the signal's mean spectrum, as if it were a steady sound; twice the sones sound twice as loud."""
    return stationary_loudness(signal)


@of_one_signal(
    name="zwicker-nmax",
    title="Maximum loudness Nmax over time",
    standard=f"{STANDARD}, clause 6",
)
def zwicker_nmax(signal: Signal, rate: int) -> float:
    """Loudness at the loudest moment, with the temporal decay and weighting of hearing."""
    return float(loudness_over_time(signal).max())


@of_one_signal(
    name="zwicker-n5",
    title="Percentile loudness N5",
    standard=f"{STANDARD}, clause 6",
)
def zwicker_n5(signal: Signal, rate: int) -> float:
    """Loudness exceeded 5 % of the time: what listeners give as the loudness of a sound that varies."""
    return exceeded(loudness_over_time(signal), 5)


@of_one_signal(
    name="zwicker-n10",
    title="Percentile loudness N10",
    standard=f"{STANDARD}, clause 6",
)
def zwicker_n10(signal: Signal, rate: int) -> float:
    """Loudness exceeded 10 % of the time."""
    return exceeded(loudness_over_time(signal), 10)


@of_one_signal(
    name="zwicker-n50",
    title="Percentile loudness N50, the median",
    standard=f"{STANDARD}, clause 6",
)
def zwicker_n50(signal: Signal, rate: int) -> float:
    """Loudness exceeded half of the time."""
    return exceeded(loudness_over_time(signal), 50)


@measured(
    name="zwicker-n5-difference",
    title="Percentile loudness N5, difference to the reference",
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
    standard=f"{STANDARD}, clause 6",
)
def zwicker_n5_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much louder (sone, exceeded 5 % of the time) the signal sounds than its reference."""
    return exceeded(loudness_over_time(degraded), 5) - exceeded(loudness_over_time(reference), 5)
