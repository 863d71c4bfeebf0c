"""ViSQOL 3, by the library `visqol-python`.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is measured.
"""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.metadata import version

from visqol import VisqolApi

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal

opinion = partial(
    metric,
    unit="MOS-LQO",
    direction=Direction.HIGHER,
    range=(1.0, 5.0),
    needs_reference=True,
    channels=Channels.MEAN,
    # It searches for patches of 0.6 s.
    min_duration=1.0,
    max_duration=120.0,
    version=f"1, visqol-python {version('visqol-python')}",
    licence="Apache-2.0, code and weights",
    citation=(
        "Chinen, Lim, Skoglund, Gureev, O'Gorman, Hines: ViSQOL v3, an open source production ready objective "
        "speech and audio metric, QoMEX 2020, doi:10.1109/QoMEX48832.2020.9123150"
    ),
)


@lru_cache
def _program(mode: str) -> VisqolApi:
    program = VisqolApi()
    # Of speech, the polynomial: which other libraries are installed must not change the score.
    program.create(mode=mode, use_lattice_model=False)
    return program


def _visqol(reference: Signal, degraded: Signal, rate: int, mode: str) -> float:
    try:
        return float(_program(mode).measure_from_arrays(reference[0], degraded[0], rate).moslqo)
    except ValueError as error:
        raise MetricError(f"expected signals that ViSQOL can compare, found: {error}") from error


@opinion(
    name="visqol-audio",
    title="ViSQOL v3, audio",
    rates=(48_000,),
    standard="none; support vector regression of ViSQOL 3.3.3",
)
def visqol_audio(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion of music and other sounds after coding: how similar patches of the gammatone spectrum are."""
    return _visqol(reference, degraded, rate, "audio")


@opinion(
    name="visqol-speech",
    title="ViSQOL v3, speech",
    rates=(16_000,),
    min_rate=16_000,
    standard="none; polynomial of ViSQOL 3.3.3, scaled so that a copy scores 5",
)
def visqol_speech(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion of wideband speech: how similar patches of the spectrum are while somebody speaks."""
    return _visqol(reference, degraded, rate, "speech")
