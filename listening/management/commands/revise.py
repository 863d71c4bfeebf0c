"""Make a new draft of a launched campaign's content, to change what the launch froze."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.management.base import CampaignCommand
from listening.revising import revise


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="it goes into the record")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        made = revise(campaign, reason=options["reason"], owner=None, actor=getpass.getuser())
        self.stdout.write(
            f"{made.slug}: a draft that revises {campaign.slug}, which stays as it is"
        )
