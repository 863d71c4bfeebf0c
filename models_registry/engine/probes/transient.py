"""Probes of beginnings and ends: steps, impulses, bursts, gated tones, silence, constants, squares.

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

# answers are drawn by at most so many points
POINTS = 240
LEAD_S = 0.1


@probe(
    "step",
    "A constant that sets in: overshoot, and how long it takes to come to rest.",
    settings={"level": -12, "seconds": 0.5},
    quantities=(
        Quantity("peak", "dB", "largest magnitude, over the step's", "more", 3.0, -60.0),
        Quantity("rest", "dB", "where it comes to rest, over the step"),
        Quantity("settling", "ms", "until it stays within 5 % of its peak around its rest"),
    ),
)
def step(at: Settings, rate: int, settle: float) -> Course:
    lead, frames = round(LEAD_S * rate), math.ceil((at["seconds"] + settle) * rate)
    size = stimuli.amplitude(at["level"])
    given = np.concatenate([np.zeros(lead), np.full(frames, size)])

    def read(heard: Signal) -> Finding:
        rest, peak, seconds = analysis.settling(heard[lead:], rate)
        return Finding(
            {
                "peak": analysis.decibels(peak / size),
                "rest": analysis.decibels(abs(rest) / size),
                "settling": 1_000 * seconds if peak > analysis.GONE else None,
            },
            _drawn(heard[lead:] / size, rate, "of the step"),
        )

    return Course(given, read)


def _drawn(samples: Signal, rate: int, unit: str, seconds: float = 0.05) -> Curve:
    shown = samples[: round(seconds * rate)]
    every = max(1, shown.size // POINTS)
    times = 1_000 * np.arange(shown.size)[::every] / rate
    return Curve("time (ms)", unit, tuple(times), {"output": tuple(shown[::every])})


@probe(
    "impulse",
    "One sample: what comes before it, when most of it comes, how long it rings.",
    settings={"level": -12, "seconds": 0.5},
    quantities=(
        Quantity("level", "dB", "energy after, over before"),
        Quantity("early", "dB", "energy before the impulse, over all", "more", 3.0, -60.0),
        Quantity("peak", "ms", "time of the largest sample after the impulse"),
        Quantity("decay", "s", "reverberation time (T20)"),
    ),
)
def impulse(at: Settings, rate: int, settle: float) -> Course:
    lead, frames = round(LEAD_S * rate), math.ceil((at["seconds"] + settle) * rate)
    given = np.zeros(lead + frames)
    given[lead] = stimuli.amplitude(at["level"])

    def read(heard: Signal) -> Finding:
        energy = float(np.sum(heard**2))
        if energy < analysis.GONE**2:
            return Finding({"level": analysis.FLOOR, "early": None, "peak": None, "decay": None})
        ratio = math.sqrt(float(np.sum(heard[:lead] ** 2)) / energy)
        return Finding(
            {
                "level": analysis.decibels(math.sqrt(energy) / given[lead]),
                "early": analysis.decibels(ratio),
                "peak": 1_000 * (int(np.abs(heard).argmax()) - lead) / rate,
                "decay": analysis.decay_time(heard[lead:], rate),
            },
            _drawn(heard[lead:] / given[lead], rate, "of the impulse", 0.02),
        )

    return Course(given, read)


@probe(
    "burst",
    "Noise that breaks off: how soon it is quiet.",
    settings={"level": -18, "seconds": 0.3, "seed": 0},
    quantities=(
        Quantity("gain", "dB", "level of the burst after, over before"),
        Quantity("quiet", "ms", "until the level has fallen by 60 dB", "more", 20.0),
    ),
)
def burst(at: Settings, rate: int, settle: float) -> Course:
    size = round(at["seconds"] * rate)
    made = stimuli.noise(at["level"], size, int(at["seed"]))
    given = np.pad(stimuli.edged(made, rate, 0.002), (0, math.ceil((settle + 0.3) * rate)))

    def read(heard: Signal) -> Finding:
        loud = analysis.effective(heard[:size])
        if loud < analysis.GONE:
            return Finding({"gain": analysis.FLOOR, "quiet": None})
        quiet = analysis.fallen(heard[size:], rate, loud, 60.0)
        gain = analysis.decibels(loud / analysis.effective(given[:size]))
        return Finding({"gain": gain, "quiet": None if quiet is None else 1_000 * quiet})

    return Course(given, read)


@probe(
    "gated",
    "A tone switched on and off: what sets in too loud, and what stays in the gap.",
    settings={"frequency": 1_000, "level": -12, "on": 0.3, "off": 0.2},
    quantities=(
        Quantity("onset", "dB", "level of the first 20 ms, over that of the last 100 ms"),
        Quantity("gap", "dB", "level of the last half of the gap, over the tone"),
    ),
)
def gated(at: Settings, rate: int, settle: float) -> Course:
    held(rate, tone=at["frequency"])
    on, off = round((at["on"] + settle) * rate), round((at["off"] + settle) * rate)
    tone = stimuli.edged(stimuli.sine(at["frequency"], at["level"], on, rate), rate, 0.002)
    given = np.concatenate([tone, np.zeros(off), tone, np.zeros(off)])

    def read(heard: Signal) -> Finding:
        second = heard[on + off :]
        first, last = second[: round(0.02 * rate)], second[on - round(0.1 * rate) : on]
        rested = analysis.effective(last)
        if rested < analysis.GONE:
            return Finding({"onset": None, "gap": None})
        gap = analysis.effective(heard[on + off // 2 : on + off])
        shown = analysis.levels(heard, rate, 0.005)
        times = tuple(5.0 * np.arange(shown.size))
        line = tuple(analysis.decibels(float(one)) for one in shown)
        return Finding(
            {
                "onset": analysis.decibels(analysis.effective(first) / rested),
                "gap": analysis.decibels(gap / rested),
            },
            Curve("time (ms)", "dB of full scale", times, {"level of 5 ms": line}),
        )

    return Course(given, read)


@probe(
    "silence",
    "Nothing goes in: what comes out is the model's own.",
    settings={"seconds": 1},
    quantities=(Quantity("level", "dB", "effective value, of full scale", "more", 3.0, -90.0),),
)
def silence(at: Settings, rate: int, settle: float) -> Course:
    given = np.zeros(round(at["seconds"] * rate))
    return Course(
        given, lambda heard: Finding({"level": analysis.decibels(analysis.effective(heard))})
    )


@probe(
    "constant",
    "Direct current: what passes of it.",
    settings={"level": -12, "seconds": 0.5},
    quantities=(Quantity("gain", "dB", "where it comes to rest, over the constant"),),
)
def constant(at: Settings, rate: int, settle: float) -> Course:
    size = stimuli.amplitude(at["level"])
    given = np.full(math.ceil((at["seconds"] + settle) * rate), size)

    def read(heard: Signal) -> Finding:
        rest, _, _ = analysis.settling(heard, rate)
        return Finding({"gain": analysis.decibels(abs(rest) / size)})

    return Course(given, read)


@probe(
    "square",
    "Full-scale squares, as an overloaded input gives them: the hardest that can come.",
    settings={"frequency": 100, "level": 0, "seconds": 0.5},
    quantities=(
        Quantity("peak", "dB", "largest sample that comes out, of full scale", "more", 3.0, 0.0),
        Quantity("level", "dB", "effective value after, over before"),
    ),
)
def square(at: Settings, rate: int, settle: float) -> Course:
    held(rate, square=at["frequency"])
    given = stimuli.square(at["frequency"], at["level"], round(at["seconds"] * rate), rate)

    def read(heard: Signal) -> Finding:
        ratio = analysis.effective(heard) / analysis.effective(given)
        return Finding(
            {
                "peak": analysis.decibels(float(np.abs(heard).max())),
                "level": analysis.decibels(ratio),
            },
            _drawn(heard, rate, "of full scale"),
        )

    return Course(given, read)
