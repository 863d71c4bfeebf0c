"""Clean sound and noise mixed while training: the same clip is never heard twice.

Conventions: clips are float32 (clips, 1, frames); the ratio of a mixture is the energy of the clean clip over that of
the noise, dB; what a step mixes follows from the seed and the step alone. Test clips are made of files, or of the
last fifth of a file where there is only one, that no training mixture touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from models_registry import instruments, noises
from models_registry.audio import Audio, AudioError, mono, read, resample
from models_registry.engine.data import Clips, Dataset, recordings

Sound = NDArray[np.float32]

TEST_SEED, SPEED_SEED = 10_007, 3_001
# Peaks of a mixture: from soft to nearly full scale.
LEVELS_DB = (-30.0, -3.0)
# A clip whose level is below this has no programme to learn from.
SILENCE = 1e-4
DRAWS = 50
# A second noise beside the first is at most as loud, at least this much of it.
SECOND = 0.2
PITCHES = (92.0, 118.0, 150.0, 190.0, 225.0)


@dataclass(frozen=True)
class Variety:
    """What makes few recordings many: `colour`, the largest coefficient of a random filter of second order for each
    (0.375 moves the ends of the spectrum by up to 12 dB); `second`, how often two noises sound at once."""

    colour: float = 0.0
    second: float = 0.0


PLAIN = Variety()


@dataclass(frozen=True)
class Mixtures(Dataset):
    """A data set whose training clips are mixed anew at every step; `train` holds those of the first."""

    clean: list[Sound] = field(default_factory=list)
    noise: list[Sound] = field(default_factory=list)
    ratios: tuple[float, float] = (0.0, 15.0)
    segment: int = 0
    variety: Variety = PLAIN

    def batch(self, *, size: int, seed: int, step: int) -> Clips:
        draw = np.random.default_rng([seed, step])
        return mixed(self.clean, self.noise, size, self.segment, self.ratios, draw, self.variety)


def mixtures(data: Mapping[str, Any], *, rate: int, segment: int, seed: int) -> Mixtures:
    """The data set that a recipe's `data` of source "mixtures" describes; raises `AudioError`."""
    parts = []
    for side, make in (("clean", _voices), ("noise", _noises)):
        if folder := data.get(side):
            parts.append(recorded(folder, side, rate, segment))
        else:
            made = [make(data["seconds"], rate, one) for one in (seed, seed + TEST_SEED)]
            parts.append((made[0], made[1]))
    (clean, clean_test), (noise, noise_test) = parts
    ratios = (float(data["ratios"][0]), float(data["ratios"][1]))
    test = mixed(
        clean_test, noise_test, data["test_clips"], segment, ratios,
        np.random.default_rng([seed, TEST_SEED]),
    )  # fmt: skip
    if data.get("speed"):
        clean = clean + _at_other_speeds(clean, data["speed"], rate, segment, seed)
    variety = Variety(data.get("colour", 0.0), data.get("second", 0.0))
    first = mixed(
        clean, noise, data["test_clips"], segment, ratios, np.random.default_rng(seed), variety
    )
    return Mixtures(
        first, test, rate, data["skip"], data["remove_mean"], None,
        clean, noise, ratios, segment, variety,
    )  # fmt: skip


def mixed(
    clean: list[Sound],
    noise: list[Sound],
    size: int,
    segment: int,
    ratios: tuple[float, float],
    draw: np.random.Generator,
    variety: Variety = PLAIN,
) -> Clips:
    """`size` mixtures of `segment` frames."""
    noisy, wanted = [], []
    for _ in range(size):
        voice, other = (
            _coloured(_part(one, segment, draw), variety, draw) for one in (clean, noise)
        )
        if variety.second and draw.random() < variety.second:
            more = _coloured(_part(noise, segment, draw), variety, draw)
            other = _unit(other) + draw.uniform(SECOND, 1) * _unit(more)
        ratio = draw.uniform(*ratios)
        scale = np.sqrt(np.mean(voice**2) / np.mean(other**2)) * 10 ** (-ratio / 20)
        sum_of_both = voice + scale * other
        gain = 10 ** (draw.uniform(*LEVELS_DB) / 20) / np.abs(sum_of_both).max()
        noisy.append(gain * sum_of_both)
        wanted.append(gain * voice)
    dry, wet = (np.stack(one)[:, None].astype(np.float32) for one in (noisy, wanted))
    return Clips(torch.from_numpy(dry), torch.from_numpy(wet))


