"""Say who hears what: how evenly a campaign's design spreads items, conditions and places."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from listening import balance
from listening.management.base import CampaignCommand
from models_registry.management.base import Refused, add_format


class Command(CampaignCommand):
    help = (
        "Count, after so many completed sessions, how often each stimulus is presented, each condition stands in each "
        "place and follows each other; with --done, of the sessions that were finished."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--sessions", type=int, metavar="N", help="default: the quota, else a whole round"
        )
        parser.add_argument(
            "--done", action="store_true", help="count what was done, not what is planned"
        )
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        if problems := campaign.design_problems():
            raise Refused("; ".join(problems))
        sessions = options["sessions"] or campaign.quota or balance.round_of(campaign)
        if not 1 <= sessions <= balance.MOST_SESSIONS:
            raise Refused(f"expected 1 to {balance.MOST_SESSIONS} sessions, found {sessions}")
        frame = (
            balance.realised(campaign) if options["done"] else balance.planned(campaign, sessions)
        )
        found = balance.counted(campaign, frame)
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
            return
        self.stdout.write(
            f"{found.sessions} sessions of {found.pages} rating pages; even after {balance.round_of(campaign)}\n"
            f"presentations of a stimulus: {found.of_cells}\n"
            f"a condition in a place: {found.of_places}\n"
            f"one condition after another: {found.of_follows}"
        )
        for table in balance.tables(found):
            lines = [table.heading, *table.rows]
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            self.stdout.write(f"\n{table.caption}")
            for line in lines:
                self.stdout.write(
                    "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
                )
