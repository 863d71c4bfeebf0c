"""How far a model agrees with hearing: its bands, its error, its features, and which differences it lets be told."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from listening.management.study import StudyCommand


class Command(StudyCommand):
    help = __doc__
    kind = "congruence"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--brief",
            action="store_true",
            help="without just-noticeable differences and masking curves",
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"sensitivity": not options["brief"]}
