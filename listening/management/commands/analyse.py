"""Screen, describe and compare the ratings of a campaign, or of a CSV file (then no database is touched)."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.attesting import attested
from listening.evidence import ratings_frame
from listening.management.base import CampaignCommand
from listening.management.files import add_file_options, analyse_file, is_file
from listening.models import Campaign
from models_registry import audit
from models_registry.management.base import add_format


class Command(CampaignCommand):
    help = "Screen, describe and compare the ratings of a campaign or of a CSV file."
    argument = "the campaign's slug, or a CSV file of ratings"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_format(parser, "table", "json")
        add_file_options(parser)
        parser.add_argument(
            "--screening",
            choices=Campaign.Screening.values,
            help="another rule than the one declared with the campaign; the output says which",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        notes: tuple[str, ...] = ()
        if is_file(options["campaign"]):
            analysis, notes = analyse_file(Path(options["campaign"]), options)
        else:
            campaign = self.campaign(options)
            rule = options["screening"] or campaign.rule
            analysis = campaign.protocol.analyse(ratings_frame(campaign), screening=rule)
            said = {"screening": rule} | audit.fingerprint(analysis.to_json().encode())
            said |= attested(campaign)
            audit.record("analyse", campaign, actor=getpass.getuser(), content=said)
        if options["format"] == "table":
            self.stdout.write(analysis.to_text() + "".join(f"\n{note}" for note in notes))
        elif notes:
            document = analysis.as_dict() | {"notes": notes}
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))
        else:
            self.stdout.write(analysis.to_json())
