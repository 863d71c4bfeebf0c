"""What a metric makes of known damage: its values for one built-in sound, damaged more and more.

The sound is synthetic: it shows in which direction and how far a value moves, not how well it agrees with listeners.
Pure: a metric in, `Response` out; computed in the process that measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from metrics import scoring
from metrics.catalogue import SPEECH, Metric
from models_registry import instruments
from models_registry.audio import Audio
from models_registry.degradations import DEGRADATIONS

RATE = 48_000
# s, or as long as the metric asks
SECONDS = 4.0
COLUMNS = ["damage", "at", "unit", "value", "status", "message"]


@dataclass(frozen=True)
class Damage:
    """One kind of damage, and how much of it is done, the least first."""

    name: str
    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Audio, float], Audio]


DAMAGES = (
    Damage("noise", "dB SNR", (60, 45, 30, 15, 0), DEGRADATIONS["noise"]),
    Damage("low-pass", "Hz", (16_000, 8_000, 4_000, 2_000, 1_000), DEGRADATIONS["low-pass"]),
    Damage("clipping", "dB below the peak", (3, 6, 12, 18, 24), DEGRADATIONS["clipping"]),
)


@dataclass(frozen=True)
class Response:
    """A metric's result for the sound itself (of a copy, where it needs a reference), and for every degree of damage.

    of: each damage's name → the results at its levels.
    """

    sound: str
    undamaged: scoring.Result
    of: dict[str, list[scoring.Result]]

    def frame(self) -> pd.DataFrame:
        """One row per result, the undamaged sound's first."""
        rows: list[tuple[str, float | None, str, scoring.Result]]
        rows = [("none", None, "", self.undamaged)]
        rows += [
            (damage.name, at, damage.unit, result)
            for damage in DAMAGES
            for at, result in zip(damage.levels, self.of[damage.name], strict=True)
        ]
        return pd.DataFrame(
            [(*row[:3], row[3].value, str(row[3].status), row[3].message) for row in rows],
            columns=COLUMNS,
        )


def response(metric: Metric) -> Response:
    """Measure the built-in sound that suits `metric`, undamaged and damaged."""
    name = "speech-like voice" if metric.family == SPEECH else "brass line"
    seconds = max(SECONDS, metric.min_duration)
    clean = instruments.sources(rate=RATE, seconds=seconds)[name]

    def result(sound: Audio) -> scoring.Result:
        [found] = scoring.score(clean, sound, [metric.name])
        return found

    of = {
        damage.name: [result(damage.apply(clean, at)) for at in damage.levels] for damage in DAMAGES
    }
    return Response(name, result(clean), of)
