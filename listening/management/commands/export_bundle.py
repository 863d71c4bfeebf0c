"""Write a campaign with everything behind it into one zip that another installation can restore."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.bundling import export_bundle
from listening.management.base import CampaignCommand


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--to", type=Path, required=True, metavar="FILE.zip", help="the bundle to write"
        )
        parser.add_argument("--no-sounds", action="store_true", help="only the sounds' hashes")

    def handle(self, *args: Any, **options: Any) -> None:
        export_bundle(
            self.campaign(options),
            options["to"],
            actor=getpass.getuser(),
            sounds=not options["no_sounds"],
        )
        self.stdout.write(str(options["to"]))
