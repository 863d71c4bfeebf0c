"""A bundle: one zip in which every file is held to its SHA-256 by a manifest. Pure.

`manifest.json` lists each file's size and hash. A hostile zip is refused before anything is unpacked: paths that lead
out, files named twice, unlisted or missing ones, more than was promised, encryption, or what swells beyond all measure.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from listening.exchange.errors import ExchangeError

FORMAT = "earwitness-bundle/1"
MANIFEST = "manifest.json"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
MAX_FILES, MAX_BYTES, MAX_MANIFEST = 200_000, 200 * 2**30, 64 * 2**20
PIECE = 2**20
# rows pack about 30 to 1, zeros 1000 to 1; small files may do as they like
MAX_RATIO, SMALL = 200, 16 * 2**20
# what a changed archive makes its readers raise
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


class BundleWriter:
    """Adds files one by one, hashing as they go by; `close` writes the manifest."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: bytes | IO[bytes], *, packed: bool = True) -> None:
        with self.open(name, packed=packed) as write:
            if isinstance(content, bytes):
                write(content)
            else:
                while piece := content.read(PIECE):
                    write(piece)

    @contextmanager
    def open(self, name: str, *, packed: bool = True) -> Iterator[Callable[[bytes], None]]:
        """What takes the file's bytes piece by piece."""
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self.archive.open(entry, "w", force_zip64=True) as file:

            def write(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                file.write(piece)

            yield write
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size}

    def close(self, facts: dict[str, Any]) -> None:
        manifest = {"format": FORMAT, **facts, "files": self.files}
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        self.archive.writestr(zipfile.ZipInfo(MANIFEST), text)


@contextmanager
def writing(path: Path) -> Iterator[BundleWriter]:
    """A new bundle at `path`, which is there once it is whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "x") as archive:
            yield BundleWriter(archive)
        os.replace(temporary, path)
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


class Bundle:
    """A bundle that is read; every file that it gives out was held to its hash."""

    def __init__(self, archive: zipfile.ZipFile, manifest: dict[str, Any], name: str) -> None:
        self.archive, self.manifest, self.name = archive, manifest, name

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.manifest["files"]
        return found

    def verify(self) -> None:
        """Hold every file to its hash; raises `ExchangeError` that names the first that is not as it was."""
        for name in self.files:
            for _ in self._pieces(name):
                pass

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise ExchangeError(f"{self.name}: expected the file {name}, found none")
        return b"".join(self._pieces(name))

    def _pieces(self, name: str) -> Iterator[bytes]:
        listed, digest, size = self.files[name], hashlib.sha256(), 0
        try:
            with self.archive.open(name) as file:
                while piece := file.read(PIECE):
                    size += len(piece)
                    if size > listed["bytes"]:
                        break
                    digest.update(piece)
                    yield piece
        except UNREADABLE as error:
            raise ExchangeError(f"{self.name}: {name} cannot be read: {error}") from error
        if size != listed["bytes"]:
            what = "more" if size > listed["bytes"] else str(size)
            raise ExchangeError(
                f"{self.name}: {name}: expected {listed['bytes']} bytes, found {what}"
            )
        if digest.hexdigest() != listed["sha256"]:
            raise ExchangeError(
                f"{self.name}: {name}: expected SHA-256 {listed['sha256'][:12]}…, "
                f"found {digest.hexdigest()[:12]}…: it was changed"
            )


@contextmanager
def reading(path: Path) -> Iterator[Bundle]:
    """The bundle at `path`, once its directory was found sound; raises `ExchangeError`."""
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise ExchangeError(f"{path.name}: expected a bundle, found no zip: {error}") from error
    with archive:
        yield Bundle(archive, _manifest(archive, path.name), path.name)


def _manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(names) > MAX_FILES:
        raise ExchangeError(f"{name}: expected at most {MAX_FILES} files, found {len(names)}")
    for entry in entries:
        if not NAME.fullmatch(entry.filename):
            raise ExchangeError(f"{name}: expected plain file names, found {entry.filename!r}")
        if entry.flag_bits & 1:
            raise ExchangeError(f"{name}: {entry.filename}: expected no encryption, found some")
        if entry.file_size > max(SMALL, MAX_RATIO * entry.compress_size):
            raise ExchangeError(f"{name}: {entry.filename}: swells beyond what rows and sounds do")
    if len(set(names)) < len(names):
        raise ExchangeError(f"{name}: expected each file once, found one twice")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise ExchangeError(f"{name}: expected at most {MAX_BYTES // 2**30} GiB, found more")
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > MAX_MANIFEST:
        raise ExchangeError(f"{name}: expected a {MANIFEST}, found none that can be read")
    try:
        manifest = json.loads(archive.read(MANIFEST))
        listed = manifest["files"]
        sound = manifest["format"] == FORMAT and all(
            isinstance(one["bytes"], int) and isinstance(one["sha256"], str)
            for one in listed.values()
        )
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise ExchangeError(f"{name}: expected a manifest of {FORMAT}, found another")
    if strange := sorted(set(listed) ^ (set(names) - {MANIFEST})):
        where = "not in the zip" if strange[0] in listed else "not in the manifest"
        raise ExchangeError(f"{name}: {strange[0]} is {where}")
    return dict(manifest)
