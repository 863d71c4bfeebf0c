"""Sounds on their way into a campaign: what a browser sent, a folder of this server, or renderings.

What was sent waits in a folder of its own until a draft is made of it, or for a day. It is hostile until shown
otherwise: names, numbers and sizes, as declared and as found, are held to limits (the settings CAMPAIGN_FILES,
CAMPAIGN_MB, UPLOAD_SECONDS), links and archives within archives are refused, and every sound is read to its end. All of
it is taken, or nothing.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings

from listening.pairing import ENDINGS
from listening.unpacking import IntakeError, is_litter, stocked
from models_registry import audio
from models_registry.audio import AudioError
from models_registry.models import ModelVersion, Rendering, Signal

KEPT_S = 24 * 3600


@dataclass(frozen=True)
class Sound:
    """One sound that waits: its name (a path below the folder), and what was found in it."""

    name: str
    seconds: float
    rate: int
    channels: int


@dataclass(frozen=True)
class Intake:
    """What somebody is about to make a campaign of."""

    owner: int
    project: int
    title: str
    slug: str
    method: str
    sounds: list[Sound] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    folder: str = ""
    versions: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    document: str = ""
    key: str = ""
    template: int | None = None

    @property
    def root(self) -> Path:
        """Where the sounds lie."""
        return import_folder(self.folder) if self.folder else _place(self.key) / "sounds"

    @property
    def document_path(self) -> Path:
        """Where the campaign document lies that came with the sounds; its name is `document`."""
        return _place(self.key) / "document"

    def discard(self) -> None:
        shutil.rmtree(_place(self.key), ignore_errors=True)


@dataclass(frozen=True)
class About:
    """Whose campaign it is to be, what it is to be called, and the key of the template of its settings."""

    owner: int
    project: int
    title: str
    slug: str
    method: str
    template: int | None = None


def receive(files: Sequence[tuple[str, IO[bytes]]], about: About) -> Intake:
    """Take files by their names, zip archives unpacked; raises `IntakeError` and keeps nothing."""
    if not files:
        raise IntakeError("Expected sounds or a zip of them, found none.")
    with _kept(about) as place:
        stock = stocked(place, files)
        sounds = _heard(place / "sounds", stock.names)
        intake = _noted(place, about, sounds=sounds, left_out=stock.left_out)
    return intake


def of_document(
    document: tuple[str, bytes], files: Sequence[tuple[str, IO[bytes]]], about: About
) -> Intake:
    """Take a campaign document, by its name, with the sounds that it names; raises `IntakeError` and keeps nothing."""
    name, raw = document
    with _kept(about) as place:
        stock = stocked(place, files)
        sounds = _heard(place / "sounds", stock.names) if files else []
        (place / "document").write_bytes(raw)
        intake = _noted(
            place, about, sounds=sounds, left_out=stock.left_out, document=PurePosixPath(name).name
        )
    return intake


def from_server(folder: str, about: About) -> Intake:
    """Take the sounds below a folder of this server's import folder; they stay where they are."""
    root = import_folder(folder)
    names: list[str] = []
    left_out: list[str] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or is_litter(name):
            continue
        if not path.resolve().is_relative_to(root):
            raise IntakeError(f"{name}: expected a file of the folder, found a link out of it.")
        (names if path.suffix.lower() in ENDINGS else left_out).append(name)
        if len(names) > settings.CAMPAIGN_FILES:
            raise IntakeError(f"Expected at most {settings.CAMPAIGN_FILES} sounds, found more.")
    if not names:
        raise IntakeError(f"Expected sounds in the folder {folder}, found none.")
    with _kept(about) as place:
        intake = _noted(place, about, sounds=_heard(root, names), left_out=left_out, folder=folder)
    return intake


