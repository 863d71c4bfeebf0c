"""Files on their way from a browser, piece by piece: what was interrupted goes on where it stopped.

A parcel is what somebody chose to send: names and sizes. The same choice by the same person is the same parcel, on a
reload or another day, and says how much of each file is here. A piece counts only where it joins what is here. What is
not complete is kept for a day after its last piece; a parcel that is taken (listening/intake.py) is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from django.conf import settings

from listening.intake import KEPT_S
from listening.unpacking import CHUNK, IntakeError, checked_name

# what a browser sends at once; a lost connection costs no more
PIECE = 4 << 20
_NAMESPACE = uuid.UUID("0b0a3a52-6c2e-4a55-9d5e-8f1e6f6a7c11")


class Readable(Protocol):
    """What a piece comes from, such as a request."""

    def read(self, size: int, /) -> bytes: ...


class Misplaced(Exception):
    """A piece that does not begin where the file ends; `held` is how much is here, in bytes."""

    def __init__(self, held: int) -> None:
        super().__init__(f"expected the piece that begins at {held}")
        self.held = held


@dataclass(frozen=True)
class Parcel:
    """What is to come: the files' names (paths below a folder) and sizes in bytes."""

    key: uuid.UUID
    owner: int
    files: list[tuple[str, int]]

    @property
    def place(self) -> Path:
        return _root() / str(self.owner) / str(self.key)

    def held(self) -> list[int]:
        """How much of each file is here, bytes."""
        return [_size(self.path(number)) for number in range(len(self.files))]

    def add(self, number: int, offset: int, source: Readable, length: int) -> int:
        """Join `length` bytes of `source` to file `number` at `offset`; how much is here then.

        Raises `Misplaced` where the file does not end at `offset`, and `IntakeError` for more than was announced. A
        piece that breaks off is as if it had not come.
        """
        if not 0 <= number < len(self.files):
            raise IntakeError(f"Expected one of {len(self.files)} files, found number {number}.")
        name, size = self.files[number]
        if length > PIECE or offset + length > size:
            raise IntakeError(f"{name}: expected {size} bytes in pieces, found more.")
        with self.path(number).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            held = file.seek(0, os.SEEK_END)
            if held != offset:
                raise Misplaced(held)
            left = length
            while left and (piece := source.read(min(CHUNK, left))):
                file.write(piece)
                left -= len(piece)
            if left:
                file.truncate(offset)
                raise IntakeError(f"{name}: expected {length} bytes, found {length - left}.")
        os.utime(self.place)
        return offset + length

    @contextmanager
    def opened(self) -> Iterator[list[tuple[str, IO[bytes]]]]:
        """Every file by its name, while they are read; raises `IntakeError` where one is not all here."""
        lacking = [
            name for (name, size), held in zip(self.files, self.held(), strict=True) if held < size
        ]
        if lacking:
            raise IntakeError(f"Expected all files, found that {lacking[0]} is not all here.")
        with ExitStack() as stack:
            yield [
                (name, stack.enter_context(self.path(number).open("rb")))
                for number, (name, _) in enumerate(self.files)
            ]

    def discard(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    def path(self, number: int) -> Path:
        """Where the file of this number lies, as much of it as is here."""
        return self.place / str(number)


def announced(owner: int, files: Any) -> Parcel:
    """The parcel of `files`, a list of [name, bytes], new or begun before; raises `IntakeError` for too much."""
    checked = _checked(files)
    listed = json.dumps(checked)
    parcel = Parcel(uuid.uuid5(_NAMESPACE, f"{owner} {listed}"), owner, checked)
    sweep()
    parcel.place.mkdir(parents=True, exist_ok=True)
    (parcel.place / "files.json").write_text(listed, "utf-8")
    os.utime(parcel.place)
    return parcel


def parcel_of(owner: int, key: uuid.UUID) -> Parcel:
    """What `owner` announced under `key`; raises `IntakeError` where that is nothing."""
    try:
        listed = json.loads((_root() / str(owner) / str(key) / "files.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise IntakeError(
            "Expected files that were announced, found none: they are kept for a day."
        ) from None
    return Parcel(key, owner, [(name, size) for name, size in listed])


def sweep() -> None:
    """Throw away what nothing was added to for a day."""
    for place in _root().glob("*/*"):
        if place.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(place, ignore_errors=True)


def _checked(files: Any) -> list[tuple[str, int]]:
    if not isinstance(files, list) or not files:
        raise IntakeError("Expected a list of files, found none.")
    if len(files) > settings.CAMPAIGN_FILES:
        raise IntakeError(f"Expected at most {settings.CAMPAIGN_FILES} files, found {len(files)}.")
    checked = []
    for one in files:
        match one:
            case [str(name), int(size)] if size >= 0:
                checked.append((checked_name(name), size))
            case _:
                raise IntakeError("Expected a name and a size for each file, found something else.")
    total = sum(size for _, size in checked)
    if total > settings.CAMPAIGN_MB * 1_000_000:
        raise IntakeError(
            f"Expected at most {settings.CAMPAIGN_MB} MB, found {total / 1e6:.0f} MB."
        )
    for name, size in checked:
        if size == 0:
            raise IntakeError(f"{PurePosixPath(name).name}: expected a sound, found an empty file.")
    return checked


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _root() -> Path:
    return Path(settings.MEDIA_ROOT, "parcels")
