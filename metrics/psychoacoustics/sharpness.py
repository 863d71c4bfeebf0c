"""Sharpness: how much of the loudness lies in the high critical bands (DIN 45692:2009).

Conventions as in `loudness`: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, their specific
loudness the mean. Sharpness is in acum; noise one critical band wide at 1 kHz and 60 dB has 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status
from metrics.intermediates import kept
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
    Field,
    core_loudness_over_time,
)
from metrics.psychoacoustics.specific_loudness import (
    BARK,
    BARK_STEP,
    blocks,
    specific_loudness,
    specific_of_core,
)

# Weighting g(z), shaped (240,) or (240, …), of the loudness (sone) of each pattern.
Weighting = Callable[[Array], Array]

# 5.2 leaves 0.105 to 0.115; Annex B prints this, with which Table A.2 is met best (and 1 acum to 2 %).
K = 0.11
# ISO 532-1 tolerates this error of loudness: a softer sound has no sharpness to speak of.
AUDIBLE_SONE = 0.1
STANDARD = "DIN 45692:2009, from the specific loudness of ISO 532-1:2017"
CITATION = (
    "Zwicker, Fastl: Psychoacoustics – Facts and Models, Springer 2007,"
    " doi:10.1007/978-3-540-68888-4, chapter 9"
)


def din(loudness: Array) -> Array:
    """Return g(z) of DIN 45692, eq. (1)."""
    return np.where(BARK > 15.8, 0.15 * np.exp(0.42 * (BARK - 15.8)) + 0.85, 1.0)


def bismarck(loudness: Array) -> Array:
    """Return g(z) of von Bismarck (1974), DIN 45692, Annex B."""
    return np.where(BARK > 15.0, 0.2 * np.exp(0.308 * (BARK - 15.0)) + 0.8, 1.0)


def aures(loudness: Array) -> Array:
    """Return g(z) of Aures (1985), DIN 45692, Annex B: louder sounds are sharper."""
    growth = loudness / np.log(0.05 * loudness + 1)
    return np.multiply.outer(0.078 * np.exp(0.171 * BARK) / BARK, growth)


def sharpness_of_specific(specific: Array, *, weighting: Weighting = din) -> Array:
    """Return the sharpness (acum), shaped (…), of specific loudness (240, …) in sone/Bark.

    NaN where the loudness is below 0.1 sone.
    """
    loudness = BARK_STEP * specific.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = weighting(loudness)
        # DIN 45692, eq. (1): S = k · ∫ N'(z) g(z) z dz / ∫ N'(z) dz.
        moment = np.einsum("z...,z,z...->...", specific, BARK, _along(weights, specific))
        return np.where(loudness < AUDIBLE_SONE, np.nan, K * BARK_STEP * moment / loudness)


def sharpness(
    signal: Signal,
    *,
    weighting: Weighting = din,
    field: Field = "free",
    full_scale_db: float = FULL_SCALE_DB_SPL,
) -> float:
    """Return S (acum) of `signal` (channels, frames) at 48 kHz, taken as stationary."""
    specific = specific_loudness(signal, field=field, full_scale_db=full_scale_db)
    return float(_heard(sharpness_of_specific(specific[:, None], weighting=weighting))[0])


@kept
def sharpness_over_time(
    signal: Signal,
    *,
    weighting: Weighting = din,
    field: Field = "free",
    full_scale_db: float = FULL_SCALE_DB_SPL,
) -> Array:
    """Return S(t) (acum) every 2 ms of `signal` (channels, frames) at 48 kHz; NaN where it is below 0.1 sone."""
    core = core_loudness_over_time(signal, field=field, full_scale_db=full_scale_db)
    return np.concatenate(
        [
            sharpness_of_specific(specific_of_core(block).mean(axis=1), weighting=weighting)
            for block in blocks(core)
        ]
    )


def _along(weights: Array, specific: Array) -> Array:
    missing = specific.ndim - weights.ndim
    return np.broadcast_to(weights.reshape(weights.shape + (1,) * missing), specific.shape)


def _heard(values: Array) -> Array:
    """Return the values of the audible moments, refusing a signal without any."""
    heard = values[~np.isnan(values)]
    if not heard.size:
        raise MetricError(
            f"expected a loudness of at least {AUDIBLE_SONE} sone, found less throughout",
            Status.SILENT,
        )
    return heard


sensation = partial(
    metric,
    unit="acum",
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
of_one_signal = partial(sensation, range=(0.0, None), needs_reference=False)


@of_one_signal(name="sharpness", title="Sharpness S of a stationary sound", standard=STANDARD)
def sharpness_stationary(signal: Signal, rate: int) -> float:
    """Sharpness of the signal's mean spectrum: near 1 acum for mid-range sounds, above 3 for hiss."""
    return sharpness(signal)


@of_one_signal(
    name="sharpness-aures",
    title="Sharpness by Aures' weighting",
    standard=f"{STANDARD}, Annex B",
)
def sharpness_aures(signal: Signal, rate: int) -> float:
    """Sharpness of the signal's mean spectrum by a weighting that grows with loudness."""
    return sharpness(signal, weighting=aures)


@of_one_signal(
    name="sharpness-bismarck",
    title="Sharpness by von Bismarck's weighting",
    standard=f"{STANDARD}, Annex B",
)
def sharpness_bismarck(signal: Signal, rate: int) -> float:
    """Sharpness of the signal's mean spectrum by the oldest of the three weightings."""
    return sharpness(signal, weighting=bismarck)


@of_one_signal(name="sharpness-mean", title="Mean sharpness over time", standard=STANDARD)
def sharpness_mean(signal: Signal, rate: int) -> float:
    """Mean of the sharpness at every moment that is at least 0.1 sone loud."""
    return float(_heard(sharpness_over_time(signal)).mean())


@of_one_signal(name="sharpness-s5", title="Percentile sharpness S5", standard=STANDARD)
def sharpness_s5(signal: Signal, rate: int) -> float:
    """Sharpness exceeded 5 % of the time in which the signal is at least 0.1 sone loud."""
    return float(np.percentile(_heard(sharpness_over_time(signal)), 95))


@sensation(
    name="sharpness-difference",
    title="Mean sharpness over time, difference to the reference",
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
    standard=STANDARD,
)
def sharpness_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much sharper the signal sounds than its reference; positive where treble was added or bass was lost."""
    return sharpness_mean(degraded, rate) - sharpness_mean(reference, rate)
