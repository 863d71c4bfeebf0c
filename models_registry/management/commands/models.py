"""List the registered models: version, state, hash."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from models_registry.management.base import RefusingCommand, add_format
from models_registry.models import ModelVersion, TrainingRun


class Command(RefusingCommand):
    help = "List the registered models with version, state and hash, and the runs on their way."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_format(parser, "table", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = listing()
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2))
        elif not rows:
            self.stdout.write("no models yet: train one with `python manage.py train overdrive`")
        else:
            width = max(len(row["model"]) for row in rows)
            for row in rows:
                number = row["version"] or "–"
                self.stdout.write(
                    f"{row['model']:<{width}}  {number!s:>3}  {row['state']:<14} {row['hash']}"
                )


def listing() -> list[dict[str, Any]]:
    """Versions, then unfinished training runs; `state` says ready, or how far the run is."""
    versions = [
        {
            "model": version.model.name,
            "version": version.number,
            "state": "ready",
            "hash": version.sha256,
        }
        for version in ModelVersion.objects.select_related("model")
    ]
    runs = TrainingRun.objects.filter(version=None).select_related("model", "job")
    return versions + [
        {
            "model": run.model.name,
            "version": None,
            "state": f"{run.job.state} {run.job.progress:.0%}",
            "hash": "",
        }
        for run in runs
    ]
