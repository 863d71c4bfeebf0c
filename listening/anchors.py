"""BS.1534-3's hidden anchors: low-pass copies of the reference, aligned with it to the sample.

The Recommendation's mask for the low anchor (3.5 kHz): pass-band ripple within ±0.1 dB, at least 25 dB of attenuation
at 4 kHz and 50 dB at 4.5 kHz. The mid anchor (7 kHz) gets the same shape, scaled to its cut-off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models_registry.audio import Audio, AudioError

LOW_ANCHOR_HZ = 3_500
MID_ANCHOR_HZ = 7_000
# 60 dB leaves 10 dB beside the mask's 50 dB; the same Kaiser window bounds the ripple to 0.009 dB.
ATTENUATION_DB = 60.0
# The transition ends at 4 kHz for the low anchor (where 25 dB would do) and in proportion above.
STOP_RATIO = 4_000 / 3_500


@lru_cache
def low_pass(cut_off: int, rate: int) -> NDArray[np.float64]:
    """Odd-length linear-phase FIR (taps,) that passes up to `cut_off` Hz within ±0.1 dB and stops from 8/7 of it."""
    stop = cut_off * STOP_RATIO
    if stop >= rate / 2:
        raise AudioError(
            f"a {cut_off} Hz anchor needs a sample rate above {2 * stop:.0f} Hz, found {rate} Hz"
        )
    taps, beta = signal.kaiserord(ATTENUATION_DB, (stop - cut_off) / (rate / 2))
    return signal.firwin(taps | 1, (cut_off + stop) / 2, window=("kaiser", beta), fs=rate)


def anchor(reference: Audio, cut_off: int) -> Audio:
    """Return `reference` low-passed at `cut_off` Hz, with its length, channels and rate, without delay.

    Raises `AudioError` where the sample rate is too low to hold the anchor's transition band.
    """
    filtered = signal.oaconvolve(
        reference.samples.astype(np.float64),
        low_pass(cut_off, reference.rate)[np.newaxis],
        mode="same",
        axes=-1,
    )
    return Audio(filtered.astype(np.float32), reference.rate)
