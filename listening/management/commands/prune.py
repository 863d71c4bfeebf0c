"""Forget every listener of the campaigns whose date of retention has passed."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.forgetting import RATINGS, prune
from models_registry.management.base import RefusingCommand


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ratings", choices=RATINGS, default="keep", help="default: keep")

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = prune(ratings=options["ratings"], actor=getpass.getuser())
        for slug, count in pruned.items():
            self.stdout.write(f"{slug}: {count} listener{'' if count == 1 else 's'} forgotten")
        if not pruned:
            self.stdout.write("nobody is to be forgotten today")
