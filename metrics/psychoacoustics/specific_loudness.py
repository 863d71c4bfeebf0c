"""Specific loudness N'(z): how the loudness of a sound is spread over the critical bands (ISO 532-1:2017, 5.5).

Conventions as in `loudness`: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, the result
their mean; N' is in sone/Bark at z = 0.1, 0.2, … 24 Bark, as the standard samples it: its sum times 0.1 Bark is up to
2 % below the loudness in sone, because the samples end the steps in which N' falls.
"""

from __future__ import annotations

import math

import numpy as np

from metrics.catalogue import Direction
from metrics.contract import Signal
from metrics.psychoacoustics import iso532_tables as table
from metrics.psychoacoustics.loudness import (
    FULL_SCALE_DB_SPL,
    STANDARD,
    Array,
    Field,
    core_loudness,
    core_loudness_over_time,
    measured,
)

BARK_STEP = 0.1
BARK: Array = np.asarray(BARK_STEP * np.arange(1, 241), dtype=np.float64)
# Moments of N'(z, t) that are computed at once: 10 s.
BLOCK = 5_000
# Steeper patterns than this (sone/Bark) are of sounds far above 120 dB, which the method refuses.
MOST = 1e4


def specific_loudness(
    signal: Signal, *, field: Field = "free", full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return N'(z) (240,) of `signal` (channels, frames) at 48 kHz, taken as stationary (clause 5)."""
    core = core_loudness(signal, field=field, full_scale_db=full_scale_db)
    return specific_of_core(core).mean(axis=1)


def specific_loudness_over_time(
    signal: Signal,
    *,
    every: int = 1,
    field: Field = "free",
    full_scale_db: float = FULL_SCALE_DB_SPL,
) -> Array:
    """Return N'(z, t) (240, steps) of `signal` (channels, frames) at 48 kHz (clause 6).

    A step every 2 ms, or every so many times that. It holds the decay of hearing (6.3), while the weighting of short
    sounds applies to their total alone.
    """
    core = core_loudness_over_time(signal, field=field, full_scale_db=full_scale_db)
    return np.concatenate(
        [specific_of_core(block).mean(axis=1) for block in blocks(core[..., ::every])], axis=1
    )


def specific_of_core(core: Array) -> Array:
    """Return N'(z) (240, …) of core loudness (21, …): each band rises at once and falls along Table A.9 (5.5)."""
    flat = core.reshape(len(table.UPPER_LIMIT), -1)
    pattern = np.empty((len(BARK), flat.shape[1]))
    limits = np.rint(table.UPPER_LIMIT / BARK_STEP).astype(int)
    ranges = np.append(table.SLOPE_RANGE[::-1], MOST)
    present, first = np.zeros(flat.shape[1]), 0
    for band, last in enumerate(limits):
        slopes = table.SLOPE[::-1, min(max(band - 1, 0), 7)]
        # How many Bark a pattern takes to fall from each limit of Table A.9 to nothing.
        fall = np.concatenate([[0.0], np.cumsum(np.diff(ranges) / slopes)])
        for step in range(first, last):
            lower = np.interp(np.interp(present, ranges, fall) - BARK_STEP, fall, ranges)
            present = np.maximum(lower, flat[band])
            pattern[step] = present
        first = last
    return pattern.reshape(len(BARK), *core.shape[1:])


def blocks(core: Array) -> list[Array]:
    """Split core loudness (21, …, steps) in time, so that the patterns of a long sound need not all be in memory."""
    return np.array_split(core, math.ceil(core.shape[-1] / BLOCK), axis=-1)


@measured(
    name="specific-loudness-distance",
    title="Specific-loudness distance to the reference",
    range=(0.0, None),
    direction=Direction.LOWER,
    needs_reference=True,
    standard=f"{STANDARD}, clause 6; the distance is not standardised",
)
def specific_loudness_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """How far the signal's specific loudness lies from the reference's, in every critical band and at every moment.

    The area between the two patterns N'(z, t), averaged over time: louder and softer bands do not cancel.
    """
    cores = core_loudness_over_time(reference), core_loudness_over_time(degraded)
    apart = sum(
        float(np.abs(specific_of_core(after) - specific_of_core(before)).mean(axis=1).sum())
        for before, after in zip(*map(blocks, cores), strict=True)
    )
    return BARK_STEP * apart / cores[0].shape[-1]
