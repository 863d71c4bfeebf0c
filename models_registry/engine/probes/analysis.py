"""What is read off a system's answer to a stimulus that is known.

Conventions: signals are float64 (frames,), levels and ratios in dB, none below `FLOOR`; what cannot be told is None.
Harmonics, aliases and combination tones are read off the spectrum of one span in which every tone has a whole number
of periods, without a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal as dsp

Signal = NDArray[np.float64]

# what 32-bit samples round is below
FLOOR = -160.0
# a tone that is softer than this is gone, and nothing can be said in relation to it
GONE = 1e-7
HARMONICS = 9
# the ends of a sweep over which its spectrum is faded (factors), and the periods over which its beginning rings
BEGINNING, END, RINGING = 2.0, 1.1, 3.0


def decibels(ratio: float) -> float:
    """20 log10 of a ratio of amplitudes, at least `FLOOR`."""
    return max(20 * math.log10(ratio), FLOOR) if ratio > 10 ** (FLOOR / 20) else FLOOR


def effective(samples: Signal) -> float:
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0


def lines_of(samples: Signal) -> Signal:
    """Amplitudes (span / 2 + 1,) of the sines in one span of `samples`; of the constant, at 0."""
    found = 2 * np.abs(np.fft.rfft(samples)) / samples.size
    found[0] /= 2
    return found


@dataclass(frozen=True)
class Tone:
    """A tone's answer: its amplitude and, relative to it in dB, its harmonics together, what is neither (aliases,
    noise, unrest), and each harmonic from the second on; None where the tone is gone. offset: in dB of full scale."""

    amplitude: float
    distortion: float | None
    residue: float | None
    harmonics: tuple[float, ...]
    offset: float


def tone(samples: Signal, line: int) -> Tone:
    """What came of a sine on `line` of the spectrum of all of `samples`."""
    found = lines_of(samples)
    fundamental, offset = float(found[line]), decibels(float(found[0]))
    if fundamental < GONE:
        return Tone(fundamental, None, None, (), offset)
    places = np.arange(2 * line, found.size, line)
    rest = found.copy()
    rest[[0, line]] = 0
    rest[places] = 0
    return Tone(
        fundamental,
        decibels(float(np.sqrt(np.sum(found[places] ** 2))) / fundamental),
        decibels(float(np.sqrt(np.sum(rest**2))) / fundamental),
        tuple(decibels(float(found[place]) / fundamental) for place in places[: HARMONICS - 1]),
        offset,
    )


def modulation_distortion(samples: Signal, low: int, high: int, orders: int = 5) -> float | None:
    """Side tones of `high` at multiples of `low` over `high`, in dB (SMPTE RP 120): their effective sum."""
    found = lines_of(samples)
    if found[high] < GONE:
        return None
    places = [high + sign * n * low for n in range(1, orders + 1) for sign in (-1, 1)]
    sides = [found[abs(place)] for place in places if 0 < abs(place) < found.size]
    return decibels(float(np.sqrt(np.sum(np.square(sides)))) / float(found[high]))


def difference_distortion(
    samples: Signal, low: int, high: int
) -> tuple[float | None, float | None]:
    """Difference tones of second and third order of two equal tones in dB of their sum (IEC 60268-3, 14.12.9)."""
    found = lines_of(samples)
    both = float(found[low] + found[high])
    if both < 2 * GONE:
        return None, None
    third = [abs(2 * low - high), 2 * high - low]
    return (
        decibels(float(found[high - low]) / both),
        decibels(float(sum(found[place] for place in third if place < found.size)) / both),
    )


def beside(samples: Signal, lines: Iterable[int]) -> float | None:
    """What is on no line of the stimulus (nor constant), in dB of what is: distortion and noise together."""
    found = lines_of(samples)
    on = np.zeros(found.size, bool)
    on[list(lines)] = True
    played = float(np.sqrt(np.sum(found[on] ** 2)))
    if played < GONE:
        return None
    on[0] = True
    return decibels(float(np.sqrt(np.sum(found[~on] ** 2))) / played)


@dataclass(frozen=True)
class Swept:
    """The answer to an exponential sweep, told apart by Farina's method (2000): amplitudes relative to the stimulus.

    frequencies: of the fundamental, Hz; orders: by order (1 the linear response), NaN where the harmonic would be
    above the sweep. residue: energy that no order holds (aliases, noise, unrest) over all that came out, in dB.
    """

    frequencies: Signal
    orders: dict[int, Signal]
    residue: float | None

    def distortion(self) -> float | None:
        """Energy of all harmonics over that of the linear response, over the frequencies, in dB."""
        linear = float(np.sum(self.orders[1] ** 2))
        if linear < GONE**2:
            return None
        higher = sum(float(np.nansum(self.orders[n] ** 2)) for n in self.orders if n > 1)
        return decibels(math.sqrt(higher / linear))


def deconvolved(
    given: Signal,
    heard: Signal,
    *,
    low: float,
    high: float,
    seconds: float,
    rate: int,
    memory: float,
    frequencies: Signal,
) -> Swept:
    """Tell apart what came of the sweep `given`; `memory`: s in which the system's answer to an impulse dies away.

    The order n of a system without delay stands L ln n before the linear response (Farina 2000, 12). Each is cut out
    over `memory`, but at most half-way to its neighbours: a longer answer of a high order counts as residue.
    """
    size = int(2 ** math.ceil(math.log2(2 * heard.size)))
    played, answer = np.fft.rfft(given, size), np.fft.rfft(heard, size)
    grid = np.linspace(0.0, rate / 2, size // 2 + 1)
    band = _band(grid, low, high)
    power = np.abs(played) ** 2
    impulse = np.fft.irfft(band * answer * played.conj() / np.maximum(power, 1e-12 * power.max()))
    slowness = seconds / math.log(high / low)
    orders: dict[int, Signal] = {}
    kept = np.zeros(size)
    for order in range(1, HARMONICS + 1):
        place = -slowness * math.log(order)
        before = slowness * math.log((order + 1) / order) / 2
        after = slowness * math.log(order / (order - 1)) / 2 if order > 1 else math.inf
        # an order begins at `order · low` Hz, and rings there for a few periods to either side
        ringing = RINGING / (order * low)
        first = round((place - min(before, ringing)) * rate)
        last = min(round((place + min(after, memory + ringing)) * rate), first + size // 2)
        cut = np.zeros(size)
        where = np.arange(first, last + 1) % size
        cut[where] = impulse[where]
        kept += cut
        at = order * frequencies
        found = np.interp(at, grid, np.abs(np.fft.rfft(cut)))
        orders[order] = np.where(at <= high / END, found, np.nan)
    rest = np.abs(band * answer - np.fft.rfft(kept) * played)
    came = float(np.sqrt(np.sum(np.abs(band * answer) ** 2)))
    residue = decibels(float(np.sqrt(np.sum(rest**2))) / came) if came > GONE else None
    return Swept(frequencies, orders, residue)


def _band(grid: Signal, low: float, high: float) -> Signal:
    """1 from `BEGINNING` · `low` to `high` / `END` Hz, falling to 0 at `low` and `high` by raised cosines."""
    with np.errstate(divide="ignore"):
        rising, falling = (
            np.log(grid / low) / math.log(BEGINNING),
            np.log(high / grid) / math.log(END),
        )
    return (1 - np.cos(np.pi * np.clip(np.minimum(rising, falling), 0, 1))) / 2


def decay_time(impulse: Signal, rate: int) -> float | None:
    """Reverberation time (s) from −5 to −25 dB of the energy still to come (ISO 3382-1's T20, Schroeder 1965)."""
    energy = np.cumsum(impulse[::-1] ** 2)[::-1]
    if energy.size == 0 or energy[0] < GONE**2:
        return None
    fall = 10 * np.log10(np.maximum(energy / energy[0], 1e-30))
    part = np.flatnonzero((fall <= -5) & (fall >= -25))
    if part.size < 3 or fall[-1] > -25:
        return None
    slope, _ = np.polyfit(part / rate, fall[part], 1)
    return float(-60 / slope) if slope < 0 else None


def levels(samples: Signal, rate: int, seconds: float) -> Signal:
    """Effective values of stretches of `seconds`, one after the other."""
    size = max(1, round(seconds * rate))
    count = samples.size // size
    return np.sqrt(np.mean(samples[: count * size].reshape(count, size) ** 2, axis=1))


def fallen(samples: Signal, rate: int, from_level: float, by: float) -> float | None:
    """Seconds until the level of 5 ms has fallen by `by` dB from the effective value `from_level` for good."""
    step = 0.005
    loud = np.flatnonzero(levels(samples, rate, step) > from_level * 10 ** (-by / 20))
    found = 0.0 if loud.size == 0 else (int(loud[-1]) + 1) * step
    return None if (found + step) * rate > samples.size else found


def settling(samples: Signal, rate: int, band: float = 0.05) -> tuple[float, float, float]:
    """Where `samples` come to rest (the mean of the last tenth), their largest magnitude, and the seconds until they
    stay within `band` of that magnitude around their rest."""
    rest = float(np.mean(samples[-max(1, samples.size // 10) :]))
    peak = float(np.abs(samples).max())
    away = np.flatnonzero(np.abs(samples - rest) > band * peak)
    return rest, peak, 0.0 if away.size == 0 else (int(away[-1]) + 1) / rate


def modulation(samples: Signal, carrier: int, step: int) -> float | None:
    """Depth of the amplitude modulation of the line `carrier` by a tone `step` lines of the spectrum high, 0 to 1."""
    found = lines_of(samples)
    if found[carrier] < GONE:
        return None
    return float((found[carrier - step] + found[carrier + step]) / found[carrier])


def warble(samples: Signal, rate: int, carrier: float) -> tuple[float, float] | None:
    """Swings of the frequency (Hz) and of the amplitude (share) of a tone around `carrier` Hz, both √2 of the
    effective swing; None for silence. Harmonics and the ends, where Hilbert's transform is at a loss, are left out."""
    if effective(samples) < GONE:
        return None
    spectrum = np.fft.fft(samples)
    place = np.fft.fftfreq(samples.size, 1 / rate)
    spectrum[(place < carrier / 2) | (place > 1.5 * carrier)] = 0
    analytic = 2 * np.fft.ifft(spectrum)
    cut = slice(samples.size // 10, -(samples.size // 10))
    course = np.diff(np.unwrap(np.angle(analytic)))[cut] * rate / (2 * np.pi)
    envelope = np.abs(analytic)[cut]
    if np.mean(envelope) < GONE:
        return None
    return (
        math.sqrt(2) * float(np.std(course)),
        math.sqrt(2) * float(np.std(envelope) / np.mean(envelope)),
    )


def transferred(
    given: Signal, heard: Signal, rate: int, low: float, high: float
) -> tuple[float, float] | None:
    """Spread (dB, from the 5th to the 95th hundredth) of the transfer function between `low` and `high` Hz, and the
    share of the power (dB) that is no linear answer: 1 − coherence; None for silence."""
    if effective(heard) < GONE:
        return None
    size = min(2_048, 2 ** (given.size.bit_length() - 4))
    frequencies, cross = dsp.csd(given, heard, rate, nperseg=size)
    _, power = dsp.welch(given, rate, nperseg=size)
    _, came = dsp.welch(heard, rate, nperseg=size)
    inside = (frequencies >= low) & (frequencies <= high)
    gain = np.abs(cross[inside]) / np.maximum(power[inside], 1e-300)
    level = 20 * np.log10(np.maximum(gain, 10 ** (FLOOR / 20)))
    linear = np.sum(np.abs(cross[inside]) ** 2 / np.maximum(power[inside], 1e-300))
    unlike = max(0.0, 1 - float(linear / max(np.sum(came[inside]), 1e-300)))
    spread: Sequence[float] = np.percentile(level, [5, 95]).tolist()
    return spread[1] - spread[0], decibels(math.sqrt(unlike))
