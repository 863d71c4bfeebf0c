"""A study as files in a folder: its answer as JSON, its figures as SVG and PDF, its sounds as WAV.

The folder is complete or not there: it is made beside its place and moved.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from listening.drawing import rendered
from listening.understanding import face_of
from models_registry.models import Study
from models_registry.studying import StudyError


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
        text = json.dumps(study.result, indent=2, ensure_ascii=False)
        (inside / f"{study.kind}.json").write_text(text + "\n", encoding="utf-8")
        for name, picture in face_of(study.kind).figures(study.result).items():
            for form in ("svg", "pdf"):
                (inside / f"{name}.{form}").write_bytes(rendered(picture.draw(), form))
        for signal in study.signals.all():
            name = re.sub(r"[^\w-]+", "-", signal.title).strip("-")[:80]
            with signal.file.open("rb") as source:
                path = inside / f"{name}-{signal.sha256[:8]}.wav"
                with path.open("wb") as target:
                    shutil.copyfileobj(source, target)
        if folder.exists():
            folder.rmdir()
        inside.replace(folder)
