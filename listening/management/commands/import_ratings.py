"""Import ratings collected elsewhere as a closed campaign."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.importing import import_ratings
from listening.models import Condition
from models_registry.management.base import (
    RefusingCommand,
    add_project,
    key_values,
    project_of,
)
from models_registry.management.progress import bar


class Command(RefusingCommand):
    help = (
        "Import ratings from FILE: a tidy CSV (listener,item,condition,rating[,file]) or one with lists "
        "in its cells (signal,condition,ratings,participant_ids,file)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--campaign", required=True, metavar="SLUG", help="a new campaign's slug"
        )
        parser.add_argument("--audio", type=Path, metavar="DIR", help="where the rated files lie")
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            metavar="CONDITION=ROLE",
            help="say what a condition is: " + ", ".join(Condition.Role.values),
        )
        parser.add_argument(
            "--simulated", action="store_true", help="no person gave these ratings: label them so"
        )
        add_project(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with bar(f"import {options['file'].name}") as report:
            campaign = import_ratings(
                options["file"],
                options["campaign"],
                audio_folder=options["audio"],
                roles=key_values(options["role"], "--role CONDITION=ROLE"),
                simulated=options["simulated"],
                project=project_of(options),
                actor=getpass.getuser(),
                progress=report,
            )
            report(1, "stored")
        listeners, trials = campaign.listeners.count(), campaign.trials.count()
        roles = ", ".join(f"{c.name} ({c.get_role_display()})" for c in campaign.conditions.all())
        self.stdout.write(
            f"{campaign.slug}: {listeners} listeners, {trials} items; conditions: {roles}"
        )
