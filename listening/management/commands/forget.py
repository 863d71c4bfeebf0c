"""Forget a listener: questionnaire, comments and recruiter's codes go; ratings stay without a name, or go as well."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from listening.forgetting import RATINGS, forget, listener_called
from models_registry.management.base import RefusingCommand


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="a session's token, a listener's code or a recruiter's")
        parser.add_argument("--campaign", default="", help="where several have such a code")
        parser.add_argument("--ratings", choices=RATINGS, default="keep", help="default: keep")

    def handle(self, *args: Any, **options: Any) -> None:
        listener = listener_called(options["name"], campaign=options["campaign"])
        slug = listener.campaign.slug
        count = forget(listener, ratings=options["ratings"], actor=getpass.getuser())
        done = "deleted" if options["ratings"] == "delete" else "kept without a name"
        self.stdout.write(f"{slug}: one listener forgotten, {count} ratings {done}")
