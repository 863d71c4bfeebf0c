"""Programme loudness and true peak of ITU-R BS.1770-5, with the time scales of EBU Tech 3341.

Conventions: signals are (channels, frames) with full scale at −1…1; loudness is in LUFS (what BS.1770 calls LKFS),
differences in LU, true peak in dBTP. Channels are mono, L R, L R C Ls Rs or L R C LFE Ls Rs, in that order.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import firwin, sosfilt

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status, check_layout, resampled
from metrics.intermediates import kept

RATE = 48_000
# BS.1770-5 Annex 1, Tables 1 and 2: shelf for the head, then the RLB high-pass, at 48 kHz.
K_WEIGHTING = np.array(
    [
        [
            1.53512485958697,
            -2.69169618940638,
            1.19839281085285,
            1.0,
            -1.69065929318241,
            0.73248077421585,
        ],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
# Annex 1, Table 3: surround channels count 1.5 dB more, the LFE channel not at all.
CHANNEL_WEIGHTS = {
    1: (1.0,),
    2: (1.0, 1.0),
    5: (1.0, 1.0, 1.0, 1.41, 1.41),
    6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41),
}
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
MOMENTARY_MS, SHORT_TERM_MS, GATING_STEP_MS = 400, 3_000, 100
# Tech 3342: the gates of the loudness range, and the percentiles between which it lies.
RANGE_GATE_LU, RANGE_PERCENTILES = -20.0, (10, 95)
# The windows of a shorter signal are mostly the same 3 s: their percentiles are no distribution.
RANGE_MIN_DURATION_S = 30.0
# Annex 2 reads the peak at 192 kHz or more.
TRUE_PEAK_RATE = 192_000
# A value between two samples is read off so many around it; samples that one product interpolates (where it is
# fastest), and such products at a time.
TRUE_PEAK_TAPS, TRUE_PEAK_HOP, TRUE_PEAK_BLOCK = 20, 32, 2**11

BS1770 = "ITU-R BS.1770-5 (2023)"
TECH3341 = "EBU Tech 3341 (2023)"
TECH3342 = "EBU Tech 3342 (2023)"
OWN = "own code"


def integrated(signal: Signal) -> float:
    """Return the gated loudness (LUFS) of `signal` (channels, frames) at 48 kHz."""
    power = _sliding(_millisecond_power(signal), MOMENTARY_MS)[::GATING_STEP_MS]
    loud = power[_lufs(power) > ABSOLUTE_GATE_LUFS]  # eq. (4)
    if not loud.size:
        raise MetricError(
            f"expected sound above the gate of {ABSOLUTE_GATE_LUFS:g} LUFS, found none",
            Status.SILENT,
        )
    gate = _lufs(loud.mean()) + RELATIVE_GATE_LU  # eq. (6)
    return float(_lufs(loud[_lufs(loud) > gate].mean()))  # eq. (7)


@kept
def _millisecond_power(signal: Signal) -> NDArray[np.float64]:
    """Return the K-weighted power of each whole millisecond, channels weighted and summed."""
    channels = len(signal)
    check_layout(channels, tuple(CHANNEL_WEIGHTS))
    per_ms = RATE // 1000
    whole = signal.shape[1] // per_ms * per_ms
    weighted = sosfilt(K_WEIGHTING, signal[:, :whole]).reshape(channels, -1, per_ms)
    power = np.einsum("cmf,cmf->cm", weighted, weighted) / per_ms  # eq. (1)
    return np.array(CHANNEL_WEIGHTS[channels]) @ power


def _sliding(power: NDArray[np.float64], milliseconds: int) -> NDArray[np.float64]:
    """Return the mean over each window of that length, one a millisecond."""
    total = np.concatenate([[0.0], np.cumsum(power)])
    return np.maximum(total[milliseconds:] - total[:-milliseconds], 0.0) / milliseconds


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(power))  # eq. (2)


def momentary(signal: Signal) -> NDArray[np.float64]:
    """Return the loudness (LUFS) of each 400 ms of `signal` at 48 kHz, every 100 ms; −∞ where there is no sound."""
    return _lufs(_sliding(_millisecond_power(signal), MOMENTARY_MS)[::GATING_STEP_MS])


def short_term(signal: Signal) -> NDArray[np.float64]:
    """Return the loudness (LUFS) of each 3 s of `signal` at 48 kHz, every 100 ms; −∞ where there is no sound."""
    return _lufs(_sliding(_millisecond_power(signal), SHORT_TERM_MS)[::GATING_STEP_MS])


def _maximum(signal: Signal, milliseconds: int) -> float:
    loudest = float(_lufs(_sliding(_millisecond_power(signal), milliseconds).max()))
    if not np.isfinite(loudest):
        raise MetricError("expected sound after K-weighting, found none", Status.SILENT)
    return loudest


@metric(
    name="integrated-loudness",
    title="Integrated loudness",
    unit="LUFS",
    direction=Direction.NONE,
    range=(ABSOLUTE_GATE_LUFS, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=0.4,
    standard=BS1770,
    citation="ITU-R BS.1770-5: Algorithms to measure audio programme loudness and true-peak audio level, Annex 1",
    version="1",
    licence=OWN,
)
def integrated_loudness(signal: Signal, rate: int) -> float:
    """Loudness of the whole signal, without its pauses."""
    return integrated(signal)


@metric(
    name="loudness-difference",
    title="Integrated loudness, difference to the reference",
    unit="LU",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=True,
    channels=Channels.ALL,
    rates=(RATE,),
    wants_alignment=False,
    min_duration=0.4,
    standard=BS1770,
    citation="ITU-R BS.1770-5: Algorithms to measure audio programme loudness and true-peak audio level, Annex 1",
    version="1",
    licence=OWN,
)
def loudness_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How much louder the signal is than its reference: half a unit can already win a listening test."""
    return integrated(degraded) - integrated(reference)


