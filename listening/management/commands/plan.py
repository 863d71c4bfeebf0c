"""Show the plan of a campaign's parts, or give a draft another."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.management.base import CampaignCommand
from models_registry.management.base import Refused


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--set", type=Path, metavar="FILE.json", help="the new plan")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        if path := options["set"]:
            campaign.lay_out(_read(path), actor=getpass.getuser())
        self.stdout.write(json.dumps(campaign.plan, indent=2, ensure_ascii=False))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: expected a plan in JSON, found {error}") from error
