"""Files that a browser sent, and archives of them, written below a folder within limits.

They are hostile until shown otherwise: names, numbers and sizes, as declared and as found, are held to the settings
CAMPAIGN_FILES and CAMPAIGN_MB; links and archives within archives are refused.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings

from listening.pairing import ENDINGS

CHUNK = 1 << 20
# what a name may take on every file system
MAX_NAME_BYTES, MAX_PATH = 200, 500
# the directory of an archive of 10,000 names; it is read into memory before anything else is known
MAX_DIRECTORY_BYTES = 4 << 20
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
# what systems leave beside people's files
LITTER = ("__MACOSX", ".", "Thumbs.db", "desktop.ini")


class IntakeError(ValueError):
    """What cannot be taken; `reasons` has one sentence for each fault."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def stocked(place: Path, files: Sequence[tuple[str, IO[bytes]]]) -> Stock:
    """What of `files` was written below `place`/sounds; raises `IntakeError` for what cannot be taken."""
    stock = Stock(place / "sounds")
    for name, source in files:
        source.seek(0)
        if PurePosixPath(name).suffix.lower() == ".zip":
            _unpack(source, name, stock)
        else:
            stock.add(name, source)
    return stock


class Stock:
    """Files written below a folder, each under its own name, as long as all of them stay within the limits."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: list[str] = []
        self.left_out: list[str] = []
        self.room = settings.CAMPAIGN_MB * 1_000_000

    def add(self, given: str, source: IO[bytes], *, inside: str = "") -> None:
        name = checked_name(given, inside=inside)
        ending = PurePosixPath(name).suffix.lower()
        if is_litter(name):
            return
        if ending in ARCHIVES:
            raise IntakeError(
                f"{name}: expected sounds, found an archive{' within an archive' if inside else ''}: "
                "unpack it first."
            )
        if ending not in ENDINGS:
            self.left_out.append(name)
            return
        if name in self.names:
            raise IntakeError(f"{name}: expected each name once, found it twice.")
        if len(self.names) >= settings.CAMPAIGN_FILES:
            raise IntakeError(f"Expected at most {settings.CAMPAIGN_FILES} sounds, found more.")
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                while piece := source.read(CHUNK):
                    self.take(len(piece))
                    file.write(piece)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise IntakeError(f"{name}: expected a name of its own, found it taken.") from error
        self.names.append(name)

    def take(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise IntakeError(
                f"Expected at most {settings.CAMPAIGN_MB} MB of sounds once unpacked, found more."
            )


def checked_name(given: str, *, inside: str = "") -> str:
    """`given` as a path below a folder; raises `IntakeError` for one that leads elsewhere."""
    where = f"{inside}: " if inside else ""
    name = given.replace("\\", "/")
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or (len(parts[0]) > 1 and parts[0][1] == ":"):
        raise IntakeError(f"{where}expected names within one folder, found {given[:80]!r}.")
    if not all(part and part.isprintable() and part != "." for part in parts):
        raise IntakeError(f"{where}expected a name that can be shown, found {given[:80]!r}.")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise IntakeError(f"{where}expected a name in Unicode, found {given[:80]!r}.") from None
    if max(sizes) > MAX_NAME_BYTES or len(name) > MAX_PATH:
        raise IntakeError(
            f"{where}expected names of at most {MAX_NAME_BYTES} bytes, found {given[:40]!r}…"
        )
    return name


def is_litter(name: str) -> bool:
    return any(part.startswith(LITTER) for part in PurePosixPath(name).parts)


def _unpack(source: IO[bytes], name: str, stock: Stock) -> None:
    check_directory(source, name)
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            if len(entries) > settings.CAMPAIGN_FILES * 2:
                raise IntakeError(
                    f"{name}: expected at most {settings.CAMPAIGN_FILES} sounds, found {len(entries)} files."
                )
            declared = sum(one.file_size for one in entries)
            if declared > settings.CAMPAIGN_MB * 1e6:
                raise IntakeError(
                    f"{name}: expected at most {settings.CAMPAIGN_MB} MB once unpacked, "
                    f"found {declared / 1e6:.0f} MB declared."
                )
            for entry in entries:
                check_entry(entry, name)
                with archive.open(entry) as file:
                    stock.add(entry.filename, file, inside=name)
    # a hostile archive's fields lead the reader anywhere
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        if isinstance(error, IntakeError):
            raise
        raise IntakeError(f"{name}: expected a zip that can be unpacked, found {error}.") from error


def check_entry(entry: zipfile.ZipInfo, archive: str) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise IntakeError(
            f"{archive}: expected plain files, found {entry.filename[:80]!r}, a link."
        )
    if entry.flag_bits & 0x1:
        raise IntakeError(f"{archive}: expected a zip without a password, found one with.")


def check_directory(source: IO[bytes], name: str) -> None:
    """Refuse an archive whose list of names alone would fill the memory (APPNOTE.TXT 4.3.16)."""
    size = source.seek(0, 2)
    source.seek(max(0, size - 65_557))
    tail = source.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise IntakeError(f"{name}: expected a zip, found another kind of file.")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    # the larger format's own record would say another size
    larger = tail[max(0, end - 20) : end].startswith(b"PK\x06\x07")
    if directory > MAX_DIRECTORY_BYTES or larger:
        raise IntakeError(f"{name}: expected a zip of fewer than 10,000 files, found a larger one.")
    source.seek(0)
