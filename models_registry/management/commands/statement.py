"""Say what a version is meant for, what it takes for granted and where not to trust it; or print what was said."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from models_registry import statements
from models_registry.management.base import Refused, RefusingCommand, add_format
from models_registry.models import ModelVersion


class Command(RefusingCommand):
    help = (
        "Write the hand-written part of a version's card, which it needs before it can become a candidate; without "
        "--intent, --assumptions and --caveats print what stands."
    )
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="MODEL[@N]", help="without @N: its latest version")
        parser.add_argument("--intent", default="", help="what it is meant for, and what not")
        parser.add_argument("--assumptions", default="", help="what must hold for it to do that")
        parser.add_argument(
            "--caveats", default="", help="where it fails or may fail, and whom that hurts"
        )
        parser.add_argument(
            "--licence", default="", help="by which the version may be used, such as mit"
        )
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["version"])
        given = {name: options[name] for name in statements.LONGEST}
        if any(given.values()):
            found = statements.write(version, **given, actor=getpass.getuser())
        else:
            newest = statements.latest(version)
            if newest is None:
                raise Refused(
                    f"expected a statement on {version}, found none: write one with --intent, --assumptions and "
                    "--caveats"
                )
            found = newest
        said = statements.parts_of(found)
        if found.licence:
            said["licence"] = found.licence
        if options["format"] == "json":
            about = {"version": str(version), "number": found.number, "author": found.author}
            self.stdout.write(json.dumps({**about, **said}, indent=2, ensure_ascii=False))
            return
        self.stdout.write(f"{found}, by {found.author}, {found.created_at:%Y-%m-%d}")
        for name, text in said.items():
            self.stdout.write(f"\n{name.capitalize()}\n{text}")
