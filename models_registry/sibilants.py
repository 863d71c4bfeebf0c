"""Speech-like sounds of which it is known when they hiss: vowels, and sentences of vowels and sibilants in turn.

What the guide's story of a model that spoils sibilants is told with. A vowel is a glottal pulse train through its
formants, a sibilant noise from 4 to 7.5 kHz (Stevens, Acoustic Phonetics, 1998, ch. 8: that of /s/).

Conventions: sounds are float32 (1, frames) in −1…1 at `RATE`; stretches are (start, end) in s.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from models_registry.audio import Samples
from models_registry.instruments import BANDWIDTHS, VOWELS

Signal = NDArray[np.float64]

RATE = 16_000
SECONDS = 1.6
HISS_HZ = (4_000.0, 7_500.0)
# amplitudes of vowels and of sibilants
LOUD, SOFT = 0.5, 0.3
SOUNDS = 8

# a voice processor that hardly touches sibilants, and the model of it, whose block for them was set by hand, too deep
DEVICE: dict[str, Any] = {
    "version": 1,
    "rate": RATE,
    "blocks": [
        {
            "id": "tone",
            "kind": "biquad",
            "options": {"shape": "low-shelf"},
            "params": {"frequency": 300, "gain": 4},
            "frozen": ["q"],
        },
        {
            "id": "sibilance",
            "kind": "multiband-compressor",
            "options": {"bands": 2},
            "params": {
                "crossing1": 4_500,
                "threshold": [-1, -26],
                "ratio": [1.01, 1.5],
                "knee": 2,
                "attack": [10, 1],
                "release": [100, 30],
            },
            "frozen": ["crossing1", "knee", "attack", "release", "makeup"],
        },
        {"id": "drive", "kind": "clipper", "params": {"drive": 9}, "frozen": ["ceiling"]},
        {"id": "level", "kind": "gain", "params": {"level": -3}},
    ],
}
TOO_DEEP: dict[str, Any] = {"threshold": [-1, -34], "ratio": [1.01, 10]}
UNTRAINED: dict[str, Any] = {
    "tone": {"frequency": 500, "gain": 0},
    "drive": {"drive": 4},
    "level": {"level": 0},
}


def sentence(seed: int, *, hissing: bool) -> tuple[Samples, list[tuple[float, float]]]:
    """Four vowels, each followed by a sibilant, or by a rest where not `hissing`; and when the sibilants sound."""
    draw = np.random.default_rng([seed, 1])
    pitch = draw.uniform(95, 210)
    whole, at, stretches = np.zeros(round(SECONDS * RATE)), 0, []
    for n in range(SOUNDS):
        if n % 2 == 0:
            sound = LOUD * _vowel(str(draw.choice(list(VOWELS))), draw.uniform(0.18, 0.28), pitch)
        else:
            sound = SOFT * _sibilant(draw.uniform(0.08, 0.12), draw)
            stretches.append((at / RATE, (at + len(sound)) / RATE))
            sound *= hissing
        whole[at : at + len(sound)] = sound
        at += len(sound)
    return whole[None].astype(np.float32), stretches if hissing else []


def _vowel(name: str, seconds: float, pitch: float) -> Signal:
    frames = round(seconds * RATE)
    falling = pitch * np.linspace(1.1, 0.9, frames)
    pulses = np.diff(np.floor(np.cumsum(falling) / RATE), prepend=0.0)
    sound = lfilter([1.0, -1.0], [1.0, -1.8, 0.81], pulses)
    for centre, width in zip(VOWELS[name], BANDWIDTHS, strict=True):
        radius = math.exp(-math.pi * width / RATE)
        poles = [1.0, -2 * radius * math.cos(2 * math.pi * centre / RATE), radius**2]
        sound = lfilter([sum(poles)], poles, sound)
    return np.asarray(sound / np.abs(sound).max() * np.sqrt(np.hanning(frames)))


def _sibilant(seconds: float, draw: np.random.Generator) -> Signal:
    frames = round(seconds * RATE)
    hiss = sosfilt(butter(4, HISS_HZ, "band", fs=RATE, output="sos"), draw.standard_normal(frames))
    return np.asarray(hiss / np.abs(hiss).max() * np.sqrt(np.hanning(frames)))


def model() -> dict[str, Any]:
    """The chain to be trained: the device's blocks, untrained, with the block for sibilants too deep."""
    changed = {**UNTRAINED, "sibilance": TOO_DEEP}
    blocks = [
        block | {"params": block["params"] | changed[block["id"]]} for block in DEVICE["blocks"]
    ]
    return DEVICE | {"blocks": blocks}
