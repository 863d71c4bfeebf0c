"""What the catalogue offers of PEAQ's basic version: the grade, and the quantities that its model of hearing gives.

All compare a signal with its reference, aligned to the sample; those of one pair share one run of the model.
"""

from __future__ import annotations

import numpy as np

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept
from metrics.peaq import network
from metrics.peaq.ear_model import FULL_SCALE_DB_SPL, HIGHEST_HZ, RATE
from metrics.peaq.model import PeaqResult, basic

STANDARD = "ITU-R BS.1387-1 (2001), basic version"
CITATION = (
    "ITU-R BS.1387-1: Method for objective measurements of perceived audio quality, Annex 2; "
    "Thiede et al.: PEAQ – The ITU standard for objective measurement of perceived audio quality, JAES 48(1/2), 2000"
)
DECLARATION = {
    "needs_reference": True,
    "channels": Channels.ALL,
    "layouts": (1, 2),
    "rates": (RATE,),
    "min_rate": 2 * int(HIGHEST_HZ),
    "min_duration": 1.0,
    "max_duration": 300.0,
    "calibration": f"a full-scale sine is {FULL_SCALE_DB_SPL:g} dB SPL",
    "version": "1",
    "licence": "own code",
}


@kept
def measured(reference: Signal, degraded: Signal, rate: int) -> PeaqResult:
    """Return what the model says of this pair, once for all quantities that are read from it."""
    return basic(reference, degraded, rate)


@metric(
    name="peaq-odg",
    title="PEAQ basic, objective difference grade",
    unit="grade",
    direction=Direction.HIGHER,
    range=(network.WORST, network.BEST),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def peaq_odg(reference: Signal, degraded: Signal, rate: int) -> float:
    """Grade that a trained listener would give: 0 imperceptible, −1 not annoying, −2 slightly annoying, −4 very.

    An exact copy gets about 0.2. Without alignment to the sample every pair looks very annoying. The bandwidth that
    counts is read against the noise above 21.6 kHz, of which a recording at 44.1 kHz has little: compare grades of
    one rate only.
    """
    return measured(reference, degraded, rate).odg


@metric(
    name="peaq-di",
    title="PEAQ basic, distortion index",
    unit="1",
    direction=Direction.HIGHER,
    range=(None, None),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def peaq_di(reference: Signal, degraded: Signal, rate: int) -> float:
    """The grade before it is pressed into the scale: it still tells pairs apart at the ends of it."""
    return measured(reference, degraded, rate).di


@metric(
    name="nmr",
    title="NMR, total noise-to-mask ratio",
    unit="dB",
    direction=Direction.LOWER,
    range=(None, None),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def noise_to_mask_ratio(reference: Signal, degraded: Signal, rate: int) -> float:
    """How far the error lies above what the reference masks, averaged over bands and time as power.

    −10 dB or less is commonly inaudible; an exact copy gets about −125 dB.
    """
    return measured(reference, degraded, rate).variables.total_nmr


@metric(
    name="disturbed-frames",
    title="Share of disturbed frames",
    unit="%",
    direction=Direction.LOWER,
    range=(0.0, 100.0),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def disturbed_frames(reference: Signal, degraded: Signal, rate: int) -> float:
    """Share of moments in which the error rises more than 1.5 dB above the mask in any band."""
    return 100 * measured(reference, degraded, rate).variables.rel_dist_frames


@metric(
    name="audible-error",
    title="Share of the error that is audible",
    unit="%",
    direction=Direction.LOWER,
    range=(0.0, 100.0),
    standard="none; the noise-to-mask ratio of ITU-R BS.1387-1, basic version",
    citation=CITATION,
    **DECLARATION,
)
def audible_error(reference: Signal, degraded: Signal, rate: int) -> float:
    """Share of all moments and bands in which the error lies above the mask."""
    return 100 * float(np.mean(measured(reference, degraded, rate).noise_to_mask > 0))


@metric(
    name="excitation-distance",
    title="Excitation pattern distance",
    unit="dB",
    direction=Direction.LOWER,
    range=(0.0, None),
    standard="none; the excitation patterns of ITU-R BS.1387-1, basic version",
    citation=CITATION,
    **DECLARATION,
)
def excitation_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """How far apart the excitations lie along the cochlea, over all moments and bands."""
    of_reference, of_degraded = measured(reference, degraded, rate).excitation
    return float(np.mean(np.abs(of_reference - of_degraded)))


@metric(
    name="peaq-adb",
    title="ADB, average distorted block",
    unit="log10 steps",
    direction=Direction.LOWER,
    range=(None, None),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def average_distorted_block(reference: Signal, degraded: Signal, rate: int) -> float:
    """How many just noticeable steps, as a logarithm, the signal is off in the moments where that is heard.

    −0.5 says that differences are heard only below a whole dB, 0 also that none are heard.
    """
    return measured(reference, degraded, rate).variables.adb


@metric(
    name="peaq-modulation-difference",
    title="AvgModDiff1, modulation difference",
    unit="%",
    direction=Direction.LOWER,
    range=(0.0, None),
    standard=STANDARD,
    citation=CITATION,
    **DECLARATION,
)
def modulation_difference(reference: Signal, degraded: Signal, rate: int) -> float:
    """How differently the envelopes in the bands of the ear move: roughness added, attacks smeared."""
    return measured(reference, degraded, rate).variables.avg_mod_diff1


@metric(
    name="2f-model",
    title="2f-model, estimated mean MUSHRA score",
    unit="MUSHRA points",
    direction=Direction.HIGHER,
    range=(0.0, 100.0),
    standard="none; the authors' definition on two variables of ITU-R BS.1387-1, basic version",
    citation=(
        "Kastner, Herre: An efficient model for estimating subjective quality of separated audio source signals, "
        "WASPAA 2019"
    ),
    **DECLARATION,
)
def two_f_model(reference: Signal, degraded: Signal, rate: int) -> float:
    """Score that a MUSHRA test of source separation or coding would give, from modulation difference and ADB alone."""
    variables = measured(reference, degraded, rate).variables
    modulation = 56.1345 / (1 + (-0.0282 * variables.avg_mod_diff1 - 0.8628) ** 2)
    return float(np.clip(modulation - 27.1451 * variables.adb + 86.3515, 0, 100))
