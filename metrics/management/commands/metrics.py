"""`manage.py metrics`: what can be measured."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from metrics import catalogue
from metrics.management.tables import aligned


class Command(BaseCommand):
    help = "List the metrics with unit, direction and what they need; --format json for everything declared."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *, format: str, **options: Any) -> None:
        metrics = catalogue.all()
        if format == "json":
            self.stdout.write(
                json.dumps([_record(m) for m in metrics], indent=2, ensure_ascii=False)
            )
            return
        heading = ("metric", "title", "unit", "better", "reference", "seconds")
        rows = [
            (
                metric.name,
                metric.title,
                metric.unit,
                metric.direction,
                "yes" if metric.needs_reference else "no",
                f"{metric.min_duration:g} to {metric.max_duration:g}",
            )
            for metric in metrics
        ]
        self.stdout.write(aligned([heading, *rows]))


def _record(metric: catalogue.Metric) -> dict[str, Any]:
    declared = {f.name: getattr(metric, f.name) for f in fields(metric) if f.name != "function"}
    return declared | {"description": metric.description}
