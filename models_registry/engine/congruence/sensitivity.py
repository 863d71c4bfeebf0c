"""Just-noticeable differences of a listener, by staircase; and what it misses beside a loud band of noise.

Conventions: as in `tasks` and `listener`; levels in dB SPL, frequencies in Hz. The difference at a rung of the ladder
is the task's largest one halved every `PER_OCTAVE` rungs from the top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from models_registry.engine import auditory
from models_registry.engine.congruence.layout import erb
from models_registry.engine.congruence.listener import Decision, Listener, internal_noise, quiet
from models_registry.engine.congruence.staircase import PER_OCTAVE, climb, convergence
from models_registry.engine.congruence.tasks import CALIBRATION, TASKS, Task, gated, noise, tone

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]

RUNGS = 10 * PER_OCTAVE
# an octave or two below the easiest
START = RUNGS - 2 * PER_OCTAVE
TRACKS = 32
DOWN = 2
# noises or phases: half to learn from, half to tell by
CARRIERS = 12
CONFIDENCE = 0.95

MASKER_HZ, MASKER_LEVEL = 1_000.0, 70.0
# Bark from the masker
PROBES = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)
LOUDEST = 100.0


@dataclass(frozen=True)
class Threshold:
    """What `task` comes to: the geometric mean over tracks in its unit with its interval, and over people's; None where
    even the largest difference is not told, the smallest one (`at_most`) where that still is. `trials` is the number
    of answers."""

    task: str
    title: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    ratio: float | None
    tracks: int
    trials: int
    human: tuple[float, float]
    source: str
    at_most: bool


@dataclass(frozen=True)
class MaskingCurve:
    """Levels (dB SPL) from which a tone is told beside a band of noise, at `frequencies`, with the textbook's; None
    where even the loudest is not."""

    masker_frequency: float
    masker_level: float
    frequencies: tuple[float, ...]
    levels: tuple[float | None, ...]
    textbook: tuple[float, ...]


def calibrated(listener: Listener, rate: int) -> float:
    """The internal noise with which `listener` just tells what people just tell of the level of a tone of 1 kHz at 65
    dB SPL; raises `EngineError` where it does not change with the level."""
    standards, targets = (
        listener(_sounds(CALIBRATION, by, rate, seed=0)) for by in (0.0, CALIBRATION.person)
    )
    return internal_noise(standards, targets, down=DOWN)


def _sounds(task: Task, difference: float, rate: int, *, seed: int) -> Array:
    draws = [np.random.default_rng([seed, 2, n]) for n in range(CARRIERS)]
    return np.stack([task.sound(difference, rate, draw) for draw in draws])


def thresholds(
    listener: Listener,
    *,
    rate: int,
    noise: float,
    tasks: Sequence[Task] = TASKS,
    seed: int = 0,
    progress: Progress = lambda share, message: None,
) -> list[Threshold]:
    """The just-noticeable difference of `listener` with internal `noise` in each of `tasks`."""
    found = []
    for number, task in enumerate(tasks):
        progress(number / len(tasks), task.title)
        found.append(_threshold(listener, task, rate, noise, seed))
    return found


def _threshold(listener: Listener, task: Task, rate: int, noise: float, seed: int) -> Threshold:
    ladder = _Ladder(listener, task, rate, noise, seed)
    draw = np.random.default_rng([seed, 1])
    result = climb(
        lambda rungs: np.array([ladder.at(int(rung)).right(draw) for rung in rungs]),
        top=RUNGS,
        start=START,
        tracks=TRACKS,
        down=DOWN,
    )
    known = result.rungs[np.isfinite(result.rungs)]
    value = low = high = None
    # who only guesses has tracks that seem to come to something near the top
    told = ladder.at(RUNGS).share >= convergence(DOWN)
    at_most = told and ladder.at(0).share >= convergence(DOWN)
    if at_most:
        value = _difference(task, 0)
    elif told and len(known) > TRACKS / 2:
        mean = float(known.mean())
        margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1) * stats.sem(known))
        low, value, high = (_difference(task, mean + by) for by in (-margin, 0.0, margin))
    return Threshold(
        task.name,
        task.title,
        task.unit,
        value,
        low,
        high,
        None if value is None else value / task.person,
        len(known),
        result.trials,
        task.human,
        task.source,
        at_most,
    )


def _difference(task: Task, rung: float) -> float:
    return float(task.top * 2 ** ((rung - RUNGS) / PER_OCTAVE))


class _Ladder:
    """The decisions of a listener by rung, each sound heard once."""

    def __init__(self, listener: Listener, task: Task, rate: int, noise: float, seed: int) -> None:
        self.listener, self.task, self.rate = listener, task, rate
        self.noise, self.seed = noise, seed
        self.standards = self._heard(0.0)
        self.known: dict[int, Decision] = {}

    def at(self, rung: int) -> Decision:
        if rung not in self.known:
            targets = self._heard(_difference(self.task, rung))
            self.known[rung] = Decision(self.standards, targets, noise=self.noise)
        return self.known[rung]

    def _heard(self, difference: float) -> Array:
        return self.listener(_sounds(self.task, difference, self.rate, seed=self.seed))


# masking


def textbook(frequency: float) -> float:
    """The level (dB SPL) from which a tone is heard beside narrow-band noise of `MASKER_LEVEL` at 1 kHz: 3 dB below it
    at its place (E. Zwicker, H. Fastl, Psychoacoustics, section 4.1.2), from there down by 27 dB per Bark, up by 24 +
    0.23 / f − 0.2 L dB per Bark (E. Terhardt, Hearing Research 1, 1979), and never below the threshold in quiet."""
    at = auditory.bark(torch.tensor([frequency, MASKER_HZ], dtype=torch.float64))
    away = float(at[0] - at[1])
    upwards = 24 + 0.23 / (MASKER_HZ / 1_000) - 0.2 * MASKER_LEVEL
    masked = MASKER_LEVEL - 3 - (upwards * away if away > 0 else -27 * away)
    return max(masked, float(quiet(np.array(frequency))))


def masking_curve(
    listener: Listener,
    *,
    rate: int,
    noise: float,
    probes: Sequence[float] = PROBES,
    seed: int = 0,
    progress: Progress = lambda share, message: None,
) -> MaskingCurve:
    """The level of a tone that `listener` with internal `noise` tells as often as a staircase comes to, beside noise
    one ERB wide, at each of `probes` (Bark from it); found by halving the range, since the share of right answers is
    known exactly."""
    masked = _Masked(listener, rate, noise, seed)
    frequencies, levels = [], []
    for number, away in enumerate(probes):
        frequency = _at_bark(away)
        if frequency > 0.45 * rate:
            continue
        progress(number / len(probes), f"a tone of {frequency:.0f} Hz beside noise at 1 kHz")
        frequencies.append(frequency)
        levels.append(masked.level(frequency))
    return MaskingCurve(
        MASKER_HZ,
        MASKER_LEVEL,
        tuple(frequencies),
        tuple(levels),
        tuple(textbook(one) for one in frequencies),
    )


def _at_bark(away: float) -> float:
    grid = torch.linspace(100, 10_000, 99_001, dtype=torch.float64)
    places = auditory.bark(grid)
    goal = auditory.bark(torch.tensor(MASKER_HZ, dtype=torch.float64)) + away
    return round(float(grid[torch.searchsorted(places, goal)]))


class _Masked:
    def __init__(self, listener: Listener, rate: int, noise: float, seed: int) -> None:
        self.listener, self.rate, self.noise = listener, rate, noise
        self.maskers = np.stack(
            [self._masker(np.random.default_rng([seed, 3, n])) for n in range(CARRIERS)]
        )
        self.standards = self._heard(0.0 * self.maskers[0])

    def _masker(self, draw: np.random.Generator) -> Array:
        half = float(erb(MASKER_HZ)) / 2
        return noise(MASKER_LEVEL, self.rate, draw, ends=(MASKER_HZ - half, MASKER_HZ + half))

    def _heard(self, probe: Array) -> Array:
        return self.listener(np.stack([gated(one + probe, self.rate) for one in self.maskers]))

    def _share(self, frequency: float, level: float) -> float:
        targets = self._heard(tone(frequency, level, self.rate))
        return Decision(self.standards, targets, noise=self.noise).share

    def level(self, frequency: float) -> float | None:
        low, high = float(quiet(np.array(frequency))) - 20, LOUDEST
        if self._share(frequency, high) < convergence(DOWN):
            return None
        for _ in range(math.ceil(math.log2((high - low) / 0.5))):
            middle = (low + high) / 2
            if self._share(frequency, middle) < convergence(DOWN):
                low = middle
            else:
                high = middle
        return (low + high) / 2
