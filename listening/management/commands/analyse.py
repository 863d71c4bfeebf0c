"""Screen, describe and compare a campaign's ratings."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from listening.analysis.report import analyse
from listening.evidence import ratings_frame
from listening.management.base import CampaignCommand
from listening.models import Campaign
from models_registry.management.base import add_format


class Command(CampaignCommand):
    help = "Screen, describe and compare a campaign's ratings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_format(parser, "table", "json")
        parser.add_argument(
            "--screening",
            choices=Campaign.Screening.values,
            help="another rule than the one declared with the campaign; the output says which",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        analysis = analyse(
            ratings_frame(campaign), screening=options["screening"] or campaign.screening
        )
        if options["format"] == "json":
            self.stdout.write(analysis.to_json())
        else:
            self.stdout.write(analysis.to_text())
