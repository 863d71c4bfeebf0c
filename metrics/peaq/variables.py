"""The model output variables of PEAQ's basic version that `quantities` does not offer under names of their own.

They are what the grade is computed from, and tell which kind of distortion there is; conventions as in `quantities`.
The two bandwidths are left to `peaq.basic`: they are read against the noise above 21.6 kHz and judge nothing alone.
"""

from __future__ import annotations

from functools import partial

from metrics.catalogue import Direction, metric
from metrics.contract import Signal
from metrics.peaq.quantities import CITATION, DECLARATION, STANDARD, measured

variable = partial(
    metric, direction=Direction.LOWER, standard=STANDARD, citation=CITATION, **DECLARATION
)


@variable(
    name="peaq-windowed-modulation-difference",
    title="WinModDiff1, windowed modulation difference",
    unit="%",
    range=(0.0, None),
)
def windowed_modulation_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How differently the envelopes in the bands of the ear move, short bursts of difference counting for more."""
    return measured(reference, degraded, rate).variables.win_mod_diff1


@variable(
    name="peaq-added-modulation",
    title="AvgModDiff2, modulation difference with emphasis on what is added",
    unit="%",
    range=(0.0, None),
)
def added_modulation(reference: Signal, degraded: Signal, rate: int) -> float:
    """How differently the envelopes move where the signal's move more; less movement counts for a tenth."""
    return measured(reference, degraded, rate).variables.avg_mod_diff2


@variable(
    name="peaq-noise-loudness",
    title="RmsNoiseLoud, loudness of the added distortion",
    unit="sone",
    range=(0.0, None),
)
def noise_loudness(reference: Signal, degraded: Signal, rate: int) -> float:
    """How loud what was added is while the reference masks it in part, on the Recommendation's own scale."""
    return measured(reference, degraded, rate).variables.rms_noise_loud


@variable(
    name="peaq-detection",
    title="MFPD, greatest probability of detection",
    unit="probability",
    range=(0.0, 1.0),
)
def detection(reference: Signal, degraded: Signal, rate: int) -> float:
    """How probably a listener notices the difference at the moment where it is plainest, smoothed over time."""
    return measured(reference, degraded, rate).variables.mfpd


@variable(
    name="peaq-error-harmonics",
    title="EHS, harmonic structure of the error",
    unit="1",
    range=(0.0, None),
)
def error_harmonics(reference: Signal, degraded: Signal, rate: int) -> float:
    """How regular the error's spectrum is: harmonics, as a tonal reference leaves them, are heard sooner than noise."""
    return measured(reference, degraded, rate).variables.ehs
