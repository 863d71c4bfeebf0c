"""Delete a draft for a reason; its sounds stay, and so does what was launched."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.management.base import CampaignCommand
from listening.revising import discard


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="it goes into the record")

    def handle(self, *args: Any, **options: Any) -> None:
        discard(self.campaign(options), reason=options["reason"], actor=getpass.getuser())
        self.stdout.write(f"{options['campaign']}: the draft is deleted; its sounds stay")
