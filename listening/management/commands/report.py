"""Write a campaign's report."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening import reporting
from listening.management.base import CampaignCommand


class Command(CampaignCommand):
    help = "Write what ITU-R BS.1534-3 wants reported of a campaign, with tables and figures, to one file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--to",
            type=Path,
            required=True,
            metavar=f"FILE{'|'.join(reporting.FORMATS)}",
            help="the file, whose ending says the format",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        reporting.write(self.campaign(options), options["to"], actor=getpass.getuser())
        self.stdout.write(str(options["to"]))
