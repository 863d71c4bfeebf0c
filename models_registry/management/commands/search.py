"""Search for a better configuration of a recipe, and register what is shown to be better."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from models_registry import jobs, search_tables, searching, training
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_format,
    add_project,
    key_values,
    project_of,
)
from models_registry.management.progress import bar
from models_registry.models import Search


class Command(RefusingCommand):
    help = (
        "Try configurations of RECIPE within its space, repeat the best with other seeds, and say which are reliably "
        "better. Ctrl-C stops at checkpoints; --resume goes on from there, or joins in while others are at work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", help="a shipped recipe's name, or a path to one")
        parser.add_argument(
            "--space",
            metavar="FILE",
            help="what may change, as JSON (default: the recipe's section 'search')",
        )
        parser.add_argument(
            "--trials", type=int, default=30, help="configurations to try (default: %(default)s)"
        )
        parser.add_argument(
            "--objectives",
            default="quality",
            metavar="A,B",
            help=f"of {', '.join(searching.OBJECTIVES)} (default: %(default)s)",
        )
        parser.add_argument(
            "--finalists", type=int, default=3, help="how many are repeated (default: %(default)s)"
        )
        parser.add_argument(
            "--seeds", type=int, default=5, help="with how many other seeds (default: %(default)s)"
        )
        parser.add_argument("--seed", type=int, default=0, help="of what is tried (default: 0)")
        parser.add_argument(
            "--no-prune", action="store_true", help="train every configuration to its end"
        )
        parser.add_argument(
            "--workers", type=int, default=1, help="processes at once (default: %(default)s)"
        )
        parser.add_argument(
            "--resume",
            nargs="?",
            type=int,
            const=0,
            metavar="NUMBER",
            help="go on with the newest search over the recipe that is not over, or with this one",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            dest="settings_",
            help="change a value of the recipe for all that is tried, such as training.steps=300",
        )
        parser.add_argument("--reason", default="", help="why this search is made")
        add_project(parser)
        add_format(parser, "table", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["workers"] <= searching.MOST_WORKERS:
            raise Refused(
                f"expected 1 to {searching.MOST_WORKERS} workers, found {options['workers']}"
            )
        search = self._search(options)
        job = searching.here(search, actor=getpass.getuser())
        others = [self._other(options, search) for _ in range(options["workers"] - 1)]
        with bar(str(search)) as report:
            failure = jobs.work_here(job, report)
        if failure:
            search.request_stop()
        for other in others:
            other.wait()
        search.refresh_from_db()
        if isinstance(failure, jobs.Stopped):
            self.stderr.write(f"{search}: {failure}")
        elif isinstance(failure, ValueError):
            raise Refused(str(failure)) from failure
        elif failure:
            raise CommandError(f"{search} failed: {failure}") from failure
        as_json = options["format"] == "json"
        told = search_tables.told(search)
        self.stdout.write(
            json.dumps(told, indent=2, ensure_ascii=False) if as_json else search_tables.text(told)
        )

    def _search(self, options: dict[str, Any]) -> Search:
        project = project_of(options)
        if options["resume"] is not None:
            name = training.load_recipe(options["recipe"]).name
            return searching.unfinished(project, name, options["resume"])
        return searching.searched(
            options["recipe"],
            key_values(options["settings_"], "--set KEY=VALUE"),
            space=options["space"],
            plan={
                "trials": options["trials"],
                "seeds": options["seeds"],
                "finalists": options["finalists"],
                "objectives": tuple(filter(None, options["objectives"].split(","))),
                "seed": options["seed"],
                "prune": not options["no_prune"],
            },
            reason=options["reason"],
            actor=getpass.getuser(),
            project=project,
        )

    def _other(self, options: dict[str, Any], search: Search) -> subprocess.Popen[bytes]:
        """One more worker, a process of its own."""
        command = [sys.executable, sys.argv[0], "search", options["recipe"]]
        command += ["--resume", str(search.pk), "--project", search.project.slug]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
