"""Export a campaign's score tables."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.exchange.tables import FORMATS, ROWS
from listening.exporting import export
from listening.exporting_webmushra import export_webmushra
from listening.management.base import CampaignCommand


class Command(CampaignCommand):
    help = "Write a campaign's ratings, scores, summary and screening to a table file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--to",
            type=Path,
            required=True,
            metavar=f"FILE{'|'.join(FORMATS)}|DIR",
            help="the file, whose ending says the format, or a folder",
        )
        parser.add_argument(
            "--rows",
            choices=ROWS,
            default="ratings",
            help="of .csv, .parquet and .tex: a row per rating, stimulus or session",
        )

        parser.add_argument(
            "--as",
            dest="layout",
            choices=["tables", "webmushra"],
            default="tables",
            help="webmushra: its own table with its headings, into the folder --to",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["layout"] == "webmushra":
            path = export_webmushra(self.campaign(options), options["to"], actor=getpass.getuser())
            self.stdout.write(str(path))
            return
        export(self.campaign(options), options["to"], actor=getpass.getuser(), rows=options["rows"])
        self.stdout.write(str(options["to"]))
