"""The model output variables of PEAQ's basic version: per frame, then over time (BS.1387, Annex 2, 4 and 5).

Conventions: what holds per frame is (channels, frames); patterns are (channels, frames, 109). Over time each
channel is averaged by itself, then the mean over the channels is taken; detection alone joins both ears first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, rfft
from scipy.signal import lfilter
from scipy.signal.windows import hann

from metrics.contract import MetricError, Status
from metrics.peaq.ear_model import (
    BANDS,
    FRAME,
    INTERNAL_NOISE,
    MASKING_OFFSET,
    STEP,
    STEP_RATE,
    Array,
)

# 5.2: left out of the slower averages are the first half second, and 50 ms from the first audible frame on.
SETTLING_FRAMES = int(np.ceil(0.5 * STEP_RATE))
AFTER_ONSET_FRAMES = int(np.ceil(0.05 * STEP_RATE))
AUDIBLE_SONE = 0.1
# 5.2: frames in the sliding window of 100 ms.
WINDOW_FRAMES = int(0.1 * STEP_RATE)

# 4.4: bins above which the degraded signal shows its noise floor, and below which no bandwidth counts.
FLOOR_BIN, LEAST_BIN = 921, 346
REFERENCE_ABOVE_FLOOR, DEGRADED_ABOVE_FLOOR = 10.0, 10**0.5

# 4.8, 5.2.4.3: lags and bins of the error's harmonic structure; frames with less energy are left out.
LAGS = 256
LEAST_ENERGY = 8_000 / 2**30
# A Hann window's half from lag 0 on (Kabal: the text leaves open where its middle lies).
LAG_WINDOW = hann(2 * LAGS - 1)[LAGS - 1 :] * np.sqrt(8 / 3) / LAGS

DISTURBED = 10**0.15  # 4.6: 1.5 dB above the mask
DETECTED = 0.5


class ModelOutput(NamedTuple):
    """The 11 model output variables, in the order in which the network takes them.

    bandwidth_ref, bandwidth_test: FFT bins of 23.4 Hz. total_nmr: dB. win_mod_diff1, avg_mod_diff1, avg_mod_diff2:
    % of modulation. adb: log10 of just noticeable steps. ehs, rms_noise_loud: the Recommendation's own scales.
    mfpd: a probability. rel_dist_frames: a share, 0…1.
    """

    bandwidth_ref: float
    bandwidth_test: float
    total_nmr: float
    win_mod_diff1: float
    adb: float
    ehs: float
    avg_mod_diff1: float
    avg_mod_diff2: float
    rms_noise_loud: float
    mfpd: float
    rel_dist_frames: float


def bandwidths(reference: Array, degraded: Array, least_floor: float) -> Array:
    """Return bandwidths (2, channels, frames) of power spectra in bins, −1 where there is none to speak of (4.4).

    least_floor: power in a bin that counts as noise floor even if the spectrum holds less.
    """
    floor = np.maximum(degraded[..., FLOOR_BIN : FRAME // 2].max(-1), least_floor)[..., None]
    of_reference = _highest(reference[..., :FLOOR_BIN] >= REFERENCE_ABOVE_FLOOR * floor)
    within = np.arange(FLOOR_BIN) < of_reference[..., None]
    of_degraded = _highest((degraded[..., :FLOOR_BIN] >= DEGRADED_ABOVE_FLOOR * floor) & within)
    found = np.stack([of_reference, of_degraded])
    return np.where(of_reference > LEAST_BIN, found, -1.0)


def _highest(present: np.ndarray) -> Array:
    """Return one more than the highest index that is true, 0 if none is."""
    count = present.shape[-1]
    return np.where(present.any(-1), count - np.argmax(present[..., ::-1], -1), 0).astype(float)


def error_harmonics(frames: Array, spectra: Array) -> Array:
    """Return the peak in the spectrum of the error's correlation over bins (channels, frames) (4.8).

    frames: samples (2, channels, frames, 2048) of both signals; spectra: their power. Quiet frames are −1.
    """
    bins = 2 * LAGS - 1
    reference, degraded = np.log(np.maximum(spectra[..., :bins], np.finfo(float).tiny))
    difference = degraded - reference
    start = rfft(difference[..., :LAGS], 2 * LAGS)
    correlation = irfft(np.conj(start) * rfft(difference, 2 * LAGS))[..., :LAGS]
    energy = np.cumsum(np.square(difference), axis=-1)
    at_lag = energy[..., LAGS - 1 :].copy()
    at_lag[..., 1:] -= energy[..., : LAGS - 1]
    product = at_lag[..., :1] * at_lag
    normal = np.where(product > 0, correlation / np.sqrt(np.where(product > 0, product, 1)), 1.0)
    spectrum = rfft(normal * LAG_WINDOW)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[..., 0] = 0
    step = np.diff(power, axis=-1)
    after_valley = np.maximum.accumulate(step < 0, axis=-1)
    peak = np.where(after_valley & (step > 0), power[..., 1:], 0).max(-1)
    late = frames[..., STEP:]
    loud = (np.einsum("...s,...s->...", late, late) >= LEAST_ENERGY).any(0)
    return np.where(loud, peak, -1.0)


def modulation_differences(modulation: Array, mean_loudness: Array) -> tuple[Array, Array, Array]:
    """Return the two modulation differences (%) and the weight of each frame, all (channels, frames) (4.2)."""
    reference, degraded = modulation
    difference = np.abs(reference - degraded)
    first = 100 / BANDS * (difference / (1 + reference)).sum(-1)  # eq. (63)
    weighted = np.where(degraded >= reference, 1.0, 0.1) * difference
    second = 100 / BANDS * (weighted / (0.01 + reference)).sum(-1)
    weight = (mean_loudness / (mean_loudness + 100 * INTERNAL_NOISE**0.3)).sum(-1)  # eq. (65)
    return first, second, weight


def noise_loudness(modulation: Array, patterns: Array) -> Array:
    """Return the partial loudness of additive distortion (channels, frames) (4.3)."""
    reference, degraded = patterns
    s_reference, s_degraded = 0.15 * modulation + 0.5  # eq. (67)
    beta = np.exp(-1.5 * (degraded - reference) / reference)  # eq. (68)
    excess = np.maximum(s_degraded * degraded - s_reference * reference, 0)
    above = (1 + excess / (INTERNAL_NOISE + s_reference * reference * beta)) ** 0.23 - 1
    return np.asarray(
        24 / BANDS * ((INTERNAL_NOISE / s_degraded) ** 0.23 * above).sum(-1)
    )  # eq. (66)


def detection(excitation: Array) -> tuple[Array, Array]:
    """Return the probability (frames) of detecting a difference and the steps above threshold (4.7)."""
    reference, degraded = 10 * np.log10(excitation)
    difference = reference - degraded  # eq. (75)
    level = 0.3 * np.maximum(reference, degraded) + 0.7 * degraded  # eq. (73)
    heard = level > 0
    level = np.where(heard, level, 1.0)
    step = 5.95072 * (6.39468 / level) ** 1.71332
    step += np.polyval([9.01033e-11, 5.05622e-6, -0.00102438, 0.0550197, -0.198719], level)
    step = np.where(heard, step, 1e30)  # eq. (74)
    ratio = np.square(difference / step)
    probability = 1 - 0.5 ** (ratio**2 * np.where(difference > 0, 1, ratio))  # eqs. (76, 77)
    steps = np.abs(np.trunc(difference)) / step  # eq. (78)
    # the better ear decides in each band
    either = 1 - np.prod(1 - probability.max(0), axis=-1)
    return either, steps.max(0).sum(-1)


def masking_threshold(excitation_of_reference: Array) -> Array:
    """Return the power (…, 109) that a noise may have under the reference without being heard (eq. 26)."""
    return excitation_of_reference * MASKING_OFFSET


def average_noise_to_mask(ratio: Array) -> float:
    """Return the total noise-to-mask ratio in dB of `ratio` (channels, frames, 109) (4.5, eq. 70)."""
    return float(np.mean(10 * np.log10(ratio.mean((1, 2)))))


def disturbed_frames(ratio: Array) -> float:
    """Return the share of frames with a band more than 1.5 dB above the mask (4.6)."""
    return float(np.mean(ratio.max(-1) > DISTURBED))


def mean_of_measured(values: Array) -> float:
    """Return the mean over time, then channels, without the frames marked by a negative value; 0 if all are."""
    measured = values >= 0
    total = np.where(measured, values, 0).sum(-1)
    return float(np.mean(total / np.maximum(measured.sum(-1), 1)))


def windowed(values: Array) -> float:
    """Return the windowed average, which lets short bursts count for more (5.2)."""
    roots = np.lib.stride_tricks.sliding_window_view(np.sqrt(values), WINDOW_FRAMES, axis=-1)
    return float(np.mean(np.sqrt(np.mean(roots.mean(-1) ** 4, axis=-1))))


def weighted_mean(values: Array, weights: Array) -> float:
    """Return the mean over time weighted by `weights`, then over channels (5.2)."""
    return float(np.mean((values * weights).sum(-1) / weights.sum(-1)))


def root_mean_square(values: Array) -> float:
    """Return the root of the mean square over time, then the mean over channels (5.2)."""
    return float(np.mean(np.sqrt(np.mean(np.square(values), axis=-1))))


def filtered_maximum(probability: Array) -> float:
    """Return the maximum of the smoothed probability of detection (4.7)."""
    return float(lfilter([0.1], [1, -0.9], probability).max())


def average_distorted_block(probability: Array, steps: Array) -> float:
    """Return log10 of the mean steps above threshold in frames where a difference is heard (4.7)."""
    detected = probability > DETECTED
    if not detected.any():
        return 0.0
    mean = float(steps[detected].mean())
    return float(np.log10(mean)) if mean > 0 else -0.5


def first_audible(loudness: Array) -> int:
    """Return the first frame in which both signals (2, channels, frames) are louder than 0.1 sone (5.2.4)."""
    audible = (loudness > AUDIBLE_SONE).all(0).any(0)
    if not audible.any():
        raise MetricError(
            f"expected moments where both signals are louder than {AUDIBLE_SONE:g} sone, found none",
            Status.SILENT,
        )
    return int(np.argmax(audible))
