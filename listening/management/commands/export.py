"""Export a campaign's score tables."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.exporting import export
from listening.management.base import CampaignCommand


class Command(CampaignCommand):
    help = "Write a campaign's ratings, scores, summary and screening to a table file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--to", type=Path, required=True, metavar="FILE.csv|.json|.xlsx")

    def handle(self, *args: Any, **options: Any) -> None:
        export(self.campaign(options), options["to"], actor=getpass.getuser())
        self.stdout.write(str(options["to"]))
