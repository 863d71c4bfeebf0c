"""The ear of PEAQ's basic version: from frames of sound to excitation along the cochlea (BS.1387, Annex 2, 2.1).

Conventions: signals are (channels, frames of samples) at 48 kHz in −1…1; spectra are (…, frames, 1025) and patterns
(…, frames, 109), both as power, where 1 stands for 0 dB SPL at the eardrum's side of the outer ear. Bands are a
quarter of a Bark wide, 80 Hz to 18 kHz.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal.windows import hann
from scipy.sparse import csr_array

Array = NDArray[np.float64]

RATE = 48_000
FRAME, STEP = 2_048, 1_024
STEP_RATE = RATE / STEP
FULL_SCALE_DB_SPL = 92.0

# 2.1.5: the table of bands by the formula it was computed with, without the misprints that Kabal lists (2.6).
LOWEST_HZ, HIGHEST_HZ = 80.0, 18_000.0
BARK_STEP = 0.25
BANDS = 109
SPREADING_EXPONENT = 0.4
# 2.1.5: no band holds less than this.
LEAST_POWER = 1e-12
# Frames spread at once: few enough to stay in the processor's cache.
SPREADING_BLOCK = 128


def _bark(frequency: Array | float) -> Array:
    return np.asarray(7 * np.arcsinh(np.asarray(frequency) / 650))


def _band_edges() -> tuple[Array, Array]:
    """Return edges (110) and centres (109) of the bands in Hz, even in Bark but for the last, narrower one."""
    edges = np.append(_bark(LOWEST_HZ) + BARK_STEP * np.arange(BANDS), _bark(HIGHEST_HZ))
    centres = (edges[1:] + edges[:-1]) / 2
    return 650 * np.sinh(edges / 7), 650 * np.sinh(centres / 7)


def _band_weights(edges: Array) -> Array:
    """Return the share (1025, 109) of each bin, one bin wide around its centre, that lies in each band (2.1.5)."""
    width = RATE / FRAME
    centre = width * np.arange(FRAME // 2 + 1)[:, None]
    share = np.minimum(edges[1:], centre + width / 2) - np.maximum(edges[:-1], centre - width / 2)
    return np.maximum(share / width, 0.0)


def _outer_and_middle_ear(frequency: Array) -> Array:
    """Return the power gain from the field to the cochlea; none at 0 Hz (2.1.4, eq. 7)."""
    khz = frequency / 1000
    with np.errstate(divide="ignore"):
        decibels = -2.184 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6
    return np.asarray(10 ** (decibels / 10))


def pole(longest_s: float, shortest_s: float) -> Array:
    """Return the pole (109) of a one-pole filter over frames, slower in low bands (2.1.8, eqs. 21, 24).

    longest_s: its time constant at 100 Hz; shortest_s: what that approaches in high bands.
    """
    time_constant = shortest_s + 100 / CENTRES * (longest_s - shortest_s)
    return np.asarray(np.exp(-1 / (STEP_RATE * time_constant)))


def smoothed(pattern: Array, pole_of_band: Array) -> Array:
    """Return y[n] = a·y[n−1] + x[n] along the frames of `pattern` (…, frames, 109), from rest."""
    out = np.empty_like(pattern)
    state = np.zeros_like(pattern[..., 0, :])
    for index in range(pattern.shape[-2]):
        state = pole_of_band * state + pattern[..., index, :]
        out[..., index, :] = state
    return out


EDGES, CENTRES = _band_edges()
WINDOW = hann(
    FRAME, sym=True
)  # eq. (3), without its factor √(8/3): the playback level sets the scale
WEIGHTS = _band_weights(EDGES)
# Each bin lies in one band or two; and the sparse product starts no threads.
_SPARSE_WEIGHTS = csr_array(WEIGHTS)
EAR_GAIN = _outer_and_middle_ear(np.arange(FRAME // 2 + 1) * RATE / FRAME)
INTERNAL_NOISE = 10 ** (0.1456 * (CENTRES / 1000) ** -0.8)  # 2.1.6, eq. (13)
TIME_SMEARING_POLE = pole(0.030, 0.008)  # 2.1.8
# 2.1.9, eq. (25): how far below the excitation a noise is masked.
MASKING_OFFSET = 10 ** (-np.maximum(3.0, BARK_STEP * BARK_STEP * np.arange(BANDS)) / 10)


def _peak_factor() -> float:
    """Return how much of a sine's peak the nearest bin shows, for the 1019.5 Hz of 2.1.3 (Kabal, 2.4)."""
    bins = 1019.5 * FRAME / RATE
    offset = abs(bins - round(bins)) * (FRAME - 1) / FRAME
    return float(np.sinc(offset) / (1 - offset**2))


