"""Where a training is healthy: the limits of what is watched while it learns, and the sentences when one is left.

Conventions: a row is one validation of a training's history; monitors are its keys that begin with `monitor.`. Pages
read limits from here, so that they need no training engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

PREFIX, VALUE, SHARE, GRADIENT = "monitor.", "value.", "share.", "gradient."


@dataclass(frozen=True)
class Limit:
    """Where a monitor is healthy, and what it means to leave that."""

    low: float
    high: float
    unit: str
    meaning: str


LIMITS = {
    "erb_deviation": Limit(0, 6, "dB", "levels by ERB band differ from the target's"),
    "level_drift": Limit(-3, 3, "dB", "the output's level differs from the target's"),
    "dc_drift": Limit(-0.05, 0.05, "", "the chain adds an offset"),
    "group_delay_deviation": Limit(0, 2, "ms", "frequencies are delayed unlike the target's"),
    "coherence": Limit(0.5, 1, "", "the output's phase no longer follows the target's"),
    "band_coherence": Limit(0.5, 1, "", "bands drift apart in phase, which smears attacks"),
    "modulation_deviation": Limit(0, 6, "dB", "envelopes fluctuate unlike the target's"),
    "pre_echo": Limit(-60, 6, "dB", "energy comes before attacks"),
    "attack_shift": Limit(-4, 4, "ms", "attacks come too early or too late"),
    "range_margin": Limit(0.005, 0.5, "of the range", "a parameter is at an end of its range"),
    "pole_radius": Limit(0, 0.9999, "", "a filter rings almost without end"),
    "authority_used": Limit(0, 0.9, "", "an adapter is at the bound of its authority"),
}


def limits(own: Mapping[str, Sequence[float]]) -> dict[str, Limit]:
    """`LIMITS` with a recipe's own ends."""
    return {
        name: replace(limit, low=own[name][0], high=own[name][1]) if name in own else limit
        for name, limit in LIMITS.items()
    }


def outside(row: Mapping[str, Any], within: Mapping[str, Limit]) -> dict[str, str]:
    """A sentence for each monitor in `row` that is outside its limits, by its name."""
    found = {}
    for name, limit in within.items():
        value = row.get(PREFIX + name)
        if value is not None and not limit.low <= value <= limit.high:
            unit = f" {limit.unit}" if limit.unit else ""
            found[name] = (
                f"{limit.meaning}: {name.replace('_', ' ')} {value:.3g}{unit}, "
                f"expected {limit.low:g} to {limit.high:g}{unit}"
            )
    return found
