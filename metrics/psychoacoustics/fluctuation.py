"""Fluctuation strength: modulations slow enough to be followed, strongest at 4 Hz, by Osses, García, Kohlrausch (2016).

Conventions as in `loudness`: signals are (channels, frames) in −1…1 at 48 kHz, each channel one ear, the result their
mean. Fluctuation strength is in vacil: 1 for a tone of 1 kHz and 60 dB whose amplitude is modulated fully at 4 Hz.
The authors fitted tones of modulated amplitude; those of modulated frequency come out too strong above 4 Hz.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal import butter, sosfilt

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept
from metrics.psychoacoustics.excitation import (
    CENTRES,
    CHANNELS,
    Spreading,
    correlations,
    rectified,
    spreading,
)
from metrics.psychoacoustics.loudness import (
    CALIBRATION,
    FULL_SCALE_DB_SPL,
    MAX_DURATION,
    RATE,
    Array,
)

# Sec. 2.1: frames of 2 s, raised and lowered by half a cosine of 50 ms; here one begins every second, not every 0.2 s.
FRAME, HOP, RAMP = 2 * RATE, RATE, RATE // 20
# Frames computed at once, as many in one register of the processor as it holds.
BLOCK = 12
# Envelopes are averaged down to this rate (Hz), far above the modulations that count.
ENVELOPE_RATE = 1_000
# Sec. 3.1: what passes the band-pass H of modulation frequencies. Butterworth filters of these orders meet what the
# authors ask: 17.5 dB at 0.5 Hz below 3.1 Hz, and 14 dB at 20 Hz above 12 Hz.
HIGH_PASS_ORDER, HIGH_PASS_HZ = 2, 1.363
LOW_PASS_ORDER, LOW_PASS_HZ = 4, 13.43
# Eq. (1): exponents of depth and correlation; the factor that makes the reference sound 1 vacil.
DEPTH_EXPONENT = CORRELATION_EXPONENT = 1.7
CALIBRATION_FACTOR = 0.249
# Sec. 2.1.3: greater depths count less.
KNEE, BEYOND_KNEE = 0.7, 0.3
# Sec. 3.1: weight g of critical-band rates (Bark).
G = np.interp(CENTRES, [0, 13, 15, 17.5, 24], [1, 1, 0.9, 0.7, 0.5])


@lru_cache(maxsize=1)
def window() -> Array:
    """Return the frame's weights (frames,): 1 between two half cosines."""
    ramp = np.sin(np.pi / 2 * np.arange(RAMP) / RAMP) ** 2
    return np.concatenate([ramp, np.ones(FRAME - 2 * RAMP), ramp[::-1]])


@lru_cache(maxsize=1)
def modulation_filter() -> Array:
    """Return H as second-order sections at the envelope's rate."""
    return np.concatenate(
        [
            butter(HIGH_PASS_ORDER, HIGH_PASS_HZ, "high", fs=ENVELOPE_RATE, output="sos"),
            butter(LOW_PASS_ORDER, LOW_PASS_HZ, "low", fs=ENVELOPE_RATE, output="sos"),
        ]
    )


def specific_fluctuation_over_time(
    signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL
) -> Array:
    """Return the fluctuation strength (vacil) of each channel, shaped (47, steps), every second of `signal` at 48 kHz.

    Their sum over the channels is the fluctuation strength; one channel lies half a Bark above the other.
    """
    return np.mean([_of_ear(ear, full_scale_db) for ear in signal], axis=0)


def fluctuation_over_time(signal: Signal, *, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return F(t) (vacil) every second of `signal` (channels, frames) at 48 kHz, over 2 s each."""
    return specific_fluctuation_over_time(signal, full_scale_db=full_scale_db).sum(axis=0)


@kept
def _of_ear(ear: Array, full_scale_db: float) -> Array:
    # A full-scale sine has a root mean square of 10^(full_scale_db/20) times 20 µPa; a bin holds half its amplitude.
    scale = 10 ** (full_scale_db / 20) * 2 / FRAME
    by = spreading(FRAME, RATE, ear_canal=False)
    frames = sliding_window_view(ear, FRAME)[::HOP]
    return np.concatenate(
        [
            _of_channels(_envelopes(rfft(scale * window() * frames[start : start + BLOCK]), by))
            for start in range(0, len(frames), BLOCK)
        ],
        axis=1,
    )


def _envelopes(spectra: NDArray[np.complex128], by: Spreading) -> Array:
    """Return the envelopes (47, n, frames) at their own rate of what the channels hear of n frames."""
    steps = FRAME * ENVELOPE_RATE // RATE
    envelopes = np.empty((CHANNELS, len(spectra), steps))
    for channel, signals in enumerate(rectified(spectra, by, FRAME)):
        parts = signals.reshape(len(spectra), steps, -1)
        # Their mean; as a product it takes an eighth of the time.
        width = parts.shape[2]
        envelopes[channel] = parts @ np.full(width, 1 / width, dtype=np.float32)
    return envelopes


def _of_channels(envelopes: Array) -> Array:
    """Return the fluctuation strength (47, n) of envelopes (47, n, frames) at the envelope's rate."""
    mean = envelopes.mean(axis=2)
    fluctuation = sosfilt(modulation_filter(), envelopes - mean[:, :, None], axis=2)
    depth = np.sqrt((fluctuation**2).mean(axis=2)) / np.where(mean > 0, mean, 1.0)
    depth = np.minimum(np.where(depth > KNEE, KNEE + BEYOND_KNEE * (depth - KNEE), depth), 1)
    # Eq. (9): correlation of channels one Bark apart; both neighbours count.
    fluctuation -= fluctuation.mean(axis=2, keepdims=True)
    energy = (fluctuation**2).mean(axis=2)
    product = (fluctuation[:-2] * fluctuation[2:]).mean(axis=2)
    with_lower, with_higher = correlations(product, energy, mean)
    both = with_lower * with_higher
    together = np.sign(both) * np.abs(both) ** CORRELATION_EXPONENT
    return CALIBRATION_FACTOR * G[:, None] * depth**DEPTH_EXPONENT * together  # eq. (1)


sensation = partial(
    metric,
    unit="vacil",
    direction=Direction.NONE,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=2.0,
    max_duration=MAX_DURATION,
    calibration=CALIBRATION,
    standard="none; the authors' model",
    citation=(
        "Osses Vecchi, García León, Kohlrausch: Modelling the sensation of fluctuation strength,"
        " Proc. Mtgs. Acoust. 28, 050005, 2016,"
        " doi:10.1121/2.0000410"
    ),
    version="2",
    licence="own code",
)


@sensation(
    name="fluctuation-strength",
    title="Mean fluctuation strength over time",
    range=(None, None),
    needs_reference=False,
)
def fluctuation_strength(signal: Signal, rate: int) -> float:
    """How strongly the signal waxes and wanes on average: rhythm, tremolo, syllables; 0 for a steady sound.

    Channels that fluctuate against each other count negatively.
    """
    return float(fluctuation_over_time(signal).mean())


@sensation(
    name="fluctuation-strength-difference",
    title="Mean fluctuation strength over time, difference to the reference",
    range=(None, None),
    needs_reference=True,
    wants_alignment=False,
)
def fluctuation_strength_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much more strongly the signal fluctuates than its reference: pumping adds to it, compression takes away."""
    return fluctuation_strength(degraded, rate) - fluctuation_strength(reference, rate)
