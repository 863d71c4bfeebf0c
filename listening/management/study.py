"""What the commands that ask for a study share: MODEL[@N], sounds, progress, and the answer as text, JSON or files."""

from __future__ import annotations

import getpass
import json
import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError

from listening.exporting_studies import vacant, write
from listening.understanding import face_of
from models_registry import audio, jobs, studying
from models_registry.audio import Audio
from models_registry.management.base import Refused, RefusingCommand, add_format
from models_registry.management.progress import bar
from models_registry.models import ModelVersion, Study


class StudyCommand(RefusingCommand):
    """Asks for a study of `kind` and waits for it; options of its own become settings in `settings`."""

    kind: ClassVar[str]
    refuses = (ValueError, LookupError, ModelVersion.DoesNotExist)
    # how many sounds it takes: "*" perhaps none, "+" at least one, None: it takes no sounds
    sounds: ClassVar[str | None] = "*"
    sounds_help: ClassVar[str] = "default: the recipe's test clips"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL[@N]")
        if self.sounds:
            parser.add_argument(
                "files", nargs=self.sounds, type=Path, metavar="FILE", help=self.sounds_help
            )
        self.add_settings(parser)
        parser.add_argument(
            "--out",
            type=Path,
            metavar="DIR",
            help="also write figures (SVG, PDF, PNG), sounds (WAV) and numbers (JSON) there",
        )
        add_format(parser, "table", "json")

    def add_settings(self, parser: ArgumentParser) -> None:
        """The kind's own options."""

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the options come to."""
        return {}

    def read(self, path: Path, *, options: dict[str, Any]) -> Audio:
        """The sound in a file named."""
        return audio.read(path)

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["model"])
        if options["out"]:
            vacant(options["out"])
        asked = self.settings(options)
        if self.sounds:
            asked["signals"] = studying.keep_files(
                version, options["files"], read=partial(self.read, options=options)
            )
        study = studying.here(version, self.kind, asked, actor=getpass.getuser())
        with self._sentences(), bar(self.kind) as report:
            failure = jobs.work_here(study.job, report)
        if isinstance(failure, self.refuses):
            raise Refused(str(failure)) from failure
        if failure:
            raise CommandError(f"{self.kind}: {failure}") from failure
        study.refresh_from_db()
        if options["out"]:
            write(study, options["out"])
        self.answered(study, options)

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """What is refused is said in a sentence, and not logged with where in the code it was."""

        def unexpected(record: logging.LogRecord) -> bool:
            return not (record.exc_info and isinstance(record.exc_info[1], self.refuses))

        log = logging.getLogger(jobs.__name__)
        log.addFilter(unexpected)
        try:
            yield
        finally:
            log.removeFilter(unexpected)

    def answered(self, study: Study, options: dict[str, Any]) -> None:
        """Print what was found."""
        as_json = options["format"] == "json"
        found = study.result
        self.stdout.write(
            json.dumps(found, indent=2, ensure_ascii=False)
            if as_json
            else face_of(self.kind).text(found)
        )
