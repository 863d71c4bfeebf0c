"""A card in its three forms: HTML to read, Markdown for a repository, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from django.template.loader import render_to_string

from listening.cards.card import ModelCard
from listening.cards.metadata import front_matter
from listening.exchange.tables import replace_file
from listening.report_sections import Picture, plain_text, section_lines


def as_json(card: ModelCard) -> bytes:
    content = card.as_dict() | {"card_sha256": card.sha256}
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_markdown(card: ModelCard) -> bytes:
    """With front matter; of figures it says what they show, since repositories show no pictures from within a text."""
    lines = [
        f"# {plain_text(card.version)}: {plain_text(card.title)}",
        plain_text(card.purpose),
        f"Version {card.sha256_of_version}",
        f"Weights {card.sha256_of_weights}",
        f"Card {card.sha256}",
    ]
    for part in card.parts:
        lines += section_lines(part.section)
        lines += [f"*{_shows(one)}*" for one in part.section.pictures]
        if part.how:
            lines += ["Not there yet. How to get it:", f"    {part.how}"]
    return (front_matter(card) + "\n" + "\n\n".join(line for line in lines if line) + "\n").encode()


def _shows(picture: Picture) -> str:
    title = plain_text(picture.title).rstrip(".")
    words = "" if picture.words == picture.title else f" {plain_text(picture.words)}"
    return f"Figure: {title}.{words}"


def as_html(card: ModelCard) -> bytes:
    """One file that needs no other."""
    return render_to_string("listening/card_file.html", {"card": card}).encode()


FORMS: dict[str, Callable[[ModelCard], bytes]] = {
    "html": as_html,
    "md": as_markdown,
    "json": as_json,
}
CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}


def write(card: ModelCard, path: Path, form: str) -> None:
    """Write the card to `path`, whole or not at all."""
    replace_file(path, FORMS[form](card))
