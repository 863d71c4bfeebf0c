"""Say what is wrong with a draft before anybody listens, and mend what can be mended."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from typing import Any

from listening import linting, mending
from listening.management.base import CampaignCommand
from models_registry.management.base import add_format


class Command(CampaignCommand):
    help = (
        "Check a draft's design and every sound: errors and warnings, each with what to do. "
        "Exit code 1 where something keeps it from being launched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_format(parser, "text", "json")
        parser.add_argument(
            "--mend",
            action="append",
            default=[],
            metavar="ACT",
            help="do it first: " + ", ".join(mending.TITLES),
        )
        parser.add_argument(
            "--target",
            type=float,
            metavar="LUFS",
            help="with --mend loudness: make all items as loud as this (default: as their references)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        for act in options["mend"]:
            done = mending.mend(campaign, act, actor=getpass.getuser(), target=options["target"])
            for where, what in done.items():
                self.stderr.write(f"{act}: {where}: {what}")
        campaign.refresh_from_db()
        found = linting.findings(campaign)
        if options["format"] == "json":
            self.stdout.write(
                json.dumps([one.as_dict() for one in found], ensure_ascii=False, indent=2)
            )
        else:
            self.stdout.write("\n".join(_line(one) for one in found) or "nothing to mend")
        if any(one.severity == "error" for one in found):
            sys.exit(1)


def _line(finding: linting.Finding) -> str:
    where = f"{finding.where}: " if finding.where else ""
    mend = f" (--mend {finding.mend})" if finding.mend else ""
    advice = f" {finding.advice}" if finding.advice else ""
    return f"{finding.severity}: {where}{finding.found}.{advice}{mend}"
