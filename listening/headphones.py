"""Headphone screening: who wears headphones, and the right way round. Pure: sounds and pass marks, no database.

Every trial is one stereo clip, and the listener names what was heard. Five tests:

woods     Three tones of 200 Hz, one after the other: which is the quietest? One is 6 dB quieter; another is in
          antiphase, so that loudspeakers, whose channels meet in the air, cancel it and make it seem the quietest. Six
          trials, the six orders once each; five right pass (chance: 1.8 %). K. J. P. Woods, M. H. Siegel, J. Traer,
          J. H. McDermott, "Headphone screening to facilitate web-based auditory experiments", Atten Percept
          Psychophys 79, 2064–2072 (2017).
huggins   Three noises: in which is a faint tone? One has its phase turned by 180° within ±6 % of 600 Hz in one ear
          only, which is heard as a pitch where each ear hears one channel. Six trials, all right to pass (chance:
          0.14 %). A. E. Milne et al., "An online headphone screening test based on dichotic pitch", Behav Res Methods
          53, 1551–1562 (2021).
channels  A tone on the left, on the right or on both sides: where? Four trials, all right to pass (chance: 1.2 %).
          It tells headphones that are on the wrong way round, and a device that plays in mono.
sum       One to four short tones in each ear: how many are they together? Two trials, one right to pass (chance: 27 %).
          P.808's set-up asks so for the sum of a number spoken in either ear: who hears one channel alone never finds
          it. Tones need no language.
noise     Two sounds with noise, 50 dB and 40 dB below them: which is the less noisy one? Four trials, two right to pass
          (chance: 69 %): who is in a noisy place, or listens very softly, hears no difference. P.808's set-up asks so
          of clips of speech; here it is a voiced sound of our own.

A lossy codec with joint stereo would destroy what the first two rest on: the clips are to be served as PCM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from listening.design import shuffled
from listening.marking import gettext_noop as _
from models_registry.audio import Audio

RATE = 48_000
# P.808's pairs for the listening environment: 40 dB against 50 dB of signal-to-noise ratio
NOISE_SNR_DB, NOISE_QUIETER_DB = 40.0, 50.0
VOICE_HZ, VOICE_PARTIALS, VOICE_PEAK, VOICE_RAMP_S = 120.0, 30, 0.25, 0.05
INTERVAL_S, GAP_S = 1.0, 0.5

# Woods et al. 2017, Methods: 200 Hz, 1000 ms with ramps of 100 ms, the target 6 dB below the others
WOODS_HZ, WOODS_RAMP_S, WOODS_TARGET_DB = 200.0, 0.1, -6.0
WOODS_PEAK = 0.5
# Milne et al. 2021: 180° within ±6 % of 600 Hz, in the right channel
HUGGINS_HZ, HUGGINS_HALF_WIDTH, HUGGINS_RAMP_S = 600.0, 0.06, 0.02
HUGGINS_RMS = 0.08
# a channel's tones in the question for their sum, and the places in time that they share
SUM_MOST, SUM_TONE_S, SUM_STEP_S = 4, 0.15, 0.4
CHANNELS_HZ, CHANNELS_RAMP_S, CHANNELS_PEAK = 500.0, 0.02, 0.25

Samples = npt.NDArray[np.float64]


class ClipError(ValueError):
    """A clip that no test has; the message says what was expected and found."""


@dataclass(frozen=True)
class Test:
    """One screening test: what is asked, which answers there are, and how many must be right."""

    name: str
    title: str
    question: str
    answers: tuple[str, ...]
    trials: int
    pass_mark: int
    # how many intervals a clip has
    intervals: int
    citation: str
    # a right answer and what makes the clip one's own → (2, frames)
    sound: Callable[[str, str], Samples]
    # a seed → the variants to present, in order; what is before the first "-" is the right answer
    draw: Callable[[str], list[str]]

    def passed(self, right: int) -> bool:
        return right >= self.pass_mark


def right_answer(variant: str) -> str:
    """What a listener with headphones answers to this variant of a clip."""
    return variant.partition("-")[0]


def clip(name: str, *, seed: str) -> Audio:
    """The sound of the clip `test/variant`, in stereo; the same seed gives the same samples."""
    test, _, variant = name.partition("/")
    if test not in TESTS or right_answer(variant) not in TESTS[test].answers:
        raise ClipError(f"expected test/variant with a test of {', '.join(TESTS)}, found {name!r}")
    return Audio(TESTS[test].sound(variant, seed).astype(np.float32), RATE)


def _ramped(samples: Samples, ramp_s: float) -> Samples:
    """Raised-cosine ramps at both ends of (channels, frames)."""
    frames = round(ramp_s * RATE)
    ramp = (1 - np.cos(np.pi * (np.arange(frames) + 0.5) / frames)) / 2
    shaped = samples.copy()
    shaped[:, :frames] *= ramp
    shaped[:, -frames:] *= ramp[::-1]
    return shaped


def _tone(frequency: float, peak: float, ramp_s: float) -> Samples:
    times = np.arange(round(INTERVAL_S * RATE)) / RATE
    return _ramped(peak * np.sin(2 * np.pi * frequency * times)[None], ramp_s)[0]


def _in_turn(intervals: list[Samples]) -> Samples:
    """Intervals one after the other, with gaps between."""
    gap = np.zeros((2, round(GAP_S * RATE)))
    parts = [intervals[0]]
    for interval in intervals[1:]:
        parts += [gap, interval]
    return np.concatenate(parts, axis=1)


def antiphase(variant: str, seed: str) -> Samples:
    """Woods et al.: `target-foil` are the places, from 1, of the quieter tone and of the one in antiphase."""
    target, foil = variant.split("-")
    tone = _tone(WOODS_HZ, WOODS_PEAK, WOODS_RAMP_S)
    diotic = np.stack([tone, tone])
    intervals = dict.fromkeys("123", diotic)
    intervals[target] = diotic * 10 ** (WOODS_TARGET_DB / 20)
    intervals[foil] = np.stack([tone, -tone])
    return _in_turn(list(intervals.values()))


def huggins(variant: str, seed: str) -> Samples:
    """Milne et al.: `variant` is the place, from 1, of the noise with the pitch."""
    rng = np.random.default_rng(list(seed.encode()))
    frames = round(INTERVAL_S * RATE)
    intervals = []
    for place in "123":
        noise = HUGGINS_RMS * rng.standard_normal(frames)
        intervals.append(_dichotic(noise) if place == variant else np.stack([noise, noise]))
    return _in_turn([_ramped(np.clip(interval, -1, 1), HUGGINS_RAMP_S) for interval in intervals])


def _dichotic(noise: Samples) -> Samples:
    spectrum = np.fft.rfft(noise)
    frequencies = np.fft.rfftfreq(noise.size, 1 / RATE)
    spectrum[np.abs(frequencies - HUGGINS_HZ) <= HUGGINS_HALF_WIDTH * HUGGINS_HZ] *= -1
    return np.stack([noise, np.fft.irfft(spectrum, noise.size)])


def noisy(variant: str, seed: str) -> Samples:
    """P.808's set-up: `variant` is the place, from 1, of the voiced sound with less noise."""
    rng = np.random.default_rng(list(seed.encode()))
    times = np.arange(round(INTERVAL_S * RATE)) / RATE
    # partials that fall by 6 dB an octave, with the phases of a voice's pulses smeared out
    partials = np.arange(1, VOICE_PARTIALS + 1)
    phases = np.pi * partials**2 / VOICE_PARTIALS  # Schroeder 1970: a flat envelope
    voice = (
        np.sin(2 * np.pi * VOICE_HZ * partials[:, None] * times + phases[:, None])
        / partials[:, None]
    ).sum(axis=0)
    voice *= VOICE_PEAK / np.abs(voice).max()
    intervals = []
    for place in _PAIR:
        snr_db = NOISE_QUIETER_DB if place == variant else NOISE_SNR_DB
        noise = rng.standard_normal(times.size)
        noise *= np.sqrt(np.mean(voice**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
        intervals.append(_ramped(np.tile(voice + noise, (2, 1)), VOICE_RAMP_S))
    return _in_turn(intervals)


def sides(variant: str, seed: str) -> Samples:
    """A tone on the side that `variant` names."""
    tone = _tone(CHANNELS_HZ, CHANNELS_PEAK, CHANNELS_RAMP_S)
    left, right = {"left": (1, 0), "right": (0, 1), "both": (1, 1)}[variant]
    return np.stack([left * tone, right * tone])


def altogether(variant: str, seed: str) -> Samples:
    """P.808's sum: `sum-left` are the numbers of tones in both ears and in the left one, in an order of the seed's."""
    total, left = (int(number) for number in variant.split("-"))
    ears = shuffled([0] * left + [1] * (total - left), seed=seed)
    frames, step = round(SUM_TONE_S * RATE), round(SUM_STEP_S * RATE)
    times = np.arange(frames) / RATE
    (tone,) = _ramped(
        CHANNELS_PEAK * np.sin(2 * np.pi * CHANNELS_HZ * times)[None], CHANNELS_RAMP_S
    )
    samples = np.zeros((2, 2 * SUM_MOST * step))
    for place, ear in enumerate(ears):
        samples[ear, place * step : place * step + frames] = tone
    return samples


def _sums(trials: int) -> Callable[[str], list[str]]:
    """Every number in either ear as likely as any other."""
    numbers = range(1, SUM_MOST + 1)
    every = [f"{left + right}-{left}" for left in numbers for right in numbers]
    return lambda seed: shuffled(every, seed=seed)[:trials]


def _six_orders(seed: str) -> list[str]:
    orders = [f"{target}-{foil}" for target, foil in permutations("123", 2)]
    return shuffled(orders, seed=seed)


def _independent(answers: tuple[str, ...], trials: int) -> Callable[[str], list[str]]:
    return lambda seed: [shuffled(answers, seed=f"{seed}/{trial}")[0] for trial in range(trials)]


_PAIR, _PLACES, _SIDES = ("1", "2"), ("1", "2", "3"), ("left", "right", "both")
_SUMS = tuple(str(number) for number in range(2, 2 * SUM_MOST + 1))

TESTS: dict[str, Test] = {
    test.name: test
    for test in (
        Test(
            "woods",
            _("Headphone check"),
            _("Which of the three tones is the quietest?"),
            _PLACES,
            trials=6,
            pass_mark=5,
            intervals=3,
            citation="Woods et al. 2017",
            sound=antiphase,
            draw=_six_orders,
        ),
        Test(
            "huggins",
            _("Headphone check"),
            _("In which of the three noises do you hear a faint tone?"),
            _PLACES,
            trials=6,
            pass_mark=6,
            intervals=3,
            citation="Milne et al. 2021",
            sound=huggins,
            draw=_independent(_PLACES, 6),
        ),
        Test(
            "channels",
            _("Left and right"),
            _("Where do you hear the tone?"),
            _SIDES,
            trials=4,
            pass_mark=4,
            intervals=1,
            citation="left, right and both sides",
            sound=sides,
            draw=_independent(_SIDES, 4),
        ),
        Test(
            "sum",
            _("Both ears"),
            _("How many short tones do you hear in both ears together?"),
            _SUMS,
            trials=2,
            pass_mark=1,
            intervals=1,
            citation="ITU-T P.808, stereo set-up",
            sound=altogether,
            draw=_sums(2),
        ),
        Test(
            "noise",
            _("A quiet place"),
            _("Which of the two sounds has less noise?"),
            _PAIR,
            trials=4,
            pass_mark=2,
            intervals=2,
            citation="ITU-T P.808, listening environment",
            sound=noisy,
            draw=_independent(_PAIR, 4),
        ),
    )
}
