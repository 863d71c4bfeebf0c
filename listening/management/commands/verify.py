"""Prove the record: hold every event, sound, set of weights and launched campaign against it; name the first break."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from listening.verifying import CHECKS, sentence
from models_registry import sealing
from models_registry.management.base import Refused, RefusingCommand, add_format
from models_registry.management.progress import bar
from models_registry.verifying import Report, verify

# breaks that are told in words; JSON has them all
MOST_TOLD = 20


class Command(RefusingCommand):
    help = f"{__doc__} Exit code 1 where something is not as it was recorded, 2 where it cannot be told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seal", type=Path, metavar="FILE", help="hold it against this seal as well"
        )
        parser.add_argument(
            "--public-key",
            type=Path,
            metavar="FILE",
            help="by which the seal was signed, as PEM (default: this installation's own)",
        )
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        seal = options["seal"] and sealing.read(_content(options["seal"]))
        key = options["public_key"] and sealing.read_public_key(_content(options["public_key"]))
        if key and not seal:
            raise Refused("expected --seal FILE beside --public-key, found none")
        with bar("verify") as told:
            report = verify(CHECKS, seal=seal, key=key, told=told)
        report.kept(actor=getpass.getuser())
        if options["format"] == "json":
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        elif not report.breaks:
            self.stdout.write(self._all_is_well(report, seal))
        if not report.breaks:
            return
        first, *others = report.breaks
        told_of = [f"{one.where}: {one.what}" for one in others[: MOST_TOLD - 1]]
        if len(report.breaks) > MOST_TOLD:
            told_of.append(f"and {len(report.breaks) - MOST_TOLD} more: --format json has them all")
        lines = [f"the record is broken at {first.where}: {first.what}", *told_of]
        raise CommandError("\n".join(lines), returncode=1)

    def _all_is_well(self, report: Report, seal: dict[str, Any] | None) -> str:
        sealed = ""
        if seal and report.last:
            later = report.last.number - seal["number"]
            # nothing shows who added them: they are told, to be looked at
            sealed = f"; it is what the seal says, and {later or 'no'} event{'s' * (later != 1)} came after it"
        last = f"; last event {report.last.sha256}" if report.last else ""
        return f"{sentence(report.checked, 0)}{sealed}{last}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"expected a file {path}, found {error.strerror}") from error
