"""Fill a campaign with simulated listeners, labelled as such for good: they show that the machinery works, and are no
evidence of how anything sounds."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.management.base import CampaignCommand
from listening.rehearsal import FOLLOWED_METRIC, rehearse
from listening.scoring import score_campaign
from models_registry.management.base import Refused
from models_registry.management.progress import bar

MOST = 500


class Command(CampaignCommand):
    help = (
        f"{__doc__} Their taste follows {FOLLOWED_METRIC}, which is scored first where the items have references. "
        "Those of the same seed who are there already count."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--listeners", type=int, default=12, help="default: %(default)s")
        parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, actor = self.campaign(options), getpass.getuser()
        if not 1 <= options["listeners"] <= MOST:
            raise Refused(f"expected 1 to {MOST} listeners, found {options['listeners']}")
        with bar(f"score {campaign.slug}") as report:
            score_campaign(campaign, actor=actor, names=[FOLLOWED_METRIC], progress=report)
            report(1, "")
        with bar(f"listen {campaign.slug}") as report:
            added = rehearse(
                campaign,
                listeners=options["listeners"],
                seed=options["seed"],
                actor=actor,
                progress=report,
            )
        self.stdout.write(
            f"{campaign.slug}: {added} new SIMULATED listeners, whose taste follows {FOLLOWED_METRIC}"
        )
