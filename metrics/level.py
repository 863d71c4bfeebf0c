"""What a recording does with its range of levels: peaks, offset, clipping, silence.

Conventions: signals are (channels, frames) with full scale at −1…1, measured at their own rate; shares of time or
samples are in per cent.
"""

from __future__ import annotations

import numpy as np

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal

# The highest value that 16-bit audio holds.
FULL_SCALE = 1 - 2.0**-15
# One sample at full scale may be a peak that just fits; three in a row have lost the wave between them.
CLIPPED_RUN = 3
SILENCE_BLOCK_S, SILENCE_DBFS = 0.02, -60.0
SHORTEST = 0.02
OWN = "own code"


@metric(
    name="crest-factor",
    title="Crest factor",
    unit="dB",
    direction=Direction.NONE,
    range=(0.0, None),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=SHORTEST,
    standard="none; sample peak over RMS of all channels",
    citation="textbook definition",
    version="1",
    licence=OWN,
)
def crest_factor(signal: Signal, rate: int) -> float:
    """How far the highest sample stands above the root mean square: 0 dB for a square wave, 3.01 dB for a sine."""
    return 20 * float(np.log10(np.abs(signal).max() / np.sqrt(np.mean(signal**2))))


@metric(
    name="dc-offset",
    title="DC offset",
    unit="% of full scale",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=0.1,
    standard="none; absolute mean of the samples",
    citation="textbook definition",
    version="1",
    licence=OWN,
)
def dc_offset(signal: Signal, rate: int) -> float:
    """Distance of the waveform's mean from zero, in the channel where it is largest: inaudible, but costs headroom."""
    return 100 * float(np.abs(signal.mean(axis=1)).max())


@metric(
    name="clipping",
    title="Clipped samples",
    unit="%",
    direction=Direction.LOWER,
    range=(0.0, 100.0),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=SHORTEST,
    standard="none; three or more samples in a row at ±32767/32768 or beyond",
    citation="common practice of digital level meters",
    version="1",
    licence=OWN,
)
def clipping(signal: Signal, rate: int) -> float:
    """Share of samples, in all channels, that stand at full scale together with their neighbours.

    A recording that was turned down after it had clipped does not stand at full scale and is not found.
    """
    clipped = 0
    for channel in signal:
        for side in (channel >= FULL_SCALE, channel <= -FULL_SCALE):
            edges = np.flatnonzero(np.diff(side, prepend=False, append=False))
            runs = edges[1::2] - edges[::2]
            clipped += int(runs[runs >= CLIPPED_RUN].sum())
    return 100 * clipped / signal.size


@metric(
    name="silence",
    title="Silence",
    unit="%",
    direction=Direction.NONE,
    range=(0.0, 100.0),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=SILENCE_BLOCK_S,
    standard="none; blocks of 20 ms with an RMS below −60 dBFS in every channel",
    citation="textbook definition",
    version="1",
    licence=OWN,
)
def silence(signal: Signal, rate: int) -> float:
    """Share of time in which no channel holds sound."""
    size = round(SILENCE_BLOCK_S * rate)
    blocks = signal[:, : signal.shape[1] // size * size].reshape(len(signal), -1, size)
    loudest = np.mean(blocks**2, axis=2).max(axis=0)
    return 100 * float(np.mean(loudest < 10 ** (SILENCE_DBFS / 10)))
