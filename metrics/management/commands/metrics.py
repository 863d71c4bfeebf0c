"""`manage.py metrics`: what can be measured."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from metrics import catalogue
from metrics.management.tables import aligned
from models_registry.management.base import Refused

NEEDS = {"yes": True, "no": False, "any": None}


class Command(BaseCommand):
    help = (
        "List the metrics with unit, direction and what they need, or define those that are named; "
        "--format json for everything declared."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names", metavar="NAME", nargs="*", help="define this metric (default: list all)"
        )
        parser.add_argument(
            "--search", metavar="WORDS", default="", help="only those that speak of these"
        )
        parser.add_argument("--family", metavar="FAMILY", default="", help="only those of a family")
        parser.add_argument(
            "--reference", choices=NEEDS, default="any", help="only those that need one, or none"
        )
        parser.add_argument(
            "--format", choices=("table", "json"), default="table", help="default: table"
        )

    def handle(self, *, names: list[str], format: str, **options: Any) -> None:
        try:
            metrics = tuple(map(catalogue.get, names)) or catalogue.find(
                options["search"],
                family=_family(options["family"]),
                needs_reference=NEEDS[options["reference"]],
            )
        except catalogue.MetricError as error:
            raise Refused(str(error)) from error
        if format == "json":
            self.stdout.write(
                json.dumps([m.as_dict() for m in metrics], indent=2, ensure_ascii=False)
            )
        elif names:
            self.stdout.write("\n\n".join(map(_definition, metrics)))
        else:
            self.stdout.write(_list(metrics))


def _family(asked: str) -> str:
    families = {metric.family.lower(): metric.family for metric in catalogue.all()}
    if asked and asked.lower() not in families:
        raise Refused(f"expected one of {', '.join(families.values())}, found {asked!r}")
    return families.get(asked.lower(), "")


def _list(metrics: tuple[catalogue.Metric, ...]) -> str:
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
    return aligned([heading, *rows])


def _definition(metric: catalogue.Metric) -> str:
    said = [metric.title, "", metric.description, *metric.remarks, "", ""]
    return "\n".join(said) + aligned(
        [
            (name.replace("_", " "), _text(value))
            for name, value in metric.as_dict().items()
            if name not in ("title", "description")
        ]
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join("no limit" if one is None else f"{one:g}" for one in value) or "any"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
