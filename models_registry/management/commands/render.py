"""Render files by a registered version."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from models_registry import audio, rendering
from models_registry.management.base import Refused, RefusingCommand
from models_registry.models import ModelVersion, Signal


class Command(RefusingCommand):
    help = "Render audio files by a registered version, as 32-bit float WAV."
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL[@N]", help="without @N: its latest version")
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="default: here")

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["model"])
        # all are read before any is stored: one bad file leaves nothing behind
        sounds = {path: audio.read(path) for path in options["files"]}
        names = [f"{path.stem}.{version}.wav" for path in sounds]
        if len(set(names)) < len(names):
            raise Refused("expected files of different names, found two that would share an output")
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        for (path, sound), name in zip(sounds.items(), names, strict=True):
            source = Signal.objects.store(sound, title=path.stem, provenance=path.name)
            rendered = rendering.render(version, source, actor=getpass.getuser())
            audio.write(out / name, rendered.output.audio())
            self.stdout.write(f"{out / name}  {rendered.output.sha256}")
