"""Write a version's model card."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.cards import forms
from listening.cards.gathering import card_of
from models_registry import audit
from models_registry.management.base import RefusingCommand
from models_registry.models import ModelVersion


class Command(RefusingCommand):
    help = (
        "Write the model card of a version, gathered from what is recorded of it: as one HTML file, as Markdown with "
        "the front matter of the Hugging Face Hub, or as JSON."
    )
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="MODEL[@N]", help="without @N: its latest version")
        parser.add_argument("--format", choices=list(forms.FORMS), default="md", help="default: md")
        parser.add_argument(
            "--to", type=Path, metavar="FILE", help="without it the card goes to standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["version"])
        card = card_of(version)
        if options["to"] is None:
            self.stdout.write(forms.FORMS[options["format"]](card).decode())
            return
        forms.write(card, options["to"], options["format"])
        audit.record(
            "card",
            version,
            actor=getpass.getuser(),
            content={"format": options["format"], "card": card.sha256},
        )
        known, parts = card.complete
        self.stdout.write(
            f"{options['to']}: {known} of {parts} parts have evidence, card {card.sha256}"
        )
