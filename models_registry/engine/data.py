"""Dry and wet clips to learn from: recordings in two folders, or the project's own instruments through its own device
or through the recipe's own chain at settings that only the seed knows.

Conventions: clips are float32 (clips, 1, frames) at one rate; the first `skip` frames of a clip are run through
but not judged (filters settle); with `remove_mean` the judged part's mean is taken from target and output alike,
because devices block direct current and simulations drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry import devices, instruments
from models_registry.audio import AudioError, Samples, mono, read
from models_registry.engine.chain import Chain
from models_registry.engine.rendering import render
from models_registry.engine.starts import scattered

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}
# The test set is other music by the same instruments.
TEST_SEED = 10_007
# Away from the numbers of the starts that have to find the settings.
SETTINGS_SEED, NOISE_SEED = 1_009, 2_003


@dataclass(frozen=True)
class Clips:
    """Aligned input and output of a device, (clips, 1, frames) float32 each; `condition` names the device where the
    chain knows several."""

    dry: Tensor
    wet: Tensor
    condition: str | None = None

    def __len__(self) -> int:
        return int(self.dry.shape[0])


@dataclass(frozen=True)
class Dataset:
    """Clips to learn from and clips to judge by; nothing of the test is ever learned from."""

    train: Clips
    test: Clips
    rate: int
    skip: int
    remove_mean: bool
    # the chain that made the wet clips, where that is known
    truth: Chain | None = None

    def judged(self, signal: Tensor) -> Tensor:
        """The part of `signal` (..., frames) that counts."""
        part = signal[..., self.skip :]
        return part - part.mean(-1, keepdim=True) if self.remove_mean else part

    def batch(self, *, size: int, seed: int, step: int) -> Clips:
        """`size` clips to learn from at `step`, the same ones for the same seed."""
        draw = np.random.default_rng([seed, step])
        size = min(size, len(self.train))
        chosen = torch.from_numpy(draw.choice(len(self.train), size, replace=False))
        return Clips(self.train.dry[chosen], self.train.wet[chosen])

    def parts(self, size: int) -> Iterator[Clips]:
        """The clips to judge by, in parts of at most `size` of one device."""
        for start in range(0, len(self.test), size):
            part = slice(start, start + size)
            yield Clips(self.test.dry[part], self.test.wet[part])


def dataset(
    data: Mapping[str, Any], *, chain: Mapping[str, Any], segment: int, seed: int
) -> Dataset:
    """Make the data set that a recipe's `data` describes for its `chain`, in clips of `segment` frames, more than are
    skipped."""
    skip, rate, truth = data["skip"], chain["rate"], None
    if data["source"] == "pairs":
        train, test = _pairs(data, rate, segment)
    elif data["source"] == "settings":
        truth = scattered(Chain.from_spec(chain), seed=seed, number=SETTINGS_SEED)
        train, test = (
            cut(_played(truth, data["seconds"], one), segment, skip)
            for one in (seed, seed + TEST_SEED)
        )
        if "noise" in data:
            train = _noisy(train, data["noise"], seed)
    else:
        train = cut(_synthetic(data["seconds"], rate, seed), segment, skip)
        test = cut(_synthetic(data["seconds"], rate, seed + TEST_SEED), segment, skip)
    return Dataset(train, test, rate, skip, data["remove_mean"], truth)


def _synthetic(seconds: float, rate: int, seed: int) -> list[tuple[str, Samples, Samples]]:
    sources = instruments.sources(rate=rate, seconds=seconds, seed=seed)
    return [
        (name, source.samples, devices.overdrive(source).samples)
        for name, source in sources.items()
    ]


def _played(chain: Chain, seconds: float, seed: int) -> list[tuple[str, Samples, Samples]]:
    sources = instruments.sources(rate=chain.rate, seconds=seconds, seed=seed)
    return [
        (name, source.samples, render(chain, source.samples, chain.rate))
        for name, source in sources.items()
    ]


def _noisy(clips: Clips, level: float, seed: int) -> Clips:
    """White noise in every wet clip, `level` dB above its energy (below, where negative)."""
    noise = np.random.default_rng([seed, NOISE_SEED]).normal(size=clips.wet.shape)
    added = torch.from_numpy(noise.astype(np.float32))
    scale = clips.wet.square().mean(-1, keepdim=True).sqrt() * 10 ** (level / 20)
    return Clips(clips.dry, clips.wet + scale * added)


def _natural(path: Path) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.stem)]


def recordings(folder: str, side: str) -> dict[str, Path]:
    """The audio files of `folder` by name, in natural order; raises `AudioError` naming `data.<side>`."""
    if not Path(folder).is_dir():
        raise AudioError(
            f"data.{side}: expected a folder of recordings, found no such folder: {folder}"
        )
    files = sorted(
        (path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES), key=_natural
    )
    if not files:
        raise AudioError(f"data.{side}: expected audio files, found none in {folder}")
    return {path.stem: path for path in files}


def pairs_in(dry_folder: str, wet_folder: str, rate: int) -> list[tuple[str, Samples, Samples]]:
    """The recordings of two folders by name, dry and wet; raises `AudioError`."""
    dry, wet = recordings(dry_folder, "dry"), recordings(wet_folder, "wet")
    _matched(dry, wet)
    return [(name, *_pair(dry[name], wet[name], rate)) for name in dry]


def _matched(dry: Mapping[str, Path], wet: Mapping[str, Path]) -> None:
    for one, other, missing in (("dry", "wet", dry.keys() - wet), ("wet", "dry", wet.keys() - dry)):
        if missing:
            raise AudioError(
                f"data: expected every {one} file to have a {other} one of the same name, "
                f"found none for '{min(missing)}'"
            )


def _pairs(data: Mapping[str, Any], rate: int, segment: int) -> tuple[Clips, Clips]:
    dry, wet = recordings(data["dry"], "dry"), recordings(data["wet"], "wet")
    _matched(dry, wet)
    names = list(dry)
    if len(names) < 2:
        raise AudioError(
            f"data: expected at least two recordings, one of them for the test, found {len(names)} in {data['dry']}"
        )
    # without a division, the last fifth of the files is kept for the test
    border = max(1, len(names) * 4 // 5)
    parts = []
    for part, default in (("train", (0, border)), ("test", (border, len(names)))):
        start, stop = data[part] or default
        if not 0 <= start < stop <= len(names):
            raise AudioError(
                f"data.{part}: expected a range of files within 0 to {len(names)}, found {start} to {stop}"
            )
        parts.append(range(start, stop))
    if set(parts[0]) & set(parts[1]):
        raise AudioError(
            "data: expected no file both in train and in test, found overlapping ranges"
        )
    train, test = (
        cut(
            [(names[n], *_pair(dry[names[n]], wet[names[n]], rate)) for n in part],
            segment,
            data["skip"],
        )
        for part in parts
    )
    return train, test


def _pair(dry_path: Path, wet_path: Path, rate: int) -> tuple[Samples, Samples]:
    dry, wet = mono(read(dry_path)), mono(read(wet_path))
    for path, audio in ((dry_path, dry), (wet_path, wet)):
        if audio.rate != rate:
            raise AudioError(
                f"{path}: expected {rate} Hz, the chain's rate, found {audio.rate} Hz "
                f"(set chain.rate={audio.rate}, or convert the file)"
            )
    if dry.frames != wet.frames:
        raise AudioError(
            f"{wet_path}: expected {dry.frames} frames as in its dry file, found {wet.frames}"
        )
    return dry.samples, wet.samples


def cut(pairs: list[tuple[str, Samples, Samples]], segment: int, skip: int) -> Clips:
    """Clips of `segment` frames; each judges what follows the part judged by the clip before."""
    dry, wet = [], []
    for name, source, target in pairs:
        frames = source.shape[1]
        if frames < segment:
            raise AudioError(
                f"{name}: expected at least {segment} frames (training.segment), found {frames}"
            )
        for start in range(0, frames - segment + 1, segment - skip):
            part = slice(start, start + segment)
            judged = target[:, part][:, skip:]
            # a rest teaches nothing, nor does a constant, and its error-to-signal ratio is undefined
            if min(np.abs(judged).max(), np.ptp(judged)) > 1e-4:
                dry.append(source[:, part])
                wet.append(target[:, part])
    if not dry:
        raise AudioError(
            "data: expected audible targets, found only silence or a constant after the skipped part"
        )
    return Clips(torch.from_numpy(np.stack(dry)), torch.from_numpy(np.stack(wet)))
