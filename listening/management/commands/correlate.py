"""Hold metrics against a campaign's ratings."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.analysis.report import correlate
from listening.evidence import ratings_frame, scores_frame
from listening.management.base import CampaignCommand
from listening.scoring import score_campaign
from metrics import catalogue
from models_registry.management.base import add_format
from models_registry.management.progress import bar


class Command(CampaignCommand):
    help = "Correlate metrics with a campaign's mean ratings; scores what is not scored yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_format(parser, "table", "json")
        parser.add_argument("--metrics", metavar="A,B", help="default: the whole catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        names = options["metrics"].split(",") if options["metrics"] else None
        for name in names or []:
            catalogue.get(name)
        with bar(f"score {campaign.slug}") as report:
            score_campaign(campaign, actor=getpass.getuser(), names=names, progress=report)
            report(1, "")
        scores = scores_frame(campaign)
        if names:
            scores = scores[scores["metric"].isin(names)]
        correlation = correlate(ratings_frame(campaign), scores, screening=campaign.screening)
        if options["format"] == "json":
            self.stdout.write(correlation.to_json())
        else:
            self.stdout.write(correlation.to_text())
