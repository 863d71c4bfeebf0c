"""What each part of a model does: taken away, at its defaults, made linear; alone, in pairs and trained without it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from listening.ablating import METRICS
from listening.management.study import StudyCommand
from metrics import catalogue


class Command(StudyCommand):
    help = __doc__
    kind = "ablation"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pairs", action="store_true", help="also any two parts removed")
        parser.add_argument(
            "--metrics",
            default=",".join(METRICS),
            metavar="A,B",
            help="held against the whole model's output; empty: none (default: %(default)s)",
        )
        parser.add_argument(
            "--retrain", action="store_true", help="also train without each part: takes its time"
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        names = [name for name in options["metrics"].split(",") if name]
        for name in names:
            catalogue.get(name)
        return {"pairs": options["pairs"], "metrics": names, "retrain": options["retrain"]}