@metric(
    name="max-momentary-loudness",
    title="Maximum momentary loudness (400 ms)",
    unit="LUFS",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=MOMENTARY_MS / 1000,
    standard=TECH3341,
    citation="EBU Tech 3341: Loudness metering, EBU Mode metering to supplement EBU R 128 loudness normalisation",
    version="1",
    licence=OWN,
)
def max_momentary_loudness(signal: Signal, rate: int) -> float:
    """Loudness of the loudest 400 ms, ungated, the window moved by single milliseconds."""
    return _maximum(signal, MOMENTARY_MS)


@metric(
    name="max-short-term-loudness",
    title="Maximum short-term loudness (3 s)",
    unit="LUFS",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=SHORT_TERM_MS / 1000,
    standard=TECH3341,
    citation="EBU Tech 3341: Loudness metering, EBU Mode metering to supplement EBU R 128 loudness normalisation",
    version="1",
    licence=OWN,
)
def max_short_term_loudness(signal: Signal, rate: int) -> float:
    """Loudness of the loudest 3 s, ungated, the window moved by single milliseconds."""
    return _maximum(signal, SHORT_TERM_MS)


@metric(
    name="loudness-range",
    title="Loudness range, LRA",
    unit="LU",
    direction=Direction.NONE,
    range=(0.0, None),
    needs_reference=False,
    channels=Channels.ALL,
    rates=(RATE,),
    min_duration=RANGE_MIN_DURATION_S,
    standard=TECH3342,
    citation="EBU Tech 3342: Loudness range, a measure to supplement EBU R 128 loudness normalisation",
    version="1",
    licence=OWN,
)
def loudness_range(signal: Signal, rate: int) -> float:
    """How far loudness varies within the signal: from its 10th to its 95th percentile over 3 s, without pauses."""
    power = _sliding(_millisecond_power(signal), SHORT_TERM_MS)[::GATING_STEP_MS]
    loud = power[_lufs(power) >= ABSOLUTE_GATE_LUFS]
    if not loud.size:
        raise MetricError(
            f"expected sound above the gate of {ABSOLUTE_GATE_LUFS:g} LUFS, found none",
            Status.SILENT,
        )
    gated = _lufs(loud[_lufs(loud) >= _lufs(loud.mean()) + RANGE_GATE_LU])
    low, high = np.percentile(gated, RANGE_PERCENTILES, method="nearest")
    return float(high - low)


@metric(
    name="true-peak",
    title="True peak",
    unit="dBTP",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=0.01,
    standard=BS1770,
    citation="ITU-R BS.1770-5: Algorithms to measure audio programme loudness and true-peak audio level, Annex 2",
    version="1",
    licence=OWN,
)
def true_peak(signal: Signal, rate: int) -> float:
    """Highest peak of the waveform between the samples too, in any channel, at 192 kHz or just above."""
    return 20 * float(np.log10(_true_peak(signal, rate)))


@metric(
    name="plr",
    title="PLR, peak-to-loudness ratio",
    unit="LU",
    direction=Direction.NONE,
    range=(None, None),
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=0.4,
    standard="AES TD1008 (2021): true peak less integrated loudness",
    citation="AES TD1008: Recommendations for loudness of Internet audio streaming and on-demand distribution, 2021",
    version="1",
    licence=OWN,
)
def peak_to_loudness_ratio(signal: Signal, rate: int) -> float:
    """How far the true peak stands above the integrated loudness: what a limiter takes away."""
    loudness = integrated(resampled(signal, rate, RATE))
    return 20 * float(np.log10(_true_peak(signal, rate))) - loudness


@kept
def _true_peak(signal: Signal, rate: int) -> float:
    factor = -(-TRUE_PEAK_RATE // rate)
    peak = float(np.abs(signal).max())
    if factor == 1:
        return peak
    between = _interpolator(factor)
    beyond = (TRUE_PEAK_TAPS // 2 - 1, TRUE_PEAK_TAPS // 2 + -signal.shape[1] % TRUE_PEAK_HOP)
    padded = np.pad(signal, ((0, 0), beyond))
    frames = sliding_window_view(padded, len(between), axis=1)[:, ::TRUE_PEAK_HOP]
    for start in range(0, frames.shape[1], TRUE_PEAK_BLOCK):
        wave = np.ascontiguousarray(frames[:, start : start + TRUE_PEAK_BLOCK]) @ between
        peak = max(peak, float(wave.max()), -float(wave.min()))
    return peak


@lru_cache
def _interpolator(factor: int) -> NDArray[np.float64]:
    """Return the matrix that gives the `factor` − 1 values after each of `TRUE_PEAK_HOP` samples from all around."""
    half = TRUE_PEAK_TAPS // 2
    low_pass = firwin(2 * half * factor + 1, 1 / factor, window=("kaiser", 9.0)) * factor
    around = TRUE_PEAK_HOP + TRUE_PEAK_TAPS - 1
    matrix = np.zeros((around, TRUE_PEAK_HOP, factor - 1))
    for sample in range(TRUE_PEAK_HOP):
        for tap in range(TRUE_PEAK_TAPS):
            start = (TRUE_PEAK_TAPS - 1 - tap) * factor + 1
            matrix[sample + tap, sample] = low_pass[start : start + factor - 1]
    return matrix.reshape(around, -1)
