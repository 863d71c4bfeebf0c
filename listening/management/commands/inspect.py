"""See and hear every block of a model at work on one sound: signals, changes, responses, gains, moving settings."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.inspecting import MOST_SECONDS
from listening.management.study import StudyCommand
from models_registry import audio
from models_registry.audio import Audio
from models_registry.studying import StudyError


class Command(StudyCommand):
    help = __doc__
    kind = "inspection"
    sounds_help = "one; default: the recipe's first test clip"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as",
            dest="condition",
            default="",
            metavar="CONDITION",
            help="a device, room or speaker",
        )
        parser.add_argument(
            "--start", type=float, default=0.0, metavar="S", help="seconds into the file"
        )
        parser.add_argument(
            "--seconds", type=float, default=0.0, metavar="S", help="default: to its end"
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        if len(options["files"]) > 1:
            raise StudyError(f"expected one sound to look with, found {len(options['files'])}")
        asked = {"condition": options["condition"]}
        # what is read from a file is cut as it is read
        cut = {} if options["files"] else {key: options[key] for key in ("start", "seconds")}
        return {**asked, **cut}

    def read(self, path: Path, *, options: dict[str, Any]) -> Audio:
        # only what is asked for is read and stored
        return audio.excerpt(
            path, start=options["start"], seconds=options["seconds"], most=MOST_SECONDS
        )
