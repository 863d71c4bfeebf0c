"""Sensations as differences to the reference: the signal's value less the reference's, each of its whole.

Those of loudness over time, sharpness, roughness, fluctuation strength and tonality stand beside these sensations.
"""

from __future__ import annotations

from functools import partial

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.psychoacoustics.annoyance import psychoacoustic_annoyance
from metrics.psychoacoustics.loudness import CALIBRATION, CITATION, MAX_DURATION, RATE, zwicker_n
from metrics.psychoacoustics.loudness import STANDARD as ZWICKER
from metrics.psychoacoustics.moore_glasberg import moore_glasberg_n
from metrics.psychoacoustics.tones import prominence_ratio, tone_to_noise_ratio

difference = partial(
    metric,
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
    channels=Channels.ALL,
    rates=(RATE,),
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    licence="own code",
)
of_tones = partial(
    difference,
    unit="dB",
    min_duration=1.0,
    standard="ECMA-418-1:2024",
    citation="ECMA-418-1: Psychoacoustic metrics for ITT equipment, Part 1 (prominent discrete tones), 2024",
    version="1",
)


@difference(
    name="zwicker-n-difference",
    title="Loudness N of a stationary sound, difference to the reference",
    unit="sone",
    min_duration=0.2,
    standard=f"{ZWICKER}, clause 5",
    citation=CITATION,
    version="1",
)
def zwicker_n_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much louder the signal is than its reference, both taken as steady sounds."""
    return zwicker_n(degraded, rate) - zwicker_n(reference, rate)


@difference(
    name="moore-glasberg-n-difference",
    title="Loudness N by Moore and Glasberg, difference to the reference",
    unit="sone",
    min_duration=0.2,
    standard="ISO 532-2:2017 (Moore-Glasberg method)",
    citation="Moore, Glasberg, Baer: A model for the prediction of thresholds, loudness, and partial loudness, 1997",
    version="1",
)
def moore_glasberg_n_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much louder the signal is to two ears than its reference, both taken as steady sounds."""
    return moore_glasberg_n(degraded, rate) - moore_glasberg_n(reference, rate)


@difference(
    name="psychoacoustic-annoyance-difference",
    title="Psychoacoustic annoyance PA, difference to the reference",
    unit="1",
    min_duration=2.0,
    standard="none; the authors' formula",
    citation=(
        "Zwicker, Fastl: Psychoacoustics – Facts and Models, Springer 2007,"
        " doi:10.1007/978-3-540-68888-4, eq. (16.2) to (16.4)"
    ),
    version="2",
)
def annoyance_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much more the signal annoys than its reference: louder, sharper, rougher or more restless."""
    return psychoacoustic_annoyance(degraded, rate) - psychoacoustic_annoyance(reference, rate)


@of_tones(
    name="tone-to-noise-ratio-difference",
    title="Tone-to-noise ratio, difference to the reference",
)
def tone_to_noise_ratio_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much farther the signal's most prominent tone stands out of noise: whistles and hum that were added."""
    return tone_to_noise_ratio(degraded, rate) - tone_to_noise_ratio(reference, rate)


@of_tones(
    name="prominence-ratio-difference",
    title="Prominence ratio, difference to the reference",
)
def prominence_ratio_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much farther the signal's most prominent critical band stands above its neighbours."""
    return prominence_ratio(degraded, rate) - prominence_ratio(reference, rate)
