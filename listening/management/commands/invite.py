"""Make links to a campaign, each for one session, and write them to a file or the screen."""

from __future__ import annotations

import csv
import getpass
import io
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.timezone import now

from listening import inviting
from listening.exchange.errors import ExchangeError
from listening.management.base import CampaignCommand
from models_registry.management.base import Refused


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--count", type=int, required=True, help="how many links")
        parser.add_argument("--days", type=float, help="after which an unused link expires")
        parser.add_argument(
            "--site", default="http://127.0.0.1:8000", help="the address listeners reach it at"
        )
        parser.add_argument(
            "--only", action="store_true", help="take listeners by such links alone from now on"
        )
        parser.add_argument("--group", default="", help="whose quota they count for")
        parser.add_argument("--output", type=Path, metavar="FILE.csv", help="default: the screen")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, days = self.campaign(options), options["days"]
        expires_at = now() + timedelta(days=days) if days is not None else None
        try:
            made = inviting.invite(
                campaign,
                options["count"],
                expires_at=expires_at,
                only=options["only"],
                group=options["group"],
                actor=getpass.getuser(),
            )
            rows = inviting.table(made, site=options["site"])
            if options["output"]:
                inviting.write(rows, options["output"])
                self.stdout.write(f"{len(made)} links in {options['output']}")
            else:
                text = io.StringIO()
                csv.writer(text).writerows(rows)
                self.stdout.write(text.getvalue(), ending="")
        except (inviting.InvitationError, ExchangeError) as error:
            raise Refused(str(error)) from error
