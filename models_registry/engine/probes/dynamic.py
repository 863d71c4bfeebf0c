"""Probes of levels and of what changes: ladders of level, modulation, a soft tone beside a loud one.

Conventions: see kinds.py.
"""

from __future__ import annotations

import math

import numpy as np

from models_registry.engine.probes import analysis, stimuli
from models_registry.engine.probes.kinds import (
    Course,
    Curve,
    Finding,
    Quantity,
    Settings,
    held,
    probe,
)
from models_registry.engine.probes.stimuli import Signal


@probe(
    "levels",
    "The same tone ever louder: where its gain changes.",
    settings={"frequency": 1_000, "softest": -70, "loudest": 0, "step": 5, "seconds": 0.2},
    quantities=(
        Quantity("compression", "dB", "gain of the softest, over that of the loudest"),
        Quantity("rise", "dB", "largest rise of the gain from one level to the next"),
        Quantity("fall", "dB", "largest fall of the gain from one level to the next"),
    ),
)
def levels(at: Settings, rate: int, settle: float) -> Course:
    held(rate, tone=at["frequency"])
    count = round((at["loudest"] - at["softest"]) / at["step"]) + 1
    steps = at["softest"] + at["step"] * np.arange(count)
    span = stimuli.span_of(rate, at["seconds"] / 2)
    place = stimuli.line(at["frequency"], rate, span)
    frames = math.ceil((at["seconds"] + settle) * rate / span) * span
    unit = stimuli.tones([place], [0.0], frames, span)
    given = np.concatenate([stimuli.amplitude(float(level)) * unit for level in steps])

    def read(heard: Signal) -> Finding:
        ends = heard.reshape(count, frames)[:, -span:]
        after = [float(analysis.lines_of(end)[place]) for end in ends]
        gains = np.array(
            [
                analysis.decibels(one / stimuli.amplitude(float(level)))
                for one, level in zip(after, steps, strict=True)
            ]
        )
        steep = np.diff(gains)
        return Finding(
            {
                "compression": float(gains[0] - gains[-1]),
                "rise": max(0.0, float(steep.max())),
                "fall": max(0.0, float(-steep.min())),
            },
            Curve("level in (dB of full scale)", "dB", tuple(steps), {"gain": tuple(gains)}),
        )

    return Course(given, read)


@probe(
    "amplitude-modulation",
    "A tone whose level swings: how much of the swing is left.",
    settings={"carrier": 1_000, "frequency": 8, "depth": 0.5, "level": -12, "seconds": 1.5},
    quantities=(Quantity("depth", "dB", "depth of the modulation after, over before"),),
)
def amplitude_modulation(at: Settings, rate: int, settle: float) -> Course:
    held(rate, carrier=at["carrier"] + at["frequency"])
    span = stimuli.span_of(rate, at["seconds"])
    carrier = stimuli.line(at["carrier"], rate, span)
    swing = max(1, round(at["frequency"] * span / rate))
    given = stimuli.modulated(
        carrier * rate / span, swing * rate / span, at["depth"], at["level"],
        span + math.ceil(settle * rate), rate,
    )  # fmt: skip

    def read(heard: Signal) -> Finding:
        left = analysis.modulation(heard[-span:], carrier, swing)
        return Finding({"depth": None if left is None else analysis.decibels(left / at["depth"])})

    return Course(given, read)


@probe(
    "frequency-modulation",
    "A tone whose pitch swings: how much of the swing is left, and how much the level swings with it.",
    settings={"carrier": 1_000, "frequency": 5, "deviation": 30, "level": -12, "seconds": 1},
    quantities=(
        Quantity("deviation", "dB", "swing of the frequency after, over before"),
        Quantity("shaking", "dB", "swing of the amplitude, over the amplitude"),
    ),
)
def frequency_modulation(at: Settings, rate: int, settle: float) -> Course:
    held(rate, carrier=at["carrier"] + at["deviation"])
    frames, late = round(at["seconds"] * rate), math.ceil(settle * rate)
    given = stimuli.warbled(
        at["carrier"], at["frequency"], at["deviation"], at["level"], frames + late, rate
    )

    def read(heard: Signal) -> Finding:
        found = analysis.warble(heard[-frames:], rate, at["carrier"])
        if found is None:
            return Finding({"deviation": None, "shaking": None})
        swing, shaking = found
        return Finding(
            {
                "deviation": analysis.decibels(swing / at["deviation"]),
                "shaking": analysis.decibels(shaking),
            }
        )

    return Course(given, read)


@probe(
    "masking-pair",
    "A soft tone alone and beside a loud one: what the loud one does to it.",
    settings={"masker": 1_000, "probe": 1_500, "loud": -12, "soft": -40, "seconds": 0.4},
    quantities=(
        Quantity("alone", "dB", "gain of the soft tone by itself"),
        Quantity("beside", "dB", "change of its gain beside the loud tone"),
    ),
)
def masking_pair(at: Settings, rate: int, settle: float) -> Course:
    held(rate, masker=at["masker"], probe=at["probe"])
    span = stimuli.span_of(rate, at["seconds"])
    masker, soft = (stimuli.line(at[name], rate, span) for name in ("masker", "probe"))
    frames = span + math.ceil(settle * rate)
    alone = stimuli.tones([soft], [at["soft"]], frames, span)
    both = stimuli.tones([masker, soft], [at["loud"], at["soft"]], frames, span)
    given = np.concatenate([alone, np.zeros(math.ceil((settle + 0.2) * rate)), both])

    def read(heard: Signal) -> Finding:
        first = float(analysis.lines_of(heard[frames - span : frames])[soft])
        second = float(analysis.lines_of(heard[-span:])[soft])
        gain = analysis.decibels(first / stimuli.amplitude(at["soft"]))
        gone = first < analysis.GONE
        return Finding(
            {"alone": gain, "beside": None if gone else analysis.decibels(second / first)}
        )

    return Course(given, read)
