"""Store ten recorded digits, or a synthetic voice's, and print the part of a plan that tests with them."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import transaction

from listening import digits
from models_registry import audit
from models_registry.management.base import Refused, RefusingCommand, add_project, project_of
from models_registry.models import Signal


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        voice = parser.add_mutually_exclusive_group(required=True)
        voice.add_argument(
            "folder", nargs="?", type=Path, help="with 0.wav … 9.wav, or most of them"
        )
        voice.add_argument(
            "--synthetic", metavar="LANGUAGE", help="a voice of espeak-ng, such as en or de"
        )
        add_project(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["synthetic"]
        try:
            found = digits.synthetic(language) if language else digits.recordings(options["folder"])
        except digits.DigitsError as error:
            raise Refused(str(error)) from error
        source = f"espeak-ng's voice for {language}" if language else f"{options['folder']}"
        project = project_of(options)
        stored = {
            digit: Signal.objects.store(
                sound, title=f"digit {digit}", provenance=f"{source}, without the silence around it"
            )
            for digit, sound in sorted(found.items())
        }
        recordings = {digit: signal.sha256 for digit, signal in stored.items()}
        with transaction.atomic():
            project.signals.add(*stored.values())
            audit.record(
                "upload",
                f"{len(stored)} spoken digits",
                actor=getpass.getuser(),
                reason=source,
                content={"signals": recordings},
                project=project,
            )
        part = {"part": "digits", "recordings": recordings} | (
            {"synthetic": True} if language else {}
        )
        self.stdout.write(json.dumps(part, indent=2))