def _unit(sound: Sound) -> Sound:
    return sound / np.sqrt(np.mean(sound**2))


def _coloured(sound: Sound, variety: Variety, draw: np.random.Generator) -> Sound:
    """`sound` through a random filter: a microphone or a room not heard before (J.-M. Valin, MMSP 2018, eq. 12)."""
    if not variety.colour:
        return sound
    b, a = draw.uniform(-variety.colour, variety.colour, (2, 2))
    return lfilter([1, *b], [1, *a], sound).astype(np.float32)


def _at_other_speeds(
    sounds: list[Sound], most: float, rate: int, segment: int, seed: int
) -> list[Sound]:
    """Every one of `sounds` again, faster and higher or slower and deeper: other talkers with other vocal tracts."""
    draw = np.random.default_rng([seed, SPEED_SEED])
    played = [
        resample(Audio(one[None], round(rate * draw.uniform(1 - most, 1 + most))), rate).samples[0]
        for one in sounds
    ]
    return [one for one in played if one.size >= segment]


def _part(sounds: list[Sound], segment: int, draw: np.random.Generator) -> Sound:
    """A stretch of one of `sounds` that is not silent; long ones are drawn more often."""
    lengths = np.array([sound.size for sound in sounds], dtype=np.float64)
    for _ in range(DRAWS):
        sound = sounds[int(draw.choice(len(sounds), p=lengths / lengths.sum()))]
        start = int(draw.integers(sound.size - segment + 1))
        part = sound[start : start + segment]
        if np.sqrt(np.mean(part**2)) > SILENCE:
            return part
    raise AudioError(
        f"data: expected sound in most stretches of {segment} frames, found only silence in {DRAWS} draws"
    )


def _voices(seconds: float, rate: int, seed: int) -> list[Sound]:
    spoken = (
        instruments.voice(seconds, rate, np.random.default_rng([seed, n]), pitch=pitch)
        for n, pitch in enumerate(PITCHES)
    )
    return [(0.5 * one / np.abs(one).max()).astype(np.float32) for one in spoken]


def _noises(seconds: float, rate: int, seed: int) -> list[Sound]:
    return [
        (0.1 * make(seconds, rate, np.random.default_rng([seed, n]))).astype(np.float32)
        for n, make in enumerate(noises.NOISES.values())
    ]


def recorded(folder: str, side: str, rate: int, segment: int) -> tuple[list[Sound], list[Sound]]:
    """The recordings of `folder` at `rate`, to learn from and to judge by; raises `AudioError` naming `data.<side>`."""
    found = recordings(folder, side)
    sounds = [_sound(path, rate, segment) for path in found.values()]
    if len(sounds) == 1:
        border = sounds[0].size * 4 // 5
        parts = sounds[0][:border], sounds[0][border:]
        if parts[1].size < segment:
            raise AudioError(
                f"data.{side}: expected several files, or one of at least {5 * segment} frames, found one of "
                f"{sounds[0].size}"
            )
        return [parts[0]], [parts[1]]
    border = max(1, len(sounds) * 4 // 5)
    return sounds[:border], sounds[border:]


def _sound(path: Path, rate: int, segment: int) -> Sound:
    sound = resample(mono(read(path)), rate).samples[0]
    if sound.size < segment:
        raise AudioError(
            f"{path}: expected at least {segment} frames at {rate} Hz (training.segment), found {sound.size}"
        )
    return sound
