"""What can be said of a sound in one number each, and changed: reverberation, noise, band, level.

Each goes from the sound as it is (the *neutral* value, where nothing at all is done) to as much as the known damage
that it stands for allows (models_registry/degradations.py). They are done in the order in which they happen to a
recording: the room, the noise in it, the band of the microphone, the level. Pure: `Audio` in, `Audio` out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models_registry.audio import Audio
from models_registry.degradations import DEGRADATIONS, STOP_RATIO, reverberant

# s, of the room that is heard more or less
DECAY_S = 0.6
# dB, direct sound over reverberation: none to be heard, and across a large room
DRY, WET = 40.0, -10.0
NAMES = ("reverb", "noise", "band", "level")


@dataclass(frozen=True)
class Property:
    """A property of a sound: `low` to `high` in `unit` on its `scale`, and where it is as the sound comes."""

    name: str
    unit: str
    low: float
    high: float
    scale: Literal["linear", "log", "dB"]
    neutral: float
    meaning: str


def properties(rate: int) -> dict[str, Property]:
    """What can be changed of a sound at `rate`, by name, in the order in which it is done."""
    noise, band, level = (DEGRADATIONS[name] for name in ("noise", "low-pass", "level"))
    # the transition of the narrowest cut has to end below half the rate
    widest = min(band.most, math.floor(0.999 * rate / 2 / STOP_RATIO))
    room = f"direct sound over the reverberation of a room of {DECAY_S:g} s"
    background = "the sound over steady noise of its own spectrum"
    found = (
        Property("reverb", "dB", WET, DRY, "dB", DRY, room),
        Property("noise", "dB", noise.least, noise.most, "dB", noise.most, background),
        Property("band", "Hz", band.least, widest, "log", widest, "highest frequency"),
        Property("level", "dB", level.least, level.most, "dB", 0.0, "gain"),
    )
    return {one.name: one for one in found}


def changed(sound: Audio, values: Mapping[str, float]) -> Audio:
    """`sound` with the named properties at `values`; one at its neutral value is left alone.

    Raises `AudioError` for a value out of range.
    """
    for name, one in properties(sound.rate).items():
        value = values.get(name, one.neutral)
        if math.isclose(value, one.neutral, rel_tol=1e-9, abs_tol=1e-9):
            continue
        if name == "reverb":
            sound = reverberant(sound, DECAY_S, 0, ratio=value)
        else:
            sound = DEGRADATIONS["low-pass" if name == "band" else name](sound, value)
    return sound
