"""Make campaigns from a document of ours or a configuration of webMUSHRA."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.campaign_files import found_in
from listening.composing import compose_all
from models_registry.management.base import Refused, RefusingCommand, add_project, project_of
from models_registry.management.progress import bar


class Command(RefusingCommand):
    help = (
        "Make a draft from FILE: a campaign as YAML or JSON, or a configuration of webMUSHRA "
        "(one campaign for each method that it uses)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--audio",
            type=Path,
            metavar="DIR",
            help="where the named sounds lie (default: beside FILE)",
        )
        parser.add_argument("--slug", default="", help="another name for the campaign")
        parser.add_argument(
            "--skip-unsupported",
            action="store_true",
            help="leave out pages of webMUSHRA's that have no counterpart, and say which",
        )
        parser.add_argument("--launch", action="store_true", help="open it to listeners at once")
        add_project(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        actor = getpass.getuser()
        folder = options["audio"] or path.parent
        if not folder.is_dir():
            raise Refused(f"expected a folder of audio, found none at {folder}")
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise Refused(f"{path}: expected a file to read, found {error.strerror}") from error
        found = found_in(
            raw, name=path.name, slug=options["slug"], skip=options["skip_unsupported"]
        )
        for note in found.notes:
            self.stderr.write(f"note: {note}")
        for skipped in found.skipped:
            self.stderr.write(f"left out: {skipped}")
        project = project_of(options)
        with bar(f"import {', '.join(found.slugs)}") as report:
            made = compose_all(
                found.documents,
                audio_folder=folder,
                project=project,
                actor=actor,
                launch=options["launch"],
                progress=report,
            )
        for campaign in made:
            self.stdout.write(
                f"{campaign.slug}: {campaign.protocol.title}, {campaign.conditions.count()} conditions, "
                f"{campaign.trials.count()} items, {campaign.state}: {campaign.get_absolute_url()}"
            )
