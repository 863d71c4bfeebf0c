"""Render files by registered versions."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from models_registry import audio, rendering
from models_registry.audio import MAX_DURATION_S
from models_registry.extra import engine
from models_registry.management.base import Refused, RefusingCommand
from models_registry.management.progress import bar
from models_registry.models import ModelVersion, Signal


class Command(RefusingCommand):
    help = (
        "Render audio files by registered versions, as 32-bit float WAV with loudness and true peak. What a listening "
        "test can use, up to half an hour, is kept; longer files, stems and tails are only written."
    )
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "model",
            metavar="MODEL[@N][:CONDITION],…",
            help="one or several, joined by commas; without @N: its latest version; with :CONDITION as that device, "
            "room or speaker",
        )
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="default: here")
        parser.add_argument("--stems", action="store_true", help="also what leaves each block")
        parser.add_argument(
            "--tail", action="store_true", help="go on until the model has died away"
        )
        parser.add_argument(
            "--jobs", type=int, default=1, metavar="N", help="so many at a time (default: 1)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name for name in options["model"].split(",") if name]
        voices = list(dict.fromkeys(rendering.chosen(name) for name in names))
        if options["jobs"] < 1:
            raise Refused(f"expected at least one job, found {options['jobs']}")
        files: list[Path] = options["files"]
        # all are looked at before any is rendered: one bad file leaves nothing behind
        short = {path for path in files if _is_short(path)}
        wanted = [(voice, path) for voice in voices for path in files]
        outputs = [options["out"] / _file_name(path, *voice) for voice, path in wanted]
        if len(set(outputs)) < len(outputs):
            raise Refused("expected files of different names, found two that would share an output")
        options["out"].mkdir(parents=True, exist_ok=True)
        room = engine()
        tasks = [
            room.Task(
                version.chain,
                Path(version.weights.path),
                path,
                output,
                stems=options["stems"],
                tail=options["tail"],
                condition=condition or None,
            )
            for ((version, condition), path), output in zip(wanted, outputs, strict=True)
        ]
        with bar("render") as report:
            reports = room.render_files(
                tasks,
                jobs=options["jobs"],
                told=lambda number, task, found: report(number / len(tasks), task.target.name),
            )
        for (voice, path), output, found in zip(wanted, outputs, reports, strict=True):
            kept = ""
            if path in short and not options["tail"]:
                kept = f"  {_kept(*voice, path, output)}"
            self.stdout.write(f"{output}  {found}{kept}")


def _is_short(path: Path) -> bool:
    """Whether a listening test could use it; raises `AudioError` for what is no audio."""
    if path.is_file() and audio.duration_of(path) > MAX_DURATION_S:
        return False
    audio.read(path)
    return True


def _file_name(path: Path, version: ModelVersion, condition: str) -> str:
    """What tells the output from others, without what some file systems do not take in a name."""
    named = f".{condition}".translate(dict.fromkeys(map(ord, ':/\\*?"<>|'), "-"))
    return f"{path.stem}.{version}{named if condition else ''}.wav"


def _kept(version: ModelVersion, condition: str, path: Path, output: Path) -> str:
    """The hash under which the rendering in `output` is kept."""
    source = Signal.objects.store(audio.read(path), title=path.stem, provenance=path.name)
    sound = audio.read(output)
    one = rendering.keep(version, source, sound, condition=condition, actor=getpass.getuser())
    if one.output.sha256 != audio.content_hash(sound):
        # rendered earlier, by an engine that rounded otherwise: what listeners hear is what was kept
        audio.write(output, one.output.audio())
    return one.output.sha256
