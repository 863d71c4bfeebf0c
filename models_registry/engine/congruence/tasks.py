"""What listeners are asked to tell apart, and from which difference on people can.

Conventions: sounds are (frames,) at a given rate; half a second between ramps of 10 ms, a twentieth of a second of
silence at either end, at levels where a sine of full scale has `ear.FULL_SCALE` dB SPL. A difference is in the task's
unit, the larger the easier. People's thresholds are published ones, most for two alternatives and about 70.7 % right;
their lengths and levels are near these, not the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_registry.engine import ear
from models_registry.engine.congruence.listener import quiet

Array = NDArray[np.float64]
Sound = Callable[[float, int, np.random.Generator], Array]

SECONDS, SILENCE_S, RAMP_S = 0.5, 0.05, 0.01
LEVEL = 65.0
# Hz: the noise of gap and modulation detection
NOISE_TOP = 8_000.0

INTENSITY = (
    "Jesteadt, Wier, Green, J. Acoust. Soc. Am. 61(1), 1977, 169–177: ΔI/I = 0.463 (I/I₀)^−0.072, as the manual of "
    "Praat gives it (phonToDifferenceLimens)"
)
FREQUENCY = (
    "Wier, Jesteadt, Green, J. Acoust. Soc. Am. 61(1), 1977, 178–184: lg Δf = 0.026 √f − 0.533 at 40 dB SL. Over "
    "twelve studies lg Δf rises rather with f^0.8 (Micheyl, Xiao, Oxenham, Hearing Research, 2012)"
)
GAP = (
    "Gelfand, Hearing, 6th ed., 2017, ch. 9: 2 to 3 ms. Snell, Hu, 129th Meeting of the Acoust. Soc. Am., 1995: "
    "2.0 ms in the middle of 150 ms of noise up to 6 kHz at 75 dB SPL"
)
MODULATION = (
    "University of Washington, SPHSC 461, Temporal resolution, slide 27: −26 to −23 dB by listener in wideband noise "
    "at low rates, 3 dB more at 50 to 60 Hz; after Viemeister, J. Acoust. Soc. Am. 66(5), 1979, 1364–1380"
)


@dataclass(frozen=True)
class Task:
    """A difference to be told: `sound(difference, rate, draw)`, 0 being the standard; the largest difference that is
    tried; and the range of people's thresholds with its source. Every sound has a carrier of its own, a noise or the
    phase in which a tone begins, so that nobody can listen for the waveform."""

    name: str
    title: str
    unit: str
    top: float
    human: tuple[float, float]
    source: str
    sound: Sound

    @property
    def person(self) -> float:
        """The middle of people's range, on a ratio scale."""
        return float(np.sqrt(self.human[0] * self.human[1]))


def amplitude(level: float) -> float:
    """Of a sine of `level` dB SPL (full scale = 1)."""
    return float(10 ** ((level - ear.FULL_SCALE) / 20))


def tone(frequency: float, level: float, rate: int, *, phase: float = 0.0) -> Array:
    return amplitude(level) * np.sin(2 * np.pi * frequency * _time(rate) + phase)


def noise(
    level: float, rate: int, draw: np.random.Generator, *, ends: tuple[float, float]
) -> Array:
    """Gaussian noise of `level` dB SPL between `ends` (Hz)."""
    frames = len(_time(rate))
    spectrum = np.fft.rfft(draw.normal(size=frames))
    at = np.fft.rfftfreq(frames, 1 / rate)
    spectrum[(at < ends[0]) | (at > ends[1])] = 0
    band = np.fft.irfft(spectrum, frames)
    return amplitude(level) * band / np.sqrt(2 * np.square(band).mean())


def gated(sound: Array, rate: int) -> Array:
    """`sound` between its ramps, with silence around it."""
    ramp = np.square(np.sin(np.pi / 2 * np.linspace(0, 1, round(RAMP_S * rate))))
    shaped = sound.copy()
    shaped[: len(ramp)] *= ramp
    shaped[-len(ramp) :] *= ramp[::-1]
    return np.pad(shaped, round(SILENCE_S * rate))


def _time(rate: int) -> Array:
    return np.arange(round(SECONDS * rate)) / rate


def _any(draw: np.random.Generator) -> float:
    return float(draw.uniform(0, 2 * np.pi))


def _wide(rate: int, draw: np.random.Generator) -> Array:
    return noise(LEVEL, rate, draw, ends=(50.0, min(NOISE_TOP, 0.45 * rate)))


def intensity(level: float, frequency: float = 1_000.0) -> Task:
    """A tone that is louder, ΔL in dB."""
    above = level - float(quiet(np.array(frequency)))
    known = float(10 * np.log10(1 + 0.463 * 10 ** (-0.0072 * above)))
    return Task(
        f"level-{level:g}",
        f"Level of {frequency / 1_000:g} kHz at {level:g} dB SPL",
        "dB",
        20.0,
        (known, known),
        INTENSITY,
        lambda by, rate, draw: gated(tone(frequency, level + by, rate, phase=_any(draw)), rate),
    )


def frequency(middle: float) -> Task:
    """A tone that is higher, Δf in Hz."""
    known = float(10 ** (0.026 * np.sqrt(middle) - 0.533))
    return Task(
        f"frequency-{middle:g}",
        f"Frequency at {middle / 1_000:g} kHz",
        "Hz",
        0.2 * middle,
        (known, known),
        FREQUENCY,
        lambda by, rate, draw: gated(tone(middle + by, LEVEL, rate, phase=_any(draw)), rate),
    )


def gap() -> Task:
    """A silence in the middle of wideband noise, in ms."""

    def sound(by: float, rate: int, draw: np.random.Generator) -> Array:
        carrier = _wide(rate, draw)
        away = np.abs(_time(rate) - SECONDS / 2)
        # the edge within a sample, so that a gap grows steadily
        return gated(carrier * np.clip((away - by / 2_000) * rate + 0.5, 0 if by else 1, 1), rate)

    return Task("gap", "Gap in wideband noise", "ms", 100.0, (2.0, 3.0), GAP, sound)


def modulation(pace: float) -> Task:
    """Wideband noise whose amplitude goes up and down `pace` times a second, depth in %."""
    least, most = (
        float(100 * 10 ** (depth / 20) * np.sqrt(1 + (pace / corner) ** 2))
        for depth, corner in ((-26, 60), (-23, 50))
    )

    def sound(by: float, rate: int, draw: np.random.Generator) -> Array:
        swing = 1 + by / 100 * np.sin(2 * np.pi * pace * _time(rate))
        # as strong as the standard, so that the level tells nothing
        return gated(_wide(rate, draw) * swing / np.sqrt(1 + (by / 100) ** 2 / 2), rate)

    return Task(
        f"modulation-{pace:g}",
        f"Modulation of wideband noise at {pace:g} Hz",
        "%",
        100.0,
        (least, most),
        MODULATION,
        sound,
    )


# the noise of every listener is set by this one
CALIBRATION = intensity(LEVEL)
TASKS = (
    CALIBRATION,
    intensity(40.0),
    intensity(LEVEL, 4_000.0),
    frequency(500.0),
    frequency(1_000.0),
    frequency(4_000.0),
    gap(),
    modulation(4.0),
    modulation(16.0),
    modulation(64.0),
)
