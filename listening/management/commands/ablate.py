"""What each part of a model does: taken away, at its defaults, made linear; alone, in pairs and trained without it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.ablating import NARROW, WIDE
from listening.ablation_campaigns import METHODS, asked_of, draft
from listening.management.study import StudyCommand
from models_registry.models import Study
from models_registry.studying import StudyError


class Command(StudyCommand):
    help = __doc__
    kind = "ablation"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pairs", action="store_true", help="also any two parts removed")
        parser.add_argument(
            "--metrics",
            metavar="A,B",
            help="held against the whole model's output; empty: none (default: "
            f"{','.join(WIDE)}, or {','.join(NARROW)} where the model's rate is too low for them)",
        )
        parser.add_argument(
            "--retrain", action="store_true", help="also train without each part: takes its time"
        )

        parser.add_argument(
            "--campaign",
            choices=METHODS,
            metavar="METHOD",
            help="also make a draft that asks listeners: " + ", ".join(METHODS),
        )
        parser.add_argument(
            "--parts",
            default="",
            metavar="A,B",
            help="of the campaign (default: all without which something changes; of an ABX the first)",
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        named = options["metrics"]
        names = None if named is None else [name for name in named.split(",") if name]
        if options["parts"] and not options["campaign"]:
            raise StudyError("expected --campaign METHOD with --parts, found none")
        return {"pairs": options["pairs"], "metrics": names, "retrain": options["retrain"]}

    def answered(self, study: Study, options: dict[str, Any]) -> None:
        super().answered(study, options)
        if options["campaign"]:
            parts = [name for name in options["parts"].split(",") if name]
            asked = asked_of(study.result, options["campaign"], parts)
            campaign = draft(
                study, asked, owner=None, actor=getpass.getuser(), told=lambda share, message: None
            )
            self.stderr.write(f"{campaign.slug}: a draft of {campaign.trials.count()} items")
