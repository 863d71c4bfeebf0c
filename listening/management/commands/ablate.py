"""What each part of a model does: taken away, at its defaults, made linear; alone, in pairs and trained without it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.ablating import METRICS, ablate, text
from metrics import catalogue
from models_registry.management.base import RefusingCommand, add_format
from models_registry.management.progress import bar
from models_registry.models import ModelVersion


class Command(RefusingCommand):
    help = __doc__
    refuses = (ValueError, LookupError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL[@N]")
        parser.add_argument(
            "files", nargs="*", type=Path, metavar="FILE", help="default: the recipe's test clips"
        )
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
        add_format(parser, "table", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["model"])
        names = [name for name in options["metrics"].split(",") if name]
        for name in names:
            catalogue.get(name)
        with bar("ablate") as report:
            found = ablate(
                version,
                files=options["files"],
                pairs=options["pairs"],
                metrics=names,
                retrain=options["retrain"],
                progress=report,
            )
        as_json = options["format"] == "json"
        self.stdout.write(
            json.dumps(found, indent=2, ensure_ascii=False) if as_json else text(found)
        )
