"""A synthetic voice for trying things out, where espeak-ng is installed. Pure: text in, sound out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from models_registry.audio import Audio, read


class SpeechError(ValueError):
    """What cannot be spoken; the message says what was expected and found."""


def speech(text: str, *, language: str) -> Audio:
    """`text` by espeak-ng's voice for `language`, where it is installed; raises `SpeechError`."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeechError(
            "expected espeak-ng for a synthetic voice, found none: install it (apt-get install espeak-ng), "
            "or record what is to be said"
        )
    with TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        command = [program, "-v", language, "-w", str(path), "--", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode or not path.exists():
            raise SpeechError(
                f"expected espeak-ng to speak {language!r}, found: {done.stderr.strip()}"
            )
        return read(path)
