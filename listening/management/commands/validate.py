"""Put a model to synthetic probes of which everything is known and to ladders of realism, and hold it to its parent.

Ends with exit code 1 where a block breaks a promise of its card, or something got worse than the parent's.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from listening.management.study import StudyCommand
from listening.validating import PASSED
from models_registry.extra import engine
from models_registry.models import Study


class Command(StudyCommand):
    help = __doc__
    kind = "validation"
    sounds = None

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--suite",
            default="standard",
            metavar="NAME|FILE",
            help="a suite that comes with the project, or a YAML or JSON file (default: %(default)s)",
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        suites, name = engine().probes.suite, options["suite"]
        if name in suites.shipped():
            return {"suite": name}
        path = Path(name)
        return {"suite": path.stem, "own": suites.read(path)}

    def answered(self, study: Study, options: dict[str, Any]) -> None:
        super().answered(study, options)
        found = study.result
        if found["verdict"] != PASSED:
            broken = sum(not one["holds"] for one in found["blocks"])
            raise CommandError(
                f"{found['version']}: {broken} promises of blocks broken, {len(found['regressions'])} readings worse "
                f"than those of {found['parent'] or 'no parent'}",
                returncode=1,
            )