def of_renderings(
    versions: Sequence[ModelVersion], inputs: Sequence[Signal], about: About
) -> Intake:
    """Take what the versions make of the inputs, rendered already or not."""
    if not versions or not inputs:
        raise IntakeError("Expected at least one model version and one signal, found none.")
    with _kept(about) as place:
        intake = _noted(
            place,
            about,
            versions=[str(version) for version in versions],
            inputs=[signal.sha256 for signal in inputs],
        )
    return intake


def waiting(key: uuid.UUID, *, owner: int) -> Intake:
    """What waits under `key`; raises `IntakeError` where nothing of this owner's does."""
    try:
        found = json.loads((_place(str(key)) / "intake.json").read_text("utf-8"))
    except OSError:
        found = {"owner": None}
    if found["owner"] != owner:
        raise IntakeError("Expected sounds that wait here, found none: they are kept for a day.")
    return Intake(**{**found, "sounds": [Sound(**one) for one in found["sounds"]]})


def import_folder(folder: str) -> Path:
    """The folder of this name below IMPORT_ROOT; raises `IntakeError` for any other place."""
    root = settings.IMPORT_ROOT
    if root is None:
        raise IntakeError("Expected the setting IMPORT_ROOT, found none: no folder may be read.")
    found = (root / folder).resolve()
    if not found.is_relative_to(root.resolve()) or not found.is_dir():
        raise IntakeError(f"Expected a folder below the import folder, found {folder!r}.")
    return found


def import_folders() -> list[str]:
    """The folders below IMPORT_ROOT that hold sounds, or hold folders of sounds."""
    if settings.IMPORT_ROOT is None:
        return []
    root = settings.IMPORT_ROOT.resolve()
    found = {
        path.parent.relative_to(root)
        for path in root.rglob("*")
        if path.suffix.lower() in ENDINGS and path.is_file()
    }
    found |= {parent for folder in found for parent in folder.parents}
    return sorted(folder.as_posix() for folder in found)


def outputs(intake: Intake) -> dict[tuple[str, str], Rendering]:
    """The renderings that there are of an intake's inputs, by version and input's hash."""
    made = Rendering.objects.filter(input__sha256__in=intake.inputs, condition="").select_related(
        "version__model", "input", "output"
    )
    return {
        (str(one.version), one.input.sha256): one
        for one in made
        if str(one.version) in intake.versions
    }


# keeping


def _place(key: str) -> Path:
    return Path(settings.MEDIA_ROOT, "intake", str(uuid.UUID(key)))


@contextmanager
def _kept(about: About) -> Iterator[Path]:
    """A new place, gone again where something goes wrong; old ones are swept out."""
    sweep()
    place = _place(str(uuid.uuid4()))
    (place / "sounds").mkdir(parents=True)
    try:
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def sweep() -> None:
    """Throw away what has waited for more than a day."""
    for place in Path(settings.MEDIA_ROOT, "intake").glob("*"):
        if place.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(place, ignore_errors=True)


def _noted(place: Path, about: About, **found: object) -> Intake:
    intake = Intake(**asdict(about), key=place.name, **found)  # type: ignore[arg-type]
    (place / "intake.json").write_text(json.dumps(asdict(intake)), "utf-8")
    return intake


def _heard(root: Path, names: Sequence[str]) -> list[Sound]:
    """Read every sound to its end; raises `IntakeError` with all that cannot be used."""
    sounds, reasons, size = [], [], 0
    for name in names:
        try:
            sound = audio.read(
                root / name,
                name=name,
                max_duration=settings.UPLOAD_SECONDS,
                max_bytes=settings.CAMPAIGN_MB * 1e6 - size,
            )
        except AudioError as error:
            reasons.append(f"{error}.")
            continue
        size += sound.samples.nbytes
        sounds.append(Sound(name, sound.duration, sound.rate, sound.channels))
    if reasons:
        raise IntakeError(
            *reasons[:20], *([f"And {len(reasons) - 20} more."] * (len(reasons) > 20))
        )
    if not sounds:
        raise IntakeError("Expected sounds (WAV, FLAC, OGG, MP3, AIFF), found none.")
    return sounds
