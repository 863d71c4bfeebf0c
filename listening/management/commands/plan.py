"""Show the plan of a campaign's parts, or give a draft another."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser

from listening.models import Campaign
from listening.models.campaign import CampaignError


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--set", type=Path, metavar="FILE.json", help="the new plan")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.filter(slug=options["slug"]).first()
        if campaign is None:
            raise CommandError(f"expected a campaign, found no {options['slug']!r}", returncode=2)
        if path := options["set"]:
            try:
                campaign.lay_out(
                    json.loads(path.read_text(encoding="utf-8")), actor=getpass.getuser()
                )
            except (OSError, ValueError) as error:
                sentence = str(error) if isinstance(error, CampaignError) else f"{path}: {error}"
                raise CommandError(sentence, returncode=2) from error
        self.stdout.write(json.dumps(campaign.plan, indent=2, ensure_ascii=False))
