"""Sounds made ready to be stored, all of them or none: the long part of keeping many, before a transaction begins.

A staged sound has its file, complete, in a folder of its own; storing it moves the file and writes the row. So whoever
makes many sounds holds the database for as long as the rows take, and one that fails or is stopped leaves nothing.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import soundfile
from django.conf import settings
from django.core.files import File
from django.db import transaction

from models_registry import audio
from models_registry.audio import Audio
from models_registry.models import Signal

# what a process that died has left
KEPT_S = 24 * 3600


@dataclass(frozen=True)
class Staged:
    """A sound that is ready to be stored: what its row will say, and where its file lies; `peak` is 1 at full scale."""

    sha256: str
    rate: int
    channels: int
    frames: int
    peak: float
    provenance: str
    path: Path

    def audio(self) -> Audio:
        samples, rate = soundfile.read(self.path, dtype="float32", always_2d=True)
        return Audio(samples.T.copy(), rate)


class Stage:
    """The folder, for as long as the sounds in it are being made."""

    def __init__(self) -> None:
        self.folder = _root() / str(uuid.uuid4())
        self._new: list[Signal] = []

    def __enter__(self) -> Stage:
        sweep()
        self.folder.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, sound: Audio, *, provenance: str = "") -> Staged:
        sha256 = audio.content_hash(sound)
        path = self.folder / f"{sha256}.wav"
        if not path.exists():
            audio.write(path, sound)
        peak = float(np.abs(sound.samples).max())
        return Staged(sha256, sound.rate, sound.channels, sound.frames, peak, provenance, path)

    @contextmanager
    def together(self) -> Iterator[None]:
        """A transaction; where it fails, the files of the sounds that were stored in it are gone too."""
        self._new.clear()
        try:
            with transaction.atomic():
                yield
        except BaseException:
            for signal in self._new:
                signal.file.storage.delete(str(signal.file.name))
            raise

    def store(self, staged: Staged, *, title: str) -> Signal:
        """The stored sound; to be called `together`."""
        if existing := Signal.objects.filter(sha256=staged.sha256).first():
            return existing
        with staged.path.open("rb") as file:
            stored, created = Signal.objects.keep(
                _Whole(file, staged.path),
                sha256=staged.sha256,
                rate=staged.rate,
                channels=staged.channels,
                frames=staged.frames,
                title=title,
                provenance=staged.provenance,
            )
        if created:
            self._new.append(stored)
        return stored


class _Whole(File[bytes]):
    """A complete file, which a storage on the same disk moves by its path instead of reading it."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def sweep() -> None:
    """Throw away what has lain there for more than a day."""
    for place in _root().glob("*"):
        if place.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(place, ignore_errors=True)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT, "staging")
