"""Write a campaign as a document that makes the same campaign elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.composing import describe, with_files
from listening.exchange import campaign_document
from listening.management.base import CampaignCommand
from models_registry.management.base import add_format


class Command(CampaignCommand):
    help = (
        "Write a campaign as YAML or JSON, its sounds by their hashes or, with --audio, as files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_format(parser, *campaign_document.FORMATS)
        parser.add_argument("--to", type=Path, metavar="FILE", help="default: the terminal")
        parser.add_argument(
            "--audio",
            type=Path,
            metavar="DIR",
            help="write the sounds there, and name them by file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data = describe(self.campaign(options))
        if options["audio"]:
            data = with_files(data, options["audio"])
        text = campaign_document.dump(data, form=options["format"])
        if options["to"]:
            options["to"].write_text(text, encoding="utf-8")
            self.stdout.write(str(options["to"]))
        else:
            self.stdout.write(text, ending="")
