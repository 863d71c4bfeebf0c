"""Opinions of speech that Microsoft's networks predict without a reference, by `speechmos`, which holds the weights.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is judged, at 16 kHz. What lies beyond
full scale is clipped, as a converter would.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

import numpy as np
from speechmos import dnsmos, plcmos

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept

RATE = 16_000
CITATION = "Reddy, Gopal, Cutler: DNSMOS P.835, ICASSP 2022"

opinion = partial(
    metric,
    unit="MOS",
    direction=Direction.HIGHER,
    range=(None, None),
    needs_reference=False,
    channels=Channels.MEAN,
    rates=(RATE,),
    min_rate=RATE,
    # Networks that were trained on sentences have an opinion of a click, too; this one repeats it up to 9 s.
    min_duration=1.0,
    version=f"1, speechmos {version('speechmos')}",
    licence="MIT, code and weights",
)


@kept
def _dnsmos(signal: Signal) -> dict[str, float]:
    return dnsmos.run(np.clip(signal[0], -1, 1), RATE)


@opinion(
    name="dnsmos-ovrl",
    title="DNSMOS P.835, overall",
    standard="none; predicts ITU-T P.835",
    citation=CITATION,
)
def dnsmos_overall(signal: Signal, rate: int) -> float:
    """Predicted rating of noisy or enhanced speech as a whole."""
    return float(_dnsmos(signal)["ovrl_mos"])


@opinion(
    name="dnsmos-sig",
    title="DNSMOS P.835, speech signal",
    standard="none; predicts ITU-T P.835",
    citation=CITATION,
)
def dnsmos_signal(signal: Signal, rate: int) -> float:
    """Predicted rating of the speech alone, background aside."""
    return float(_dnsmos(signal)["sig_mos"])


@opinion(
    name="dnsmos-bak",
    title="DNSMOS P.835, background",
    standard="none; predicts ITU-T P.835",
    citation=CITATION,
)
def dnsmos_background(signal: Signal, rate: int) -> float:
    """Predicted rating of the background noise, speech aside."""
    return float(_dnsmos(signal)["bak_mos"])


@opinion(
    name="dnsmos-p808",
    title="DNSMOS P.808",
    standard="none; predicts ITU-T P.808",
    citation=("Reddy, Gopal, Cutler: DNSMOS, ICASSP 2021, doi:10.1109/ICASSP39728.2021.9414878"),
)
def dnsmos_p808(signal: Signal, rate: int) -> float:
    """Predicted quality of noisy or enhanced speech in a crowd's absolute category rating."""
    return float(_dnsmos(signal)["p808_mos"])


@opinion(
    name="plcmos",
    title="PLCMOS v2, after lost packets",
    standard="none; predicts a crowd's rating",
    citation=(
        "Diener, Purin, Sootla, Saabas, Aichner, Cutler: PLCMOS, Interspeech 2023,"
        " doi:10.21437/Interspeech.2023-1532"
    ),
)
def plcmos_v2(signal: Signal, rate: int) -> float:
    """Predicted quality of speech whose lost packets were concealed, the mean of 15 raters drawn at random.

    The draw is the same each time.
    """
    before = np.random.get_state()
    np.random.seed(0)
    try:
        return float(plcmos.run(np.clip(signal[0], -1, 1), RATE)["plcmos"])
    finally:
        np.random.set_state(before)
