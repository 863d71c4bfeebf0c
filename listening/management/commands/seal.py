"""Sign the record's last event, to keep where the record is not: `verify --seal` shows what is gone or rewritten."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.exchange.tables import replace_file
from models_registry import sealing
from models_registry.management.base import RefusingCommand


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: print it")
        parser.add_argument("--reason", default="", help="for the record")
        parser.add_argument(
            "--public-key",
            action="store_true",
            help="print the key that tells this installation's seals from others; seal nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_key"]:
            self.stdout.write(sealing.public_pem(), ending="")
            return
        text = sealing.as_text(sealing.seal(actor=getpass.getuser(), reason=options["reason"]))
        if options["output"]:
            replace_file(options["output"], text.encode())
            self.stdout.write(f"sealed; keep {options['output']} where this record is not")
        else:
            self.stdout.write(text, ending="")
