"""`manage.py score`: objective metrics of audio files, with no database."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from metrics import catalogue
from metrics.contract import MetricError, check_pair
from metrics.management.tables import aligned
from metrics.scoring import Pair, Result, score_pairs
from models_registry.audio import Audio, AudioError, read


class Command(BaseCommand):
    help = "Score files against a reference: one row for each file and metric."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", metavar="REFERENCE", help="the undistorted recording")
        parser.add_argument(
            "degraded", metavar="DEGRADED", nargs="+", help="recordings of the same length and rate"
        )
        parser.add_argument(
            "--metrics", metavar="NAME,NAME", help="names from `manage.py metrics` (default: all)"
        )
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table")

    def handle(self, *, reference: str, degraded: list[str], **options: Any) -> None:
        try:
            metrics = _chosen(options["metrics"])
            original = read(reference)
            pairs = [Pair(path, original, read(path)) for path in dict.fromkeys(degraded)]
            if any(metric.needs_reference for metric in metrics):
                for pair in pairs:
                    _check(original, pair.degraded, name=pair.key)
        except (AudioError, MetricError) as error:
            raise CommandError(str(error), returncode=2) from error
        results = dict(score_pairs(pairs, [metric.name for metric in metrics]))
        in_order = [(pair.key, result) for pair in pairs for result in results[pair.key]]
        self.stdout.write(FORMATS[options["format"]](in_order))


def _chosen(names: str | None) -> tuple[catalogue.Metric, ...]:
    if names is None:
        return catalogue.all()
    return tuple(catalogue.get(name.strip()) for name in names.split(","))


def _check(reference: Audio, degraded: Audio, *, name: str) -> None:
    check_pair(
        reference.samples.shape, degraded.samples.shape, reference.rate, degraded.rate, name=name
    )


def _table(rows: list[tuple[str, Result]]) -> str:
    return aligned(
        [("file", "metric", "value", "unit")]
        + [
            (file, result.metric, f"{result.value:.4f}", result.unit)
            if result.value is not None
            else (file, result.metric, result.status, result.message)
            for file, result in rows
        ]
    )


def _records(rows: list[tuple[str, Result]]) -> list[dict[str, Any]]:
    return [{"file": file, **asdict(result)} for file, result in rows]


def _csv(rows: list[tuple[str, Result]]) -> str:
    records = _records(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().rstrip("\n")


def _json(rows: list[tuple[str, Result]]) -> str:
    return json.dumps(_records(rows), indent=2, ensure_ascii=False)


FORMATS = {"table": _table, "csv": _csv, "json": _json}
