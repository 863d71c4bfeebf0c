"""A report's sections of text, tables and figures, and how Markdown writes them; a template writes them as HTML."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from listening.analysis.plain import MISSING, Format

Columns = Mapping[str, tuple[pd.Series, Format]]


@dataclass(frozen=True)
class Table:
    caption: str
    heading: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Picture:
    title: str
    svg: bytes

    @property
    def data_uri(self) -> str:
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"


@dataclass(frozen=True)
class Section:
    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


def laid_out(caption: str, columns: Columns) -> Table:
    """Columns (heading → values and their format) as text, a dash for what is missing."""
    cells = [
        [MISSING if pd.isna(value) else fmt(value) for value in values]
        for values, fmt in columns.values()
    ]
    return Table(caption, list(columns), [list(row) for row in zip(*cells, strict=True)])


def markdown(title: str, made_at: str, warning: str, sections: list[Section]) -> str:
    blocks = [f"# {_plain(title)}", f"Report of {made_at}."]
    blocks += [f"**SIMULATED LISTENERS. {warning}**"] if warning else []
    for section in sections:
        blocks.append(f"## {section.title}")
        blocks += [_plain(text) for text in section.paragraphs]
        for table in section.tables:
            lines = [table.heading, ["---"] * len(table.heading), *table.rows]
            blocks.append(_plain(table.caption))
            blocks.append("\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines))
        blocks += [f"![{_plain(p.title)}]({p.data_uri})" for p in section.pictures]
    return "\n\n".join(blocks) + "\n"


def _plain(text: str) -> str:
    """Names may hold what Markdown takes for its own."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
