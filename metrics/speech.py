"""Speech quality and intelligibility, judged against a clean reference.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is measured; reference and degraded
are expected to be aligned in time. The computations are those of the libraries `pesq` and `pystoi`.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version

from pesq import PesqError
from pesq import pesq as itu_pesq
from pystoi import stoi as pystoi

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status
from metrics.intermediates import kept

# The C code has room for 50 utterances and writes past it, which crashes it or, worse, only spoils the score.
# An utterance takes 0.2 s of speech and 0.2 s of pause at least, so that 20 s hold no more.
PESQ_MAX_DURATION = 20.0
# Below a second there is hardly an utterance to judge, and 0.3 s of anything scores about 1.
PESQ_MIN_DURATION = 1.0
PESQ_LICENCE = (
    "wrapper MIT; the embedded ITU-T code may be used for evaluation, "
    "commercial use needs a licence of its owners"
)
PESQ_VERSION = f"1, pesq {version('pesq')}"
# 30 frames and their tails.
STOI_MIN_DURATION = 0.5
# pystoi's answer when fewer than 30 frames remain after the silent ones are removed.
STOI_TOO_SHORT = 1e-5


@kept
def pesq(reference: Signal, degraded: Signal, rate: int, mode: str) -> float:
    """Return the opinion that PESQ predicts of the first channels, in mode `wb` or `nb`."""
    try:
        return float(itu_pesq(rate, reference[0], degraded[0], mode))
    except (PesqError, ValueError) as error:
        raise MetricError(
            f"expected speech in both signals, found none in one ({error})"
        ) from error


@metric(
    name="pesq-wb",
    title="PESQ, wideband (before Corrigendum 2)",
    unit="MOS-LQO",
    direction=Direction.HIGHER,
    range=(1.0, 4.644),
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(16_000,),
    min_rate=16_000,
    min_duration=PESQ_MIN_DURATION,
    max_duration=PESQ_MAX_DURATION,
    standard="ITU-T P.862.2 (2007), before P.862 Corrigendum 2 (2018)",
    citation=(
        "Rix, Beerends, Hollier, Hekstra: Perceptual evaluation of speech quality (PESQ), ICASSP 2001,"
        " doi:10.1109/ICASSP.2001.941023"
    ),
    version=PESQ_VERSION,
    licence=PESQ_LICENCE,
)
def pesq_wb(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion of speech heard over headphones, 50 to 7,000 Hz.

    Corrigendum 2 changed the wideband filter: implementations after it score the same files higher.
    """
    return pesq(reference, degraded, rate, "wb")


@metric(
    name="pesq-nb",
    title="PESQ, narrowband",
    unit="MOS-LQO",
    direction=Direction.HIGHER,
    range=(1.0, 4.549),
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(16_000, 8_000),
    min_duration=PESQ_MIN_DURATION,
    max_duration=PESQ_MAX_DURATION,
    standard="ITU-T P.862 (2001), mapped by P.862.1 (2003)",
    citation=(
        "Rix, Beerends, Hollier, Hekstra: Perceptual evaluation of speech quality (PESQ), ICASSP 2001,"
        " doi:10.1109/ICASSP.2001.941023"
    ),
    version=PESQ_VERSION,
    licence=PESQ_LICENCE,
)
def pesq_nb(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion of speech heard over a telephone handset, 300 to 3,400 Hz."""
    return pesq(reference, degraded, rate, "nb")


def _stoi(reference: Signal, degraded: Signal, rate: int, *, extended: bool) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value = float(pystoi(reference[0], degraded[0], rate, extended=extended))
    if value == STOI_TOO_SHORT:
        raise MetricError(
            "expected at least 30 frames (0.4 s) of speech in the reference, found fewer once silence is removed",
            Status.TOO_SHORT,
        )
    return value


@metric(
    name="stoi",
    title="STOI, short-time objective intelligibility",
    unit="correlation",
    direction=Direction.HIGHER,
    range=(-1.0, 1.0),
    needs_reference=True,
    channels=Channels.MEAN,
    min_duration=STOI_MIN_DURATION,
    standard="none; the authors' definition, at 10 kHz",
    citation=(
        "Taal, Hendriks, Heusdens, Jensen: An algorithm for intelligibility prediction of time-frequency "
        "weighted noisy speech, IEEE TASLP 19(7), 2011,"
        " doi:10.1109/TASL.2011.2114881"
    ),
    version=f"1, pystoi {version('pystoi')}",
    licence="MIT",
)
def stoi(reference: Signal, degraded: Signal, rate: int) -> float:
    """Intelligibility of noisy or processed speech: how well band envelopes over 384 ms follow the clean ones."""
    return _stoi(reference, degraded, rate, extended=False)


@metric(
    name="estoi",
    title="ESTOI, extended short-time objective intelligibility",
    unit="correlation",
    direction=Direction.HIGHER,
    range=(-1.0, 1.0),
    needs_reference=True,
    channels=Channels.MEAN,
    min_duration=STOI_MIN_DURATION,
    standard="none; the authors' definition, at 10 kHz",
    citation=(
        "Jensen, Taal: An algorithm for predicting the intelligibility of speech masked by modulated noise "
        "maskers, IEEE/ACM TASLP 24(11), 2016,"
        " doi:10.1109/TASLP.2016.2585878"
    ),
    version=f"1, pystoi {version('pystoi')}",
    licence="MIT",
)
def estoi(reference: Signal, degraded: Signal, rate: int) -> float:
    """Intelligibility that also holds in modulated noise: correlates whole 384 ms spectrograms, not single bands."""
    return _stoi(reference, degraded, rate, extended=True)
