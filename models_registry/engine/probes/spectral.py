"""Probes of steady and gliding tones: distortion, aliases, intermodulation, the response.

Conventions: see kinds.py. Levels are those of the peak; where several tones sound, of their sum's.
"""

from __future__ import annotations

import math

import numpy as np

from models_registry.engine.probes import analysis, stimuli
from models_registry.engine.probes.kinds import (
    Course,
    Curve,
    Finding,
    ProbeError,
    Quantity,
    Settings,
    held,
    probe,
)
from models_registry.engine.probes.stimuli import Signal

# aliases below are under the noise of any converter and far under what hearing finds beside a tone
UNHEARD_DB = -90.0
ALIASES = Quantity(
    "aliasing", "dB", "what is neither the tone nor a harmonic of it: aliases, noise, unrest",
    "more", 3.0, UNHEARD_DB,
)  # fmt: skip
RESIDUE = Quantity(
    "residue", "dB", "what is no harmonic up to the ninth: aliases, noise, unrest; at least",
    "more", 3.0, -60.0,
)  # fmt: skip
GAIN = Quantity("gain", "dB", "level of the tone after, over before")
HARMONIC = Quantity("distortion", "dB", "all harmonics together, over the tone")
OFFSET = Quantity("offset", "dB", "constant part, of full scale", "more", 6.0, -60.0)
POINTS = 96


@probe(
    "sine",
    "Which harmonics a tone gets, and what folds back.",
    settings={"frequency": 1_000, "level": -12, "seconds": 0.4},
    quantities=(GAIN, HARMONIC, ALIASES, OFFSET),
)
def sine(at: Settings, rate: int, settle: float) -> Course:
    held(rate, tone=at["frequency"])
    span = stimuli.span_of(rate, at["seconds"])
    place = stimuli.line(at["frequency"], rate, span)
    frames = span + math.ceil(settle * rate)
    given = stimuli.tones([place], [at["level"]], frames, span)

    def read(heard: Signal) -> Finding:
        found = analysis.tone(heard[-span:], place)
        gain = analysis.decibels(found.amplitude / stimuli.amplitude(at["level"]))
        harmonics = tuple(range(2, 2 + len(found.harmonics)))
        return Finding(
            {
                "gain": gain,
                "distortion": found.distortion,
                "aliasing": found.residue,
                "offset": found.offset,
            },
            Curve("harmonic", "dB of the tone", harmonics, {"level": found.harmonics}),
        )

    return Course(given, read)


@probe(
    "sweep",
    "The response and each harmonic over frequency, in one go (Farina 2000).",
    settings={"low": 20, "high": 20_000, "seconds": 3, "level": -12},
    quantities=(HARMONIC, RESIDUE),
)
def sweep(at: Settings, rate: int, settle: float) -> Course:
    low, high = at["low"], min(at["high"], HIGHEST_OF_A_SWEEP * rate)
    if not 0 < low < high:
        raise ProbeError(f"sweep: expected 0 < low < {high:g} Hz, found {low:g} Hz")
    made = stimuli.sweep(low, high, at["seconds"], at["level"], rate)
    given = np.pad(made, (0, math.ceil((settle + 0.05) * rate)))
    # where the ends are faded the sweep says little
    frequencies = np.geomspace(analysis.BEGINNING * low, high / 1.2, POINTS)

    def read(heard: Signal) -> Finding:
        found = analysis.deconvolved(
            given, heard, low=low, high=high, seconds=at["seconds"], rate=rate,
            memory=settle, frequencies=frequencies,
        )  # fmt: skip
        names = {1: "response", 2: "second harmonic", 3: "third harmonic"}
        lines = {name: _levels(found.orders[order]) for order, name in names.items()}
        curve = Curve("frequency (Hz)", "dB", tuple(frequencies), lines, logarithmic=True)
        return Finding({"distortion": found.distortion(), "residue": found.residue}, curve)

    return Course(given, read)


# the last twentieth below half the rate is where every resampler falls off
HIGHEST_OF_A_SWEEP = 0.475


def _levels(amplitudes: Signal) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(one) else analysis.decibels(float(one)) for one in amplitudes)


