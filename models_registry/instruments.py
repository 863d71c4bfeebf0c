"""Musical and speech-like sources to train and demonstrate with when no recordings are given.

Conventions: every instrument returns float64 (frames,) near full scale at `rate` Hz; frequencies in Hz, times in
seconds; what is random comes from the generator passed in, so that a seed names a performance.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from models_registry.audio import Audio

Signal = NDArray[np.float64]

PEAK = 10 ** (-3 / 20)
# Long enough not to click, short enough not to soften an attack.
EDGE_S = 0.005
MINOR_PENTATONIC = (0, 3, 5, 7, 10, 12, 15, 17)
# Formants (Hz) of American English vowels, men: Peterson & Barney 1952, table II; bandwidths after Klatt 1980.
VOWELS = {
    "i": (270, 2290, 3010),
    "ɛ": (530, 1840, 2480),
    "æ": (660, 1720, 2410),
    "ɑ": (730, 1090, 2440),
    "ɔ": (570, 840, 2410),
    "u": (300, 870, 2240),
}
BANDWIDTHS = (60, 90, 150)


def midi(note: float) -> float:
    """Frequency of a MIDI note in equal temperament, A4 = note 69 = 440 Hz."""
    return 440 * 2 ** ((note - 69) / 12)


def edged(signal: Signal, rate: int) -> Signal:
    """`signal` with raised-cosine ends, so that it neither starts nor stops with a click."""
    count = min(round(EDGE_S * rate), signal.size // 2)
    ramp = (1 - np.cos(np.pi * np.arange(count) / count)) / 2
    shaped = signal.copy()
    shaped[:count] *= ramp
    shaped[signal.size - count :] *= ramp[::-1]
    return shaped


def pluck(
    frequency: float, seconds: float, rate: int, rng: np.random.Generator, *, decay: float = 3.0
) -> Signal:
    """A plucked string (Karplus & Strong 1983; tuned as Jaffe & Smith 1983) that falls 60 dB in `decay` seconds.

    The loop is a delay, a two-zero low-pass of exactly one sample's delay and a third-order Lagrange
    interpolator for the rest of the period.
    """
    period = rate / frequency
    # one sample for the low-pass, one to two for the interpolator, where it is most exact
    whole = math.floor(period - 2)
    fraction = period - 1 - whole
    nodes = np.arange(4)
    lagrange = np.array(
        [np.prod([(fraction - m) / (n - m) for m in nodes if m != n]) for n in nodes]
    )
    damping = np.array([0.04, 0.92, 0.04])
    loop = 10 ** (-3 / (decay * frequency)) * np.convolve(lagrange, damping)
    feedback = np.concatenate([[1.0], np.zeros(whole - 1), -loop])
    frames = round(seconds * rate)
    burst = np.zeros(frames)
    length = min(round(period), frames)
    burst[:length] = rng.uniform(-1, 1, length)
    burst[:length] -= burst[:length].mean()
    # struck away from the bridge: the comb of the plucking point, a sixth along the string
    struck = burst - np.concatenate([np.zeros(round(period / 6)), burst])[:frames]
    return edged(lfilter([1.0], feedback, struck), rate)


def brass(
    frequency: float,
    seconds: float,
    rate: int,
    *,
    vibrato_hz: float = 5.5,
    vibrato_cents: float = 12.0,
) -> Signal:
    """An additive blown tone: the louder the brighter (Risset & Mathews 1969), with vibrato setting in late."""
    time = np.arange(round(seconds * rate)) / rate
    envelope = np.minimum(time / 0.06, 1) * np.minimum((seconds - time) / 0.08, 1)
    depth = vibrato_cents * np.clip((time - 0.2) / 0.3, 0, 1)
    pitch = frequency * 2 ** (depth * np.sin(2 * np.pi * vibrato_hz * time) / 1_200)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    tone = np.zeros_like(time)
    for n in range(1, int(0.4 * rate / frequency) + 1):
        tone += envelope ** (1 + n / 3) * n**-1.3 * np.sin(n * phase)
    return tone


def drum(name: str, seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    """One stroke of "kick", "snare" or "hat"."""
    time = np.arange(round(seconds * rate)) / rate
    noise = rng.normal(size=time.size)
    if name == "kick":
        # the pitch falls from 150 to 50 Hz in the first tens of milliseconds
        phase = 2 * np.pi * (50 * time - 100 * 0.03 * np.exp(-time / 0.03))
        return np.sin(phase) * np.exp(-time / 0.12)
    if name == "snare":
        body = np.sin(2 * np.pi * 185 * time) * np.exp(-time / 0.05)
        wires = sosfilt(butter(2, [1_000, 0.4 * rate], "band", fs=rate, output="sos"), noise)
        return 0.6 * body + 0.35 * wires * np.exp(-time / 0.09)
    hiss = sosfilt(butter(4, min(6_000, 0.35 * rate), "high", fs=rate, output="sos"), noise)
    return 0.3 * hiss * np.exp(-time / 0.03)


def voice(seconds: float, rate: int, rng: np.random.Generator, *, pitch: float = 118.0) -> Signal:
    """Speech-like syllables: a glottal pulse train through vowel formants, hissed onsets, a falling pitch, pauses."""
    frames = round(seconds * rate)
    time = np.arange(frames) / rate
    contour = pitch * (1.15 - 0.3 * time / seconds) * (1 + 0.06 * np.sin(2 * np.pi * 1.7 * time))
    # an impulse a period, the glottal flow's slope of −12 dB per octave, +6 dB from the lips
    cycle = np.cumsum(contour) / rate
    pulses = np.diff(np.floor(cycle), prepend=0.0)
    glottal = lfilter([1.0, -1.0], [1.0, -1.8, 0.81], pulses)
    speech = np.zeros(frames)
    at = 0.05
    while at < seconds - 0.3:
        length = rng.uniform(0.14, 0.28)
        start, stop = round(at * rate), min(round((at + length) * rate), frames)
        vowel = glottal[start:stop]
        for centre, width in zip(VOWELS[rng.choice(list(VOWELS))], BANDWIDTHS, strict=True):
            radius = math.exp(-math.pi * width / rate)
            poles = [1.0, -2 * radius * math.cos(2 * math.pi * centre / rate), radius**2]
            vowel = lfilter([sum(poles)], poles, vowel)
        hiss = np.zeros(stop - start)
        onset = round(0.05 * rate)
        if rng.random() < 0.6:
            band = butter(2, [2_500, min(7_000, 0.45 * rate)], "band", fs=rate, output="sos")
            hiss[:onset] = 0.15 * sosfilt(band, rng.normal(size=onset)) * np.hanning(onset)
        vowel = vowel / max(np.abs(vowel).max(), 1e-9)
        speech[start:stop] += vowel * np.hanning(stop - start) ** 0.5 + hiss
        at += length + (rng.uniform(0.2, 0.35) if rng.random() < 0.25 else rng.uniform(0, 0.04))
    return speech


def _placed(notes: list[tuple[float, Signal]], seconds: float, rate: int) -> Signal:
    line = np.zeros(round(seconds * rate))
    for start, note in notes:
        first = round(start * rate)
        part = note[: max(0, line.size - first)]
        line[first : first + part.size] += part
    return line


def _melody(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    notes, at = [], 0.0
    while at < seconds - 0.1:
        length = float(rng.choice([0.25, 0.25, 0.5]))
        pitch = midi(45 + int(rng.choice(MINOR_PENTATONIC)))
        strength = rng.uniform(0.4, 1.0)
        notes.append((at, strength * pluck(pitch, length + 0.4, rate, rng)))
        at += length
    return _placed(notes, seconds, rate)


def _chords(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    notes, at = [], 0.0
    while at < seconds - 0.1:
        root = 40 + int(rng.choice([0, 3, 5, 7]))
        strength = rng.uniform(0.3, 1.0)
        for n, interval in enumerate((0, 7, 12, 16, 19)):
            string = strength * pluck(midi(root + interval), 1.6, rate, rng)
            notes.append((at + 0.012 * n, string))
        at += 1.5
    return _placed(notes, seconds, rate)


def _brass(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    notes, at = [], 0.05
    while at < seconds - 0.35:
        length = min(float(rng.choice([0.4, 0.8])), seconds - at - 0.05)
        pitch = midi(53 + int(rng.choice(MINOR_PENTATONIC)))
        notes.append((at, rng.uniform(0.4, 1.0) * brass(pitch, length * 0.95, rate)))
        at += length
    return _placed(notes, seconds, rate)


def _drums(seconds: float, rate: int, rng: np.random.Generator) -> Signal:
    strokes, beat = [], 60 / 112 / 2
    for n in range(int(seconds / beat)):
        strength = rng.uniform(0.6, 1.0)
        strokes.append((n * beat, 0.6 * strength * drum("hat", 0.15, rate, rng)))
        if n % 8 in (0, 3, 4) or rng.random() < 0.1:
            strokes.append((n * beat, strength * drum("kick", 0.5, rate, rng)))
        if n % 4 == 2:
            strokes.append((n * beat, strength * drum("snare", 0.4, rate, rng)))
    return _placed(strokes, seconds, rate)


PLAYERS: dict[str, Callable[[float, int, np.random.Generator], Signal]] = {
    "plucked melody": _melody,
    "strummed chords": _chords,
    "brass line": _brass,
    "drum pattern": _drums,
    "speech-like voice": voice,
}


def sources(*, rate: int = 44_100, seconds: float = 6.0, seed: int = 0) -> dict[str, Audio]:
    """A performance by every instrument: mono, `seconds` long, peak at −3 dBFS, silent at both ends."""
    played = {}
    for number, (name, play) in enumerate(PLAYERS.items()):
        line = edged(play(seconds, rate, np.random.default_rng([seed, number])), rate)
        line *= PEAK / np.abs(line).max()
        played[name] = Audio(line[None].astype(np.float32), rate)
    return played
