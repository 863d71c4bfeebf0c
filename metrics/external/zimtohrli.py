"""Zimtohrli, by its authors' library, whose native code ends the process on what it does not like.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is measured, at 48 kHz.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from zimtohrli import mos_from_signals

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal


@metric(
    name="zimtohrli",
    title="Zimtohrli",
    unit="MOS",
    direction=Direction.HIGHER,
    range=(1.0, 5.0),
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(48_000,),
    # Shorter ones abort it.
    min_duration=0.1,
    calibration="a full-scale sine is 80 dB SPL, as its authors document",
    standard="none; the authors' definition",
    citation=(
        "Alakuijala, Bruse, Boukortt, Coldenhoff, Cernak: Zimtohrli, an efficient psychoacoustic audio similarity "
        "metric, 2025"
    ),
    version=f"1, zimtohrli {version('zimtohrli')}",
    licence="Apache-2.0",
)
def zimtohrli(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion near the threshold of what can be told apart: good codecs, not bad telephones."""
    return float(mos_from_signals(*(s[0].astype(np.float32) for s in (reference, degraded))))
