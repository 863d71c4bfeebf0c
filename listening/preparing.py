"""The sounds of one item made fit to be compared: level, time, polarity, format, length, offset.

Conventions: an item's sounds by name, among them the one they are held against (`against`); every act gives the sounds
it changed, and for each in a few words what was done to it. Whatever an item needs is done to all sounds of the item,
so that none can be told by it. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np

from metrics.alignment import estimate
from metrics.contract import MetricError
from metrics.loudness import integrated_loudness, true_peak
from models_registry.audio import Audio, AudioError, resample

Sounds = Mapping[str, Audio]

# what is left for codecs and converters above the true peak; EBU R 128's maximum
MAX_TRUE_PEAK_DBTP = -1.0
# below this a sound has too little of the reference in it to tell where it lies or which way up it is
LEAST_CORRELATION = 0.5
# gains below this are not worth another file
LEAST_GAIN_DB = 0.01


@dataclass(frozen=True)
class Change:
    """A sound as it has become, and what was done to it."""

    sound: Audio
    done: str


def loudness(sound: Audio) -> float:
    """Integrated loudness after BS.1770 in LUFS; raises `AudioError` for what is too quiet or short to have one."""
    try:
        return integrated_loudness(sound.samples.astype(np.float64), sound.rate)
    except MetricError as error:
        raise AudioError(f"the loudness cannot be told: {error}") from error


def loudness_aligned(
    sounds: Sounds,
    *,
    against: str,
    target: float | None = None,
    following: Container[str] = (),
) -> dict[str, Change]:
    """All sounds as loud as `target` (LUFS), or without one as the sound `against`.

    Those `following`, its anchors, are given its gain and no other: what they lack is theirs to show. Where a true
    peak would rise above −1 dBTP, all sounds of the item are turned down alike.
    """
    level = loudness(sounds[against]) if target is None else target
    own = level - loudness(sounds[against])
    gains = {
        name: own if name in following else level - loudness(sound)
        for name, sound in sounds.items()
    }
    over = max(
        _true_peak(sound) + gains[name] - MAX_TRUE_PEAK_DBTP for name, sound in sounds.items()
    )
    guard = max(over, 0.0) if any(abs(gain) >= LEAST_GAIN_DB for gain in gains.values()) else 0.0
    changes = {}
    for name, sound in sounds.items():
        gain = gains[name] - guard
        if abs(gain) >= LEAST_GAIN_DB:
            scaled = sound.samples * np.float32(10 ** (gain / 20))
            changes[name] = Change(Audio(scaled, sound.rate), f"{gain:+.2f} dB for equal loudness")
    return changes


def _true_peak(sound: Audio) -> float:
    return true_peak(sound.samples.astype(np.float64), sound.rate)


def time_aligned(sounds: Sounds, *, against: str) -> dict[str, Change]:
    """Every sound moved by whole samples to where it lies best under the sound `against`, its length kept."""
    changes = {}
    for name, sound in sounds.items():
        lag, _ = lie(sounds[against], sound) or (0, False)
        if lag:
            moved = np.zeros_like(sound.samples)
            if lag > 0:
                moved[:, :-lag] = sound.samples[:, lag:]
            else:
                moved[:, -lag:] = sound.samples[:, :lag]
            changes[name] = Change(
                Audio(moved, sound.rate), f"moved by {-1000 * lag / sound.rate:+.2f} ms"
            )
    return changes


def lie(reference: Audio, sound: Audio) -> tuple[int, bool] | None:
    """By how many samples `sound` comes late, and whether it is the wrong way up.

    None where the two have too little in common to tell.
    """
    if reference.rate != sound.rate:
        return None
    found = estimate(reference.samples, sound.samples, sound.rate)
    if found is None or found.correlation < LEAST_CORRELATION:
        return None
    # a lag of half the sound would leave nothing to hear
    return (found.lag, found.polarity < 0) if abs(found.lag) < sound.frames / 2 else None


def upright(sounds: Sounds, *, against: str) -> dict[str, Change]:
    """Sounds that are the wrong way up turned over."""
    return {
        name: Change(Audio(-sound.samples, sound.rate), "polarity inverted")
        for name, sound in sounds.items()
        if (lie(sounds[against], sound) or (0, False))[1]
    }


def alike(sounds: Sounds, *, against: str) -> dict[str, Change]:
    """The rate of the sound `against`, as many channels as the one with most, and the length of the shortest."""
    rate = sounds[against].rate
    channels = max(sound.channels for sound in sounds.values())
    done: dict[str, list[str]] = {name: [] for name in sounds}
    made = {}
    for name, sound in sounds.items():
        if sound.rate != rate:
            done[name].append(f"resampled from {sound.rate} to {rate} Hz")
            sound = resample(sound, rate)
        if sound.channels != channels:
            if sound.channels != 1:
                raise AudioError(
                    f"{name}: expected 1 or {channels} channels, found {sound.channels}: mix it down first"
                )
            done[name].append(f"one channel played on {channels}")
            sound = Audio(np.repeat(sound.samples, channels, axis=0), rate)
        made[name] = sound
    frames = min(sound.frames for sound in made.values())
    for name, sound in made.items():
        if sound.frames > frames:
            done[name].append(f"cut by {1000 * (sound.frames - frames) / rate:.1f} ms at its end")
            made[name] = Audio(sound.samples[:, :frames].copy(), rate)
    return {name: Change(made[name], ", ".join(words)) for name, words in done.items() if words}


def without_offset(sounds: Sounds, *, least: float) -> dict[str, Change]:
    """Sounds whose mean is `least` (of full scale) or more from zero, around zero."""
    changes = {}
    for name, sound in sounds.items():
        mean = sound.samples.mean(axis=1, keepdims=True, dtype=np.float64)
        if np.abs(mean).max() >= least:
            level = (sound.samples - mean).astype(np.float32)
            changes[name] = Change(
                Audio(level, sound.rate), f"offset of {100 * np.abs(mean).max():.2f} % removed"
            )
    return changes


def silence_at_ends(sound: Audio, *, below_db: float) -> tuple[float, float]:
    """Seconds before the first and after the last sample above `below_db` dBFS."""
    loud = np.flatnonzero(np.abs(sound.samples).max(axis=0) > 10 ** (below_db / 20))
    if not loud.size:
        return sound.duration, sound.duration
    return int(loud[0]) / sound.rate, (sound.frames - 1 - int(loud[-1])) / sound.rate
