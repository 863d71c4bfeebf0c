"""Leave a listener's session out of the evidence for a reason, or take it back in; nothing is deleted."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.management.base import CampaignCommand
from models_registry.management.base import Refused


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("listener", help="the listener's code")
        parser.add_argument("--reason", required=True, help="it goes into the record")
        parser.add_argument("--undo", action="store_true", help="take the session back in")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        sessions = list(campaign.sessions.filter(listener__code=options["listener"]))
        if not sessions:
            raise Refused(
                f"expected a listener of {campaign.slug}, found no {options['listener']!r}"
            )
        for session in sessions:
            session.exclude(
                reason=options["reason"], actor=getpass.getuser(), out=not options["undo"]
            )
        done = "back in" if options["undo"] else "left out of"
        self.stdout.write(f"{options['listener']}: {done} the evidence of {campaign.slug}")
