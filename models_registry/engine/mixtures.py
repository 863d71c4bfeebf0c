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

from models_registry import instruments, noises
from models_registry.audio import AudioError, mono, read, resample
from models_registry.engine.data import Clips, Dataset, recordings

Sound = NDArray[np.float32]

TEST_SEED = 10_007
# Peaks of a mixture: from soft to nearly full scale.
LEVELS_DB = (-30.0, -3.0)
# A clip whose level is below this has no programme to learn from.
SILENCE = 1e-4
DRAWS = 50
PITCHES = (92.0, 118.0, 150.0, 190.0, 225.0)


@dataclass(frozen=True)
class Mixtures(Dataset):
    """A data set whose training clips are mixed anew at every step; `train` holds those of the first."""

    clean: list[Sound] = field(default_factory=list)
    noise: list[Sound] = field(default_factory=list)
    ratios: tuple[float, float] = (0.0, 15.0)
    segment: int = 0

    def batch(self, *, size: int, seed: int, step: int) -> Clips:
        draw = np.random.default_rng([seed, step])
        return mixed(self.clean, self.noise, size, self.segment, self.ratios, draw)


def mixtures(data: Mapping[str, Any], *, rate: int, segment: int, seed: int) -> Mixtures:
    """The data set that a recipe's `data` of source "mixtures" describes; raises `AudioError`."""
    parts = []
    for side, make in (("clean", _voices), ("noise", _noises)):
        if folder := data.get(side):
            parts.append(_read(folder, side, rate, segment))
        else:
            made = [make(data["seconds"], rate, one) for one in (seed, seed + TEST_SEED)]
            parts.append((made[0], made[1]))
    (clean, clean_test), (noise, noise_test) = parts
    ratios = (float(data["ratios"][0]), float(data["ratios"][1]))
    test = mixed(
        clean_test, noise_test, data["test_clips"], segment, ratios,
        np.random.default_rng([seed, TEST_SEED]),
    )  # fmt: skip
    first = mixed(clean, noise, data["test_clips"], segment, ratios, np.random.default_rng(seed))
    return Mixtures(
        first, test, rate, data["skip"], data["remove_mean"], None,
        clean, noise, ratios, segment,
    )  # fmt: skip


def mixed(
    clean: list[Sound],
    noise: list[Sound],
    size: int,
    segment: int,
    ratios: tuple[float, float],
    draw: np.random.Generator,
) -> Clips:
    """`size` mixtures of `segment` frames."""
    noisy, wanted = [], []
    for _ in range(size):
        voice, other = _part(clean, segment, draw), _part(noise, segment, draw)
        ratio = draw.uniform(*ratios)
        scale = np.sqrt(np.mean(voice**2) / np.mean(other**2)) * 10 ** (-ratio / 20)
        sum_of_both = voice + scale * other
        gain = 10 ** (draw.uniform(*LEVELS_DB) / 20) / np.abs(sum_of_both).max()
        noisy.append(gain * sum_of_both)
        wanted.append(gain * voice)
    dry, wet = (np.stack(one)[:, None].astype(np.float32) for one in (noisy, wanted))
    return Clips(torch.from_numpy(dry), torch.from_numpy(wet))


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


def _read(folder: str, side: str, rate: int, segment: int) -> tuple[list[Sound], list[Sound]]:
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