@probe(
    "modulation-distortion",
    "A low loud tone and a high soft one: how the one shakes the other (SMPTE RP 120).",
    settings={"low": 60, "high": 7_000, "ratio": 12, "level": -12, "seconds": 0.8},
    quantities=(Quantity("distortion", "dB", "side tones of the high tone, over it"),),
)
def modulation_distortion(at: Settings, rate: int, settle: float) -> Course:
    held(rate, low=at["low"], high=at["high"])
    span = stimuli.span_of(rate, at["seconds"])
    low, high = (stimuli.line(at[name], rate, span) for name in ("low", "high"))
    # the sum of the two peaks is the level
    loud = at["level"] - analysis.decibels(1 + stimuli.amplitude(-at["ratio"]))
    frames = span + math.ceil(settle * rate)
    given = stimuli.tones([low, high], [loud, loud - at["ratio"]], frames, span)

    def read(heard: Signal) -> Finding:
        return Finding({"distortion": analysis.modulation_distortion(heard[-span:], low, high)})

    return Course(given, read)


@probe(
    "difference-distortion",
    "Two high tones close by: which difference tones they make (CCIF; IEC 60268-3).",
    settings={"low": 6_000, "high": 7_000, "level": -12, "seconds": 0.4},
    quantities=(
        Quantity("second", "dB", "difference tone of second order, over both tones"),
        Quantity("third", "dB", "difference tones of third order, over both tones"),
    ),
)
def difference_distortion(at: Settings, rate: int, settle: float) -> Course:
    held(rate, low=at["low"], high=at["high"])
    span = stimuli.span_of(rate, at["seconds"])
    low, high = (stimuli.line(at[name], rate, span) for name in ("low", "high"))
    each = at["level"] - analysis.decibels(2)
    given = stimuli.tones([low, high], [each, each], span + math.ceil(settle * rate), span)

    def read(heard: Signal) -> Finding:
        second, third = analysis.difference_distortion(heard[-span:], low, high)
        return Finding({"second": second, "third": third})

    return Course(given, read)


@probe(
    "multitone",
    "Many tones at once: everything between them is distortion or noise.",
    settings={"tones": 24, "low": 50, "high": 7_500, "level": -12, "seconds": 0.8},
    quantities=(Quantity("distortion", "dB", "all that is beside the tones, over them"),),
)
def multitone(at: Settings, rate: int, settle: float) -> Course:
    held(rate, low=at["low"], high=at["high"])
    span = stimuli.span_of(rate, at["seconds"])
    wanted = np.geomspace(at["low"], at["high"], int(at["tones"]))
    places = sorted({stimuli.line(float(one), rate, span) for one in wanted})
    flat = stimuli.tones(places, [0.0] * len(places), span, span, flat=True)
    each = at["level"] - analysis.decibels(float(np.abs(flat).max()))
    frames = span + math.ceil(settle * rate)
    given = stimuli.tones(places, [each] * len(places), frames, span, flat=True)

    def read(heard: Signal) -> Finding:
        found = analysis.lines_of(heard[-span:])[places] / stimuli.amplitude(each)
        curve = Curve(
            "frequency (Hz)",
            "dB",
            tuple(place * rate / span for place in places),
            {"level of each tone, after over before": _levels(found)},
            logarithmic=True,
        )
        return Finding({"distortion": analysis.beside(heard[-span:], places)}, curve)

    return Course(given, read)


@probe(
    "chirp",
    "A sweep of constant speed: how even the response is, and how much is no linear answer.",
    settings={"low": 100, "high": 7_500, "seconds": 2, "level": -12},
    quantities=(
        Quantity("spread", "dB", "of the response, from its 5th to its 95th hundredth"),
        Quantity("unlike", "dB", "power that is no linear answer, over all (1 − coherence)"),
    ),
)
def chirp(at: Settings, rate: int, settle: float) -> Course:
    held(rate, low=at["low"], high=at["high"])
    made = stimuli.chirp(at["low"], at["high"], at["seconds"], at["level"], rate)
    given = np.pad(made, (0, math.ceil(settle * rate)))

    def read(heard: Signal) -> Finding:
        found = analysis.transferred(given, heard, rate, 1.2 * at["low"], at["high"] / 1.2)
        spread, unlike = found or (None, None)
        return Finding({"spread": spread, "unlike": unlike})

    return Course(given, read)
