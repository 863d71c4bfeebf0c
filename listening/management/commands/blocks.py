"""List the kinds of blocks and adapters, or print the card of one."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from listening.kinds import Kind, kinds
from models_registry.management.base import Refused, RefusingCommand, add_format


class Command(RefusingCommand):
    help = "List the kinds of blocks and adapters by family, or print the card of KIND with its parameters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", nargs="?", default="", metavar="KIND")
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        known = kinds()
        name = options["kind"]
        if name and name not in known:
            raise Refused(
                f"expected a kind of block or adapter ({', '.join(known)}), found {name!r}"
            )
        chosen = [known[name]] if name else list(known.values())
        if options["format"] == "json":
            told = [one.as_dict() for one in chosen]
            self.stdout.write(json.dumps(told[0] if name else told, indent=2, ensure_ascii=False))
        elif name:
            self.stdout.write(card_of(known[name]))
        else:
            width = max(map(len, known))
            for one in chosen:
                self.stdout.write(f"{one.family:20} {one.name:{width}}  {one.card.purpose}")


def card_of(kind: Kind) -> str:
    card = kind.card
    lines = [
        f"{kind.name} ({kind.family})",
        card.purpose,
        "",
        f"Why it works: {card.rationale}",
        f"Assumes: {card.assumptions}",
        f"Usual ranges: {card.expected_ranges}",
        f"How it fails: {card.failure_modes}",
        *(f"Reference: {one}" for one in card.references),
    ]
    lines += [""] * bool(kind.parameters)
    for one in kind.parameters:
        many = f", {one.size} numbers" if one.size > 1 else ""
        unit = f" {one.unit}" if one.unit else ""
        lines.append(
            f"{one.name:20} {one.low:g} to {one.high:g}{unit} ({one.scale}{many}): {one.meaning}"
        )
    return "\n".join(lines)
