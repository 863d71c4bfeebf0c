"""Tell where a number comes from: rating or score, stimulus, rendering, version, weights, run, recipe, data."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from listening import lineage
from listening.provenance import KINDS, trace
from models_registry.management.base import RefusingCommand, add_format

BASE = "urn:earwitness:"


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "name",
            help=f"KIND/NAME as tables and exports have it, with a kind of {', '.join(KINDS)}",
        )
        add_format(parser, "text", "prov-json")

    def handle(self, *args: Any, **options: Any) -> None:
        found = trace(options["name"], user=None)
        if options["format"] == "prov-json":
            told = lineage.as_prov_json(found, base=BASE)
            self.stdout.write(json.dumps(told, indent=1, ensure_ascii=False))
            return
        for node in found.nodes.values():
            self.stdout.write(f"{node.name}  {node.kind}: {node.title}")
            for name, value in node.facts:
                self.stdout.write(f"    {name}: {value}")
            for edge in found.leading_from(node.name):
                self.stdout.write(f"    {edge.words} {edge.target}")
