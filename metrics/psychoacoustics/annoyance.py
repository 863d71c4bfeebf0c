"""Psychoacoustic annoyance: loudness, sharpness, roughness and fluctuation strength in one figure (Widmann 1992).

Conventions as in `loudness`. It equals N5 (sone) for sounds that are neither sharp nor modulated; no standard defines
it, and its authors fitted it to technical sounds.
"""

from __future__ import annotations

import math

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.psychoacoustics.fluctuation import fluctuation_strength
from metrics.psychoacoustics.loudness import CALIBRATION, MAX_DURATION, RATE, zwicker_n5
from metrics.psychoacoustics.roughness import roughness
from metrics.psychoacoustics.sharpness import sharpness_mean

# Eq. (16.3): sounds up to here (acum) do not annoy by their sharpness.
SHARP = 1.75


def annoyance(loudness: float, sharpness: float, fluctuation: float, roughness: float) -> float:
    """Return PA of N5 (sone), S (acum), F (vacil) and R (asper), none of which may be negative."""
    sharp = max(sharpness - SHARP, 0) * 0.25 * math.log10(loudness + 10)  # eq. (16.3)
    # Eq. (16.4), times N5 lest silence divide by 0.
    modulated = 2.18 * loudness**0.6 * (0.4 * fluctuation + 0.6 * roughness)
    return loudness + math.hypot(loudness * sharp, modulated)  # eq. (16.2)


@metric(
    name="psychoacoustic-annoyance",
    title="Psychoacoustic annoyance PA",
    unit="1",
    direction=Direction.NONE,
    range=(0.0, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=2.0,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    standard="none; the authors' formula",
    citation=(
        "Zwicker, Fastl: Psychoacoustics – Facts and Models, Springer 2007,"
        " doi:10.1007/978-3-540-68888-4, eq. (16.2) to (16.4)"
    ),
    version="2",
    licence="own code",
)
def psychoacoustic_annoyance(signal: Signal, rate: int) -> float:
    """Percentile loudness N5, raised by mean sharpness above 1.75 acum, fluctuation strength and roughness."""
    return annoyance(
        zwicker_n5(signal, rate),
        sharpness_mean(signal, rate),
        max(fluctuation_strength(signal, rate), 0.0),
        roughness(signal, rate),
    )
