"""How much of the reference's waveform is left: ratios of signal to error energy.

Conventions: signals are (channels, frames); the channels together are one vector, so that a stereo pair has one
scale and one error. An exact copy has no error and so no ratio in dB: it is refused, not called infinite.
None of these says how a difference sounds: a delay of one sample ruins them all.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, rfft
from scipy.linalg import LinAlgError, solve_toeplitz
from scipy.signal import oaconvolve

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal

# A 32-bit float sample carries 24 bits and rounds at −150 dB: a smaller error is arithmetic, not degradation.
RESOLUTION_DB = 150.0
# Taps of the distortion filter that BSS Eval's authors allow.
BSS_EVAL_TAPS = 512
# Samples that are correlated at once.
BLOCK = 4_096
SHORTEST = 0.02


def _ratio_db(target: float, error: float) -> float:
    """Return 10·log10(target/error), refusing what has no finite answer."""
    if error <= target * 10 ** (-RESOLUTION_DB / 10):
        raise MetricError("the degraded signal equals the reference: the ratio is infinite")
    if target <= error * 10 ** (-RESOLUTION_DB / 10):
        raise MetricError("the degraded signal holds nothing of the reference: the ratio is −∞")
    return 10 * float(np.log10(target / error))


def _correlation(earlier: Signal, later: Signal) -> Signal:
    """Return Σ earlier[n] later[n + lag] of two equally long signals for the lags 0 … 511."""
    step = BLOCK - BSS_EVAL_TAPS + 1
    blocks = -(-len(earlier) // step)
    of_earlier = np.pad(earlier, (0, blocks * step - len(earlier))).reshape(blocks, step)
    padded = np.pad(later, (0, blocks * step + BSS_EVAL_TAPS - 1 - len(later)))
    of_later = sliding_window_view(padded, BLOCK)[::step]
    spectrum = np.einsum("bf,bf->f", rfft(of_earlier, n=BLOCK).conj(), rfft(of_later))
    return np.asarray(irfft(spectrum, n=BLOCK)[:BSS_EVAL_TAPS])


@metric(
    name="si-sdr",
    title="SI-SDR, scale-invariant signal-to-distortion ratio",
    unit="dB",
    direction=Direction.HIGHER,
    range=(None, None),
    needs_reference=True,
    channels=Channels.ALL,
    min_duration=SHORTEST,
    standard="none; the authors' definition, without removing the mean",
    citation=(
        "Le Roux, Wisdom, Erdogan, Hershey: SDR – half-baked or well done?, ICASSP 2019,"
        " doi:10.1109/ICASSP.2019.8683855"
    ),
    version="1",
    licence="own code",
)
def si_sdr(reference: Signal, degraded: Signal, rate: int) -> float:
    """Energy of the part of the signal that is the reference, at its best scale, over the energy of the rest."""
    s, estimate = reference.ravel(), degraded.ravel()
    alpha = float(estimate @ s) / float(s @ s)  # eq. (4)
    target = alpha * s
    error = estimate - target
    return _ratio_db(float(target @ target), float(error @ error))  # eq. (5)


@metric(
    name="snr",
    title="SNR, signal-to-noise ratio",
    unit="dB",
    direction=Direction.HIGHER,
    range=(None, None),
    needs_reference=True,
    channels=Channels.ALL,
    min_duration=SHORTEST,
    standard="none",
    citation=(
        "Le Roux, Wisdom, Erdogan, Hershey: SDR – half-baked or well done?, ICASSP 2019,"
        " doi:10.1109/ICASSP.2019.8683855, eq. (1)"
    ),
    version="1",
    licence="own code",
)
def snr(reference: Signal, degraded: Signal, rate: int) -> float:
    """Energy of the reference over the energy of the difference; sensitive to level, polarity and delay."""
    error = degraded - reference
    return _ratio_db(float(np.vdot(reference, reference)), float(np.vdot(error, error)))


@metric(
    name="sdr",
    title="SDR of BSS Eval, with a distortion filter of 512 taps",
    unit="dB",
    direction=Direction.HIGHER,
    range=(None, None),
    needs_reference=True,
    channels=Channels.MEAN,
    min_duration=0.1,
    standard="none; BSS Eval version 3, one source",
    citation=(
        "Vincent, Gribonval, Févotte: Performance measurement in blind audio source separation, IEEE TASLP 14(4), 2006,"
        " doi:10.1109/TSA.2005.858005"
    ),
    version="1",
    licence="own code",
)
def sdr(reference: Signal, degraded: Signal, rate: int) -> float:
    """As SNR, but forgives whatever a filter of 512 samples can do to the reference: level, tone, short delays."""
    s, estimate = reference[0], np.pad(degraded[0], (0, BSS_EVAL_TAPS - 1))
    try:
        taps = solve_toeplitz(_correlation(s, s), _correlation(s, degraded[0]))
    except LinAlgError as failure:
        raise MetricError(
            "expected a reference whose delayed copies differ, found one that repeats itself exactly"
        ) from failure
    target = oaconvolve(reference[0], taps)
    error = estimate - target
    return _ratio_db(float(target @ target), float(error @ error))


@metric(
    name="esr",
    title="ESR, error-to-signal ratio",
    unit="1",
    direction=Direction.LOWER,
    range=(0.0, None),
    needs_reference=True,
    channels=Channels.ALL,
    min_duration=SHORTEST,
    standard="none; without pre-emphasis",
    citation="Wright, Damskägg, Välimäki: Real-time black-box modelling with recurrent neural networks, DAFx 2019",
    version="1",
    licence="own code",
)
def esr(reference: Signal, degraded: Signal, rate: int) -> float:
    """Energy of the difference over the energy of the reference: 0 for a copy, 1 for silence in its place."""
    error = degraded - reference
    return float(np.vdot(error, error)) / float(np.vdot(reference, reference))
