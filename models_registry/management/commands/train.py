"""Train a recipe and register the result as the next version of its model."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from models_registry import jobs, training
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_project,
    key_values,
    project_of,
)
from models_registry.management.progress import bar


class Command(RefusingCommand):
    help = (
        "Train RECIPE and register the result. Ctrl-C stops at a checkpoint; "
        "the same command goes on from there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", help="a shipped recipe's name, or a path to one")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            dest="settings_",
            help="change a value of the recipe, such as training.steps=300",
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="what every draw follows from (default: 0)"
        )
        parser.add_argument(
            "--reason",
            default="",
            help="why this version is made: what should sound different, or which physics was missing; the first "
            "of a model exists for what its recipe is for",
        )
        add_project(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["seed"] < 2**31:
            raise Refused(f"expected a seed from 0 to {2**31 - 1}, found {options['seed']}")
        recipe = training.load_recipe(
            options["recipe"], key_values(options["settings_"], "--set KEY=VALUE")
        )
        run = training.here(
            recipe,
            seed=options["seed"],
            reason=options["reason"],
            actor=getpass.getuser(),
            project=project_of(options),
        )
        with bar(f"train {recipe.name}") as report:
            failure = jobs.work_here(run.job, report)
        if isinstance(failure, jobs.Stopped):
            self.stdout.write(str(failure))
        elif isinstance(failure, ValueError):
            raise Refused(str(failure)) from failure
        elif failure:
            raise CommandError(f"training failed: {failure}") from failure
        else:
            self.stdout.write(run.job.message + f", hash {run.version.sha256}")
