"""What PEAQ compares: excitation adapted in level and spectrum, modulation, and loudness (BS.1387, Annex 2, 3).

Conventions: patterns are (2, channels, frames, 109), the reference first and the degraded signal second.
"""

from __future__ import annotations

import numpy as np

from metrics.peaq.ear_model import BANDS, CENTRES, STEP_RATE, Array, pole, smoothed

ADAPTATION_POLE = pole(0.050, 0.008)  # 3.1, 3.2
# 3.1: bands averaged below and above.
BANDS_BELOW, BANDS_ABOVE = 3, 4

# 3.3, eqs. (58, 60, 61): loudness.
LOUDNESS_SCALE = 1.07664
THRESHOLD = 10 ** (0.364 * (CENTRES / 1000) ** -0.8)
THRESHOLD_INDEX = 10 ** (
    (-2 - 2.05 * np.arctan(CENTRES / 4000) - 0.75 * np.arctan((CENTRES / 1600) ** 2)) / 10
)
LOUDNESS_EXPONENT = 0.23
# 40 dB SPL, the power of one sone's tone.
SONE_POWER = 1e4


def adapted(excitation: Array) -> Array:
    """Return the patterns without what differs slowly between them: level and linear distortions (3.1)."""
    gain = 1 - ADAPTATION_POLE
    reference, degraded = smoothed(gain * excitation, ADAPTATION_POLE)  # eqs. (42, 43)
    level = np.sum(np.sqrt(reference * degraded), -1) / np.sum(degraded, -1)
    level = np.square(level)[..., None]  # eq. (45)
    patterns = np.stack(
        [excitation[0] / np.maximum(level, 1), excitation[1] * np.minimum(level, 1)]
    )  # eqs. (46, 47)
    products = np.stack([patterns[1] * patterns[0], np.square(patterns[0])])
    numerator, denominator = smoothed(products, ADAPTATION_POLE)  # eq. (48)
    ratio = numerator / denominator
    correction = np.stack([np.minimum(ratio, 1), np.minimum(1 / ratio, 1)])  # eq. (49)
    slow = smoothed(gain * _neighbourhood(correction), ADAPTATION_POLE)  # eqs. (50, 51)
    return np.asarray(patterns * slow)  # eqs. (52, 53)


def _neighbourhood(pattern: Array) -> Array:
    """Return the mean of each band with its neighbours; fewer of them at the ends."""
    total = np.zeros((*pattern.shape[:-1], BANDS + 1))
    np.cumsum(pattern, axis=-1, out=total[..., 1:])
    band = np.arange(BANDS)
    first = np.maximum(band - BANDS_BELOW, 0)
    end = np.minimum(band + BANDS_ABOVE + 1, BANDS)
    return np.asarray((total[..., end] - total[..., first]) / (end - first))


def modulation(unsmeared: Array) -> tuple[Array, Array]:
    """Return the envelopes' modulation, and the reference's mean specific loudness (channels, frames, 109) (3.2)."""
    loudness = unsmeared**0.3
    gain = 1 - ADAPTATION_POLE
    change = np.abs(np.diff(loudness, axis=-2, prepend=0.0)) * STEP_RATE
    slope = smoothed(gain * change, ADAPTATION_POLE)  # eq. (54)
    mean = smoothed(gain * loudness, ADAPTATION_POLE)  # eq. (55)
    return slope / (1 + mean / 0.3), mean[0]  # eq. (57)


def loudness(excitation: Array) -> Array:
    """Return the loudness (2, channels, frames) in sone of smeared excitation (3.3)."""
    scale = LOUDNESS_SCALE * (THRESHOLD / (THRESHOLD_INDEX * SONE_POWER)) ** LOUDNESS_EXPONENT
    above = 1 - THRESHOLD_INDEX + THRESHOLD_INDEX * excitation / THRESHOLD
    specific = scale * (above**LOUDNESS_EXPONENT - 1)  # eq. (58)
    return np.asarray(24 / BANDS * np.maximum(specific, 0).sum(-1))
