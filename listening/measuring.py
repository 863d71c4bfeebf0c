"""What a campaign's sounds are like, by themselves and under each other: measured once, and kept, since signals never
change.

Reading and measuring takes about a tenth of the time that it takes to hear them, so what is long is done by a job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from soundfile import LibsndfileError

from listening import preparing
from listening.models import Campaign, Measured, Stimulus, Trial
from metrics.level import clipping, dc_offset
from models_registry.audio import Audio, AudioError
from models_registry.models import Signal

SILENT_DBFS = -60.0
# raised where a measure becomes another: the old ones are then asked for no more
VERSION = 1
UNREADABLE = (AudioError, OSError, LibsndfileError)


@dataclass(frozen=True)
class Heard:
    """What one sound is like by itself."""

    dc_percent: float
    clipped_percent: float
    silent_start_s: float
    silent_end_s: float
    loudness_lufs: float | None


@dataclass(frozen=True)
class Lie:
    """By how many ms a sound comes late under another, and whether it is the wrong way up."""

    lag_ms: float
    inverted: bool


class Ear:
    """The measures of a campaign's sounds: those that are kept, and others as they are asked for."""

    def __init__(self, campaign: Campaign) -> None:
        signals = Stimulus.objects.filter(trial__campaign=campaign).values("signal")
        rows = Measured.objects.filter(version=VERSION, signal__in=signals)
        self._kept: dict[tuple[int, int], dict[str, Any]] = {
            (row.signal_id, row.against_id): row.found for row in rows
        }
        self._read: dict[int, Audio] = {}

    def heard(self, signal: Signal) -> Heard:
        """Raises one of `UNREADABLE`."""
        return Heard(
            **self._found(signal, signal, lambda sound, _: asdict(_heard(sound, signal.provenance)))
        )

    def lie(self, signal: Signal, against: Signal) -> Lie:
        """Raises one of `UNREADABLE`."""
        if signal.pk == against.pk:
            return Lie(0.0, False)
        return Lie(**self._found(signal, against, lambda sound, under: asdict(_lie(under, sound))))

    def knows(self, signal: Signal, against: Signal) -> bool:
        return {(signal.pk, signal.pk), (signal.pk, against.pk)} <= self._kept.keys()

    def _found(
        self, signal: Signal, against: Signal, of: Callable[[Audio, Audio], dict[str, Any]]
    ) -> dict[str, Any]:
        key = (signal.pk, against.pk)
        if key not in self._kept:
            found = of(self._audio(signal), self._audio(against))
            row = Measured(signal=signal, against=against, version=VERSION, found=found)
            # two who look at once measure the same
            Measured.objects.bulk_create([row], ignore_conflicts=True)
            self._kept[key] = found
        return self._kept[key]

    def _audio(self, signal: Signal) -> Audio:
        """The sound; the last two are at hand, which are an item's reference and one under it."""
        sound = self._read.pop(signal.pk, None) or signal.audio()
        self._read[signal.pk] = sound
        while len(self._read) > 2:
            del self._read[next(iter(self._read))]
        return sound


def pairs(trial: Trial) -> tuple[Signal | None, list[Stimulus]]:
    """What the trial's sounds are held against (the open reference, or else the first of them), and its stimuli."""
    stimuli = [stimulus for stimulus in trial.stimuli.all() if stimulus.signal]
    return trial.reference or (stimuli[0].signal if stimuli else None), stimuli


def trials(campaign: Campaign) -> Iterator[Trial]:
    yield from campaign.trials.select_related("reference").prefetch_related(
        "stimuli__signal", "stimuli__condition"
    )


def lacking(campaign: Campaign) -> list[tuple[Signal, Signal]]:
    """The sounds that are not measured yet, each with the one that it is held against."""
    ear, found = Ear(campaign), {}
    for trial in trials(campaign):
        against, stimuli = pairs(trial)
        for stimulus in stimuli:
            assert stimulus.signal
            assert against
            if not ear.knows(stimulus.signal, against):
                found[stimulus.signal.pk, against.pk] = (stimulus.signal, against)
    return list(found.values())


def channel_seconds(signals: list[Signal]) -> float:
    """How much there is to read: seconds of one channel."""
    return sum(signal.duration * signal.channels for signal in signals)


def measure(campaign: Campaign, progress: Callable[[float, str], None]) -> int:
    """Measure what is not measured yet, as far as it can be read; how many sounds that were."""
    wanted, ear = lacking(campaign), Ear(campaign)
    for place, (signal, against) in enumerate(wanted):
        progress(place / len(wanted), f"measuring {place + 1} of {len(wanted)} sounds")
        try:
            ear.heard(signal)
            ear.lie(signal, against)
        except UNREADABLE:
            # the lint names it, with what to do
            continue
    return len(wanted)


def check_file(signal: Signal) -> None:
    """Raise one of `UNREADABLE` where the file of a sound that was read before is gone or cut short."""
    size, wanted = signal.file.size, 4 * signal.frames * signal.channels
    if size < wanted:
        raise AudioError(f"a file of {size} bytes, which should hold {wanted}")


# how an item's sounds say that they were turned down together (listening/sound_library.py), in dB
_TURNED_DOWN = re.compile(r" at (-[0-9.]+) dB, so that .* does not clip$")
# the dB are written to two places
_NEAR = 0.002


def _heard(sound: Audio, provenance: str = "") -> Heard:
    samples = sound.samples.astype(np.float64)
    peak = float(np.abs(samples).max())
    told = _TURNED_DOWN.search(provenance)
    full_scale = 10 ** (float(told[1]) / 20) if told else 1.0
    # what had clipped before it was turned down stands where full scale came to lie
    as_it_came = samples / peak if told and abs(peak / full_scale - 1) < _NEAR else samples
    try:
        level: float | None = preparing.loudness(sound)
    except AudioError:
        level = None
    start, end = preparing.silence_at_ends(sound, below_db=SILENT_DBFS)
    return Heard(
        float(dc_offset(samples, sound.rate)),
        float(clipping(as_it_came, sound.rate)),
        start,
        end,
        level,
    )


def _lie(reference: Audio, sound: Audio) -> Lie:
    lag, inverted = preparing.lie(reference, sound) or (0, False)
    return Lie(1000 * lag / sound.rate, bool(inverted))
