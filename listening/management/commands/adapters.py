"""Look at a model's adapters: what they hold of speakers, rooms and devices, how far they move what, what leaks."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.lamp import labelled
from listening.management.study import StudyCommand
from models_registry.studying import StudyError


class Command(StudyCommand):
    help = __doc__
    kind = "adapters"
    sounds = None

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--material",
            type=Path,
            metavar="TABLE",
            help="CSV with a column `file` and one for each factor, such as speaker, room, device "
            "(default: synthetic voices, rooms and devices, all with all)",
        )
        parser.add_argument(
            "--no-leak", action="store_true", help="do not try the embeddings, which takes minutes"
        )
        parser.add_argument("--seed", type=int, default=0, help="of the synthetic takes")

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = {"leak": not options["no_leak"], "seed": options["seed"]}
        if options["material"] is None:
            return asked
        options["files"], labels = read_table(options["material"])
        self.sounds = "*"
        return asked | {"labels": labels}


def read_table(path: Path) -> tuple[list[Path], dict[str, list[str]]]:
    """The files that a table names, beside it, and their labels by factor; raises `StudyError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(
            f"{path}: expected a CSV table, found none that can be read ({error})"
        ) from error
    files, labels = labelled(data, name=str(path))
    return [path.parent / file for file in files], labels
