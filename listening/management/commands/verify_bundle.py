"""Hold every file of a bundle to its hash; names the first that is not as it was."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.bundling import verify_bundle
from models_registry.management.base import RefusingCommand


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        bundle = verify_bundle(options["file"])
        self.stdout.write(f"{bundle.name}: all {len(bundle.files)} files are as they were written")