_SINE_PEAK = _peak_factor() * (FRAME - 1) / 4


def spectra(frames: Array, full_scale_db: float = FULL_SCALE_DB_SPL) -> Array:
    """Return the power spectra (…, frames, 1025) of `frames` (…, frames, 2048), before the ear (2.1.3)."""
    spectrum = rfft(frames * (WINDOW * (10 ** (full_scale_db / 20) / _SINE_PEAK)))
    return np.square(spectrum.real) + np.square(spectrum.imag)


def power_of_unit_noise(full_scale_db: float) -> float:
    """Return the mean power in a bin of white noise whose samples have a variance of one."""
    return float(np.sum(np.square(WINDOW)) * 10 ** (full_scale_db / 10) / _SINE_PEAK**2)


def grouped(power: Array) -> Array:
    """Return the power (…, 109) in each band of the spectra `power` (…, 1025) (2.1.5)."""
    bands = np.asarray(power.reshape(-1, power.shape[-1]) @ _SPARSE_WEIGHTS)
    return np.maximum(bands.reshape(*power.shape[:-1], BANDS), LEAST_POWER)


def _spread(power: Array) -> Array:
    """Return `power` (109, frames) smeared over the bands, not yet normalised (2.1.7; Kabal, 2.8)."""
    band = np.arange(BANDS)[:, None]
    lower = 10 ** (-2.7 * BARK_STEP)
    # the slope upwards is the flatter, the louder the band
    upper = 10 ** ((-2.4 - 23 / CENTRES[:, None]) * BARK_STEP) * power ** (0.2 * BARK_STEP)
    area = (1 - lower ** (band + 1)) / (1 - lower) + (1 - upper ** (BANDS - band)) / (1 - upper) - 1
    own = (power / area) ** SPREADING_EXPONENT
    slope = upper**SPREADING_EXPONENT
    total = own.copy()
    for index in range(BANDS - 2, -1, -1):
        total[index] += lower**SPREADING_EXPONENT * total[index + 1]
    falling = own
    for distance in range(1, BANDS):
        falling = falling[:-1] * slope[: BANDS - distance]
        total[distance:] += falling
    return np.asarray(total ** (1 / SPREADING_EXPONENT))


_SPREAD_OF_UNITY = _spread(np.ones((BANDS, 1)))


def excitation(power: Array) -> Array:
    """Return the unsmeared excitation (…, 109) of band powers `power`: with the ear's own noise, and spread."""
    patterns = np.ascontiguousarray((power + INTERNAL_NOISE).reshape(-1, BANDS).T)
    for start in range(0, patterns.shape[1], SPREADING_BLOCK):
        block = slice(start, start + SPREADING_BLOCK)
        patterns[:, block] = _spread(patterns[:, block]) / _SPREAD_OF_UNITY
    return patterns.T.reshape(power.shape)


def smeared(unsmeared: Array) -> Array:
    """Return the excitation (…, frames, 109) with its decay over time: forward masking (2.1.8)."""
    decaying = smoothed((1 - TIME_SMEARING_POLE) * unsmeared, TIME_SMEARING_POLE)
    return np.maximum(decaying, unsmeared)
