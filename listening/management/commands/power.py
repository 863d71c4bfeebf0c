"""Say how many listeners and items find a difference, and how many hours of listening they take."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from listening import pair_planning, panel_planning
from listening.analysis.frames import AnalysisError
from listening.management.base import CampaignCommand
from listening.models import Campaign
from models_registry.management.base import Refused, add_format


class Command(CampaignCommand):
    help = (
        "Plan a campaign whose ratings have means: the smallest panels for a power of 0.8 and 0.9, by simulating "
        "the crossed mixed model for items like these and by the paired t-test for these items. "
        "Of preferences and CCR: the listeners for one pair of systems."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--difference", type=float, metavar="POINTS", help="default: a tenth of the scale"
        )
        parser.add_argument(
            "--items",
            type=int,
            nargs="+",
            default=[],
            metavar="N",
            help="numbers of items to look at",
        )
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--past", metavar="SLUG", help="take the variances of this campaign's ratings"
        )
        source.add_argument(
            "--sd",
            type=float,
            nargs=3,
            metavar=("LISTENER", "ITEM", "RESIDUAL"),
            help="standard deviations of listener × condition, item × condition and the rest; default: published ones",
        )
        parser.add_argument(
            "--share", type=float, help="of a preference: of the decided choices; default: 2/3"
        )
        parser.add_argument(
            "--ties", type=float, help="of a preference: of the answers, without one; default: 0"
        )
        parser.add_argument(
            "--sd-of-means", type=float, help="of CCR: of listeners' means, in categories"
        )
        parser.add_argument("--minutes", type=float, help="that a rating page takes")
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        if pair_planning.compares(campaign):
            self._of_pairs(campaign, options)
            return
        try:
            found = panel_planning.plan_of(
                campaign,
                difference=options["difference"],
                items=options["items"],
                past=self._past(options["past"]),
                sds=tuple(options["sd"]) if options["sd"] else None,
                minutes=options["minutes"],
            )
        except AnalysisError as error:
            raise Refused(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"to find {found.difference:g} points; variances: {found.assumed.source}")
        self.stdout.write(
            f"{found.effort.pace.minutes:.3g} minutes per page: {found.effort.pace.source}"
        )
        for row in found.rows:
            between = f" ({row['such_between']})" if row["such_between"] else ""
            self.stdout.write(
                f"{row['items']} items, power {row['power']}, {row['minutes']} min each: "
                f"{row['such']}{between} listeners, {row['hours_such']} h for items like these; "
                f"{row['these']}, {row['hours_these']} h for these items"
            )

    def _of_pairs(self, campaign: Campaign, options: dict[str, Any]) -> None:
        try:
            found = pair_planning.plan_of(
                campaign,
                share=options["share"],
                ties=options["ties"],
                difference=options["difference"],
                sd=options["sd_of_means"],
                past=self._past(options["past"]),
                minutes=options["minutes"],
            )
        except AnalysisError as error:
            raise Refused(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
            return
        section = found.section
        for words in section.paragraphs:
            self.stdout.write(words)
        for table in section.tables:
            for row in table.rows:
                told = zip(table.heading, row, strict=True)
                self.stdout.write(", ".join(f"{name.lower()} {value}" for name, value in told))

    def _past(self, slug: str | None) -> Campaign | None:
        return self.campaign({"campaign": slug}) if slug else None
