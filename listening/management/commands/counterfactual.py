"""The smallest change of a model's parameters, or of the sound that goes in, that takes a score across a target."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.counterfactuals import OUTPUT, asked
from listening.management.study import StudyCommand
from models_registry import studying
from models_registry.models import ModelVersion
from models_registry.properties import NAMES


class Command(StudyCommand):
    help = __doc__
    kind = "counterfactual"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--target",
            required=True,
            help="such as 'esr<=0.1' (a recipe's measure), 'si-sdr>=10' (a metric), or 'rating:CAMPAIGN[:METRIC]>=60'",
        )
        parser.add_argument(
            "--change",
            default="",
            metavar="A,B",
            help=f"blocks, parameters, or of the sound {', '.join(NAMES)}; default: all single numbers it learned",
        )
        parser.add_argument(
            "--reference",
            default="",
            metavar="FILE",
            help=f"what it is held against, '{OUTPUT}' for what the model makes now; default: what the recipe wants, "
            "else the sound as it is",
        )
        parser.add_argument(
            "--answers", type=int, default=3, metavar="N", help="how many to find (default: 3)"
        )
        parser.add_argument(
            "--sparse", action="store_true", help="few numbers rather than the smallest change"
        )
        parser.add_argument(
            "--trials", type=int, default=1_000, metavar="N", help="at most; default: %(default)s"
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        asked(options["target"])
        reference = options["reference"]
        if reference and reference != OUTPUT:
            version = ModelVersion.objects.named(options["model"])
            (reference,) = studying.keep_files(version, [Path(reference)])
        names = [name.strip() for name in options["change"].split(",") if name.strip()]
        kept = {name: options[name] for name in ("target", "answers", "sparse", "trials")}
        return {**kept, "change": names, "reference": reference}
