"""A report's tables and figures as files for a paper: LaTeX, a workbook, or all of it in one archive."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence

import pandas as pd

from listening.exchange import latex
from listening.exchange.tables import csv_bytes, workbook
from listening.report_sections import Section, Table

PICTURES = ("pdf", "svg", "png")
# a worksheet's name has at most 31 letters, and none of these
SHEET_NAME, FORBIDDEN = 31, re.compile(r"[\[\]:*?/\\]")
# files in the archive carry the first date that there can be: the same report is the same bytes
DATE = (1980, 1, 1, 0, 0, 0)
PREAMBLE = "% Needs \\usepackage{booktabs}. Every table of the report, in its order.\n\n"


def tex(sections: Sequence[Section]) -> bytes:
    """Every table, each as a float of its own."""
    parts = [
        latex.tabular(table.caption, table.heading, table.rows, table.right)
        for _, table in _tables(sections)
    ]
    return (PREAMBLE + "\n".join(parts)).encode()


def xlsx(sections: Sequence[Section]) -> bytes:
    """A worksheet per table, as printed; the first lists their captions."""
    sheets: dict[str, pd.DataFrame] = {}
    captions = []
    for number, (section, table) in enumerate(_tables(sections), start=1):
        name = FORBIDDEN.sub(" ", f"{number} {section.title}")[:SHEET_NAME]
        sheets[name] = pd.DataFrame(table.rows, columns=_distinct(table.heading))
        captions.append([name, table.caption])
    contents = pd.DataFrame(captions, columns=["sheet", "caption"])
    return workbook({"contents": contents, **sheets}, "report.xlsx")


def archive(sections: Sequence[Section], report: bytes) -> bytes:
    """The HTML report, every table as CSV and all of them as LaTeX, every figure in each format beside its data."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in [
            ("report.html", report),
            ("tables.tex", tex(sections)),
            *_files(sections),
        ]:
            file.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _files(sections: Sequence[Section]) -> Iterator[tuple[str, bytes]]:
    for number, (section, table) in enumerate(_tables(sections), start=1):
        name = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")
        yield (
            f"tables/{number:02}-{name}.csv",
            csv_bytes(pd.DataFrame(table.rows, columns=_distinct(table.heading))),
        )
    for section in sections:
        for picture in section.pictures:
            for form in PICTURES:
                yield f"figures/{picture.name}.{form}", picture.picture(form)
            yield f"figures/{picture.name}.csv", csv_bytes(picture.data)


def _tables(sections: Sequence[Section]) -> Iterator[tuple[Section, Table]]:
    for section in sections:
        for table in section.tables:
            if table.rows:
                yield section, table


def _distinct(heading: Sequence[str]) -> list[str]:
    """Two columns may have one heading in print, as two intervals do."""
    return [
        name if heading.count(name) == 1 else f"{name} ({k})"
        for k, name in enumerate(heading, start=1)
    ]
