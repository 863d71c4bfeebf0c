"""A study as files: its answer as JSON and as text, its figures as SVG, PDF and PNG, its sounds as WAV.

In a folder or in one archive. A folder is complete or not there: it is made beside its place and moved.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from listening.drawing import rendered
from listening.report_files import DATE, PICTURES
from listening.understanding import face_of, found_of
from models_registry.models import Study
from models_registry.studying import StudyError


def document(study: Study) -> dict[str, Any]:
    """What was asked of which version, on what it ran, and what was found."""
    return {
        "study": study.pk,
        "kind": study.kind,
        "version": str(study.version),
        "sha256": study.version.sha256,
        "state": study.job.state,
        "settings": study.settings,
        "environment": study.environment,
        "result": study.result,
    }


def name_of(study: Study) -> str:
    """What its files are called, without an ending."""
    return f"{study.version.model.name}-{study.version.number}-{study.kind}-{study.pk}"


def as_json(study: Study) -> str:
    """The document, with what came to the answer later."""
    whole = document(study) | face_of(study.kind).later(study)
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def vacant(folder: Path) -> None:
    """Raise `StudyError` where `folder` cannot be written to: before the work rather than after it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"expected an empty or a new folder for the files, found {folder}")


def write(study: Study, folder: Path) -> None:
    """Write `study` to `folder`, which must not hold anything yet; raises `StudyError`."""
    vacant(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        inside = Path(made) / folder.name
        inside.mkdir()
        for name, content in _files(study):
            (inside / name).write_bytes(content)
        if folder.exists():
            folder.rmdir()
        inside.replace(folder)


def archive(study: Study, target: IO[bytes]) -> None:
    """Write `study` as a ZIP archive, the same bytes for the same answer."""
    with zipfile.ZipFile(target, "w") as file:
        for name, content in _files(study):
            # noise and what is packed already does not get smaller
            packing = (
                zipfile.ZIP_STORED if name.endswith((".wav", ".png")) else zipfile.ZIP_DEFLATED
            )
            file.writestr(zipfile.ZipInfo(name, DATE), content, packing)


def _files(study: Study) -> Iterator[tuple[str, bytes]]:
    face, found = face_of(study.kind), found_of(study)
    yield f"{study.kind}.json", as_json(study).encode()
    yield f"{study.kind}.txt", f"{face.text(found)}\n".encode()
    for name, picture in face.figures(found).items():
        figure = picture.draw()
        for form in PICTURES:
            yield f"{name}.{form}", rendered(figure, form)
    for signal in study.signals.all():
        name = re.sub(r"[^\w-]+", "-", signal.title).strip("-")[:80]
        with signal.file.open("rb") as source:
            yield f"{name}-{signal.sha256[:8]}.wav", source.read()
