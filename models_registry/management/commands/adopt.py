"""Add a device to a version that knows several, from some seconds of its sound."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from models_registry import adopting, audio, jobs
from models_registry.extra import engine
from models_registry.management.base import Refused, RefusingCommand
from models_registry.management.progress import bar
from models_registry.models import ModelVersion, Signal


class Command(RefusingCommand):
    help = (
        "Add the device NAME to a version that knows devices by name, from about ten seconds of its sound; the next "
        "version knows it too, and the others stay as they are."
    )
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL[@N]", help="without @N: its latest version")
        parser.add_argument("name", help="the new device, room or speaker")
        parser.add_argument(
            "--wet", nargs="+", type=Path, required=True, metavar="FILE", help="its recordings"
        )
        parser.add_argument(
            "--dry",
            nargs="+",
            type=Path,
            required=True,
            metavar="FILE",
            help="what was played to it, or other sound of the same kind",
        )
        parser.add_argument(
            "--reason",
            default="",
            help="why this version is made: what is to sound different by it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        engine()
        version, actor = ModelVersion.objects.named(options["model"]), getpass.getuser()
        # all are read before any is kept
        sounds = {
            side: [(path, audio.read(path)) for path in options[side]] for side in ("dry", "wet")
        }
        with transaction.atomic():
            stored = {
                side: [
                    Signal.objects.store(sound, title=path.stem, provenance=path.name)
                    for path, sound in read
                ]
                for side, read in sounds.items()
            }
            version.project.signals.add(*stored["dry"], *stored["wet"])
            asked = adopting.ask(
                version, options["name"], **stored, reason=options["reason"], actor=actor
            )
            job = jobs.hold("adopt", asked, project=version.project)
        with bar(f"adopt {asked['name']}") as report:
            failure = jobs.work_here(job, report)
        if isinstance(failure, ValueError):
            raise Refused(str(failure)) from failure
        if failure:
            raise CommandError(f"adopting failed: {failure}") from failure
        self.stdout.write(job.message)
