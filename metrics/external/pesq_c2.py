"""PESQ after Corrigendum 2 (2018) of P.862, by the library `pesqc2`, beside the `pesq-wb` before it.

Conventions as in `speech`. As released, `pesqc2` 0.0.4 asks for numpy 1; its source compiles for numpy 2 without that.
"""

from __future__ import annotations

from importlib.metadata import version

from pesqc2 import PesqError
from pesqc2 import pesq as corrected_pesq

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal
from metrics.speech import PESQ_LICENCE, PESQ_MAX_DURATION, PESQ_MIN_DURATION


@metric(
    name="pesq-wb-c2",
    title="PESQ, wideband (after Corrigendum 2)",
    unit="MOS-LQO",
    direction=Direction.HIGHER,
    range=(1.0, 4.644),
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(16_000,),
    min_rate=16_000,
    min_duration=PESQ_MIN_DURATION,
    max_duration=PESQ_MAX_DURATION,
    standard="ITU-T P.862.2 (2007), after P.862 Corrigendum 2 (2018)",
    citation="Torcoli, Halimeh, Habets: Navigating PESQ, up-to-date versions and open implementations, 2025",
    version=f"1, pesqc2 {version('pesqc2')}",
    licence=PESQ_LICENCE,
)
def pesq_wideband_corrected(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted opinion of speech heard over headphones, 50 to 7,000 Hz, by the corrected wideband filter.

    Not to be compared with scores before Corrigendum 2, as most published ones are: it scores the same files higher.
    """
    try:
        return float(corrected_pesq(rate, reference[0], degraded[0], "wb"))
    except (PesqError, ValueError) as error:
        raise MetricError(
            f"expected speech in both signals, found none in one ({error})"
        ) from error
