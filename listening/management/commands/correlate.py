"""Hold metrics against the ratings of a campaign, of several pooled, or of a CSV file (then no database is touched)."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.analysis.pooling import PooledCorrelation, pool
from listening.analysis.report import Correlation, correlate
from listening.attesting import attested
from listening.evidence import ratings_frame, scores_frame
from listening.management.base import CampaignCommand
from listening.management.files import add_file_options, correlate_files, is_file
from listening.models import Campaign
from listening.scoring import score_campaign
from metrics import catalogue
from models_registry import audit
from models_registry.management.base import Refused, add_format
from models_registry.management.progress import bar


class Command(CampaignCommand):
    help = "Correlate metrics with mean ratings; of campaigns, scores what is not scored yet."
    argument = "the campaign's slug, or a CSV file of ratings"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "others",
            nargs="*",
            help="a CSV file of scores, for a file of ratings; or further campaigns, to be pooled with the first",
        )
        add_format(parser, "table", "json")
        parser.add_argument("--metrics", metavar="A,B", help="default: the whole catalogue")
        parser.add_argument("--given", metavar="A", help="hold this metric fixed (partial r)")
        parser.add_argument(
            "--scale", metavar="NAME", help="of a campaign whose method has several, such as BAK"
        )
        add_file_options(parser)
        parser.add_argument(
            "--higher", metavar="A,B", help="metrics of a file that rise with quality"
        )
        parser.add_argument(
            "--lower", metavar="A,B", help="metrics of a file that fall with quality"
        )
        parser.add_argument(
            "--as-they-lie",
            action="store_true",
            help="compare signals without undoing a lag, as most published figures do",
        )
        parser.add_argument(
            "--screening",
            choices=Campaign.Screening.values,
            help="another rule than the one declared with the campaign; the output says which",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        correlation = self.of_files(options) or self.of_campaigns(options)
        if options["format"] == "json":
            self.stdout.write(correlation.to_json())
        else:
            self.stdout.write(correlation.to_text())

    def of_files(self, options: dict[str, Any]) -> Correlation | None:
        others = options["others"]
        if not is_file(options["campaign"]):
            if files := [name for name in others if is_file(name)]:
                raise Refused(
                    f"expected a file of ratings beside {files[0]}, found {options['campaign']!r}"
                )
            return None
        if len(others) != 1:
            found = ", ".join(others) or "none"
            raise Refused(f"expected a file of scores after {options['campaign']}, found {found}")
        return correlate_files(Path(options["campaign"]), Path(others[0]), options)

    def of_campaigns(self, options: dict[str, Any]) -> Correlation | PooledCorrelation:
        slugs = [options["campaign"], *options["others"]]
        found = [self.of_campaign(options | {"campaign": slug}) for slug in slugs]
        return found[0] if len(found) == 1 else pool(found)

    def of_campaign(self, options: dict[str, Any]) -> Correlation:
        campaign = self.campaign(options)
        names = options["metrics"].split(",") if options["metrics"] else None
        for name in names or []:
            catalogue.get(name)
        align = not options["as_they_lie"]
        with bar(f"score {campaign.slug}") as report:
            score_campaign(
                campaign, actor=getpass.getuser(), names=names, align=align, progress=report
            )
            report(1, "")
        scores = scores_frame(campaign, align=align)
        if names:
            scores = scores[scores["metric"].isin(names)]
        rule = options["screening"] or campaign.rule
        found = correlate(
            ratings_frame(campaign),
            scores,
            screening=rule,
            given=options["given"],
            scale=options["scale"],
        )
        content = {"kind": "correlation", "screening": rule}
        content |= audit.fingerprint(found.to_json().encode()) | attested(campaign)
        audit.record("analyse", campaign, actor=getpass.getuser(), content=content)
        return found
