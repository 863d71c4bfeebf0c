"""A report's sections of text, tables and figures, and how Markdown writes them; a template writes them as HTML."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from listening.analysis.plain import MISSING, Format

Columns = Mapping[str, tuple[pd.Series, Format]]


@dataclass(frozen=True)
class Table:
    """`numbers` says of each column whether it is set to the right; none is where it is empty."""

    caption: str
    heading: list[str]
    rows: list[list[str]]
    numbers: tuple[bool, ...] = ()

    @property
    def right(self) -> tuple[bool, ...]:
        return self.numbers or (False,) * len(self.heading)

    @property
    def head(self) -> list[tuple[str, bool]]:
        return list(zip(self.heading, self.right, strict=True))

    @property
    def cells(self) -> list[list[tuple[str, bool]]]:
        return [list(zip(row, self.right, strict=True)) for row in self.rows]


class Picture(Protocol):
    """A figure that a page links to and a report holds; `words` are its text alternative."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def words(self) -> str: ...

    @property
    def data(self) -> pd.DataFrame:
        """The table behind it."""

    def picture(self, form: str) -> bytes:
        """As svg, pdf or png."""


def data_uri(picture: Picture) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.picture('svg')).decode()}"


@dataclass(frozen=True)
class Section:
    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: Sequence[Picture] = ()

    @property
    def drawn(self) -> list[tuple[str, str]]:
        """Title of each picture, and the address of the SVG itself."""
        return [(one.title, data_uri(one)) for one in self.pictures]


def laid_out(caption: str, columns: Columns) -> Table:
    """Columns (heading → values and their format) as text, a dash for what is missing."""
    cells = [
        [MISSING if pd.isna(value) else fmt(value) for value in values]
        for values, fmt in columns.values()
    ]
    numbers = tuple(fmt is not str for _, fmt in columns.values())
    return Table(caption, list(columns), [list(row) for row in zip(*cells, strict=True)], numbers)


def markdown(title: str, made_at: str, warning: str, sections: list[Section]) -> str:
    blocks = [f"# {plain_text(title)}", f"Report of {made_at}."]
    blocks += [f"**SIMULATED LISTENERS. {warning}**"] if warning else []
    for section in sections:
        blocks += section_lines(section)
        blocks += [f"![{plain_text(title)}]({uri})" for title, uri in section.drawn]
    return "\n\n".join(blocks) + "\n"


def section_lines(section: Section) -> list[str]:
    """The blocks of Markdown of a section's heading, words and tables."""
    blocks = [f"## {section.title}", *(plain_text(text) for text in section.paragraphs)]
    for table in section.tables:
        lines = [table.heading, ["---"] * len(table.heading), *table.rows]
        blocks.append(plain_text(table.caption))
        blocks.append("\n".join(f"| {' | '.join(map(plain_text, line))} |" for line in lines))
    return blocks


def plain_text(text: str) -> str:
    """Names may hold what Markdown takes for its own."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
