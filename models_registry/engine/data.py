"""Dry and wet clips to learn from: recordings in two folders, or the project's own instruments through its own device.

Conventions: clips are float32 (clips, 1, frames) at one rate; the first `skip` frames of a clip are run through
but not judged (filters settle); with `remove_mean` the judged part's mean is taken from target and output alike,
because devices block direct current and simulations drift.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry import devices, instruments
from models_registry.audio import AudioError, Samples, mono, read

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}
# The test set is other music by the same instruments.
TEST_SEED = 10_007


@dataclass(frozen=True)
class Clips:
    """Aligned input and output of a device, (clips, 1, frames) float32 each."""

    dry: Tensor
    wet: Tensor

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

    def judged(self, signal: Tensor) -> Tensor:
        """The part of `signal` (..., frames) that counts."""
        part = signal[..., self.skip :]
        return part - part.mean(-1, keepdim=True) if self.remove_mean else part


def dataset(data: Mapping[str, Any], *, rate: int, segment: int, seed: int) -> Dataset:
    """Make the data set that a recipe's `data` describes, in clips of `segment` frames at `rate` Hz."""
    skip = data["skip"]
    if segment <= skip:
        raise AudioError(
            f"data: expected segments longer than the {skip} frames skipped, found {segment}"
        )
    if data["source"] == "pairs":
        train, test = _pairs(data, rate, segment)
    else:
        train = _cut(_synthetic(data["seconds"], rate, seed), segment, skip)
        test = _cut(_synthetic(data["seconds"], rate, seed + TEST_SEED), segment, skip)
    return Dataset(train, test, rate, skip, data["remove_mean"])


def _synthetic(seconds: float, rate: int, seed: int) -> list[tuple[str, Samples, Samples]]:
    sources = instruments.sources(rate=rate, seconds=seconds, seed=seed)
    return [
        (name, source.samples, devices.overdrive(source).samples)
        for name, source in sources.items()
    ]


def _natural(path: Path) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.stem)]


def _names(folder: str, side: str) -> dict[str, Path]:
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


def _pairs(data: Mapping[str, Any], rate: int, segment: int) -> tuple[Clips, Clips]:
    dry, wet = _names(data["dry"], "dry"), _names(data["wet"], "wet")
    for one, other, missing in (("dry", "wet", dry.keys() - wet), ("wet", "dry", wet.keys() - dry)):
        if missing:
            raise AudioError(
                f"data: expected every {one} file to have a {other} one of the same name, "
                f"found none for '{min(missing)}'"
            )
    names = list(dry)
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
        _cut(
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


def _cut(pairs: list[tuple[str, Samples, Samples]], segment: int, skip: int) -> Clips:
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
            # a rest teaches nothing and its error-to-signal ratio is undefined
            if np.abs(target[:, part][:, skip:]).max() > 1e-4:
                dry.append(source[:, part])
                wet.append(target[:, part])
    if not dry:
        raise AudioError(
            "data: expected audible targets, found only silence after the skipped part"
        )
    return Clips(torch.from_numpy(np.stack(dry)), torch.from_numpy(np.stack(wet)))
