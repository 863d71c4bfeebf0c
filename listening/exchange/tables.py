"""A campaign's tables into one file: CSV (ratings beside scores), JSON or XLSX (everything).

Rows carry where they come from: campaign, whether simulated, the signal's hash and whatever further columns the
frames have (a model version and its hash). Numbers are written unrounded; a missing one is an empty cell or
null. A file is there whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from listening.analysis.frames import one_score_each, ratings_frame, scores_frame, stimulus_key
from listening.analysis.plain import plain
from listening.analysis.report import Analysis
from listening.exchange.errors import ExchangeError

FORMATS = (".csv", ".json", ".xlsx")
# what makes a spreadsheet take text for a formula (OWASP, CSV injection)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# the file format's own limits
XLSX_ROWS, XLSX_TEXT = 1_048_576, 32_767
# what XML 1.0, and so a workbook, cannot hold
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write(
    path: Path,
    *,
    ratings: pd.DataFrame,
    scores: pd.DataFrame | None = None,
    analysis: Analysis | None = None,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write the tables to `path` in the format its extension names, replacing a file that is there.

    .csv holds one row per rating, with each metric's score of the same stimulus as a column of the metric's
    name; .json and .xlsx hold ratings (as in the CSV), scores, summary, screening and about. Raises
    `ExchangeError` for another extension, a folder that is not there or cannot be written, or a table that is
    too long for a workbook.
    """
    if path.suffix.lower() not in FORMATS:
        raise ExchangeError(
            f"{path.name}: expected a file ending in {', '.join(FORMATS)}, found {path.suffix or 'none'}"
        )
    ratings = ratings_frame(ratings)
    scores = scores_frame(scores) if scores is not None else None
    tables = _tables(ratings, scores, analysis, about or {})
    match path.suffix.lower():
        case ".csv":
            content = csv_bytes(tables["ratings"])
        case ".json":
            content = json.dumps(plain(tables), ensure_ascii=False, indent=1).encode()
        case _:
            content = workbook(tables, path.name)
    replace_file(path, content)
    return path


def with_scores(ratings: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """`ratings` with one more column per metric, named after it: its score of the rated stimulus.

    They meet as `stimulus_key` says; a metric of which there are several versions has its version in the name.
    Raises `AnalysisError` for different scores of one stimulus.
    """
    key = stimulus_key(ratings)
    scores = one_score_each(scores, key)
    versions = scores.groupby("metric")["metric_version"].nunique()
    names = scores["metric"].where(
        scores["metric"].map(versions) == 1, scores["metric"] + " " + scores["metric_version"]
    )
    wide = (
        scores.assign(column=names)
        .pivot(index=key, columns="column", values="value")
        .reindex(columns=names.unique())
    )
    clash = [c for c in wide.columns if c in ratings.columns]
    return ratings.join(wide.rename(columns={c: f"{c} (score)" for c in clash}), on=key)


def _tables(
    ratings: pd.DataFrame,
    scores: pd.DataFrame | None,
    analysis: Analysis | None,
    about: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    facts = {
        "campaign": ", ".join(ratings["campaign"].unique()),
        "listeners": str(ratings["listener"].nunique()),
        "simulated listeners": str(ratings.loc[ratings["simulated"], "listener"].nunique()),
        "ratings": str(len(ratings)),
        **about,
    }
    return {
        "ratings": ratings if scores is None else with_scores(ratings, scores),
        "scores": pd.DataFrame() if scores is None else scores,
        "summary": pd.DataFrame() if analysis is None else analysis.summary,
        "screening": pd.DataFrame() if analysis is None else analysis.screening.decisions,
        "about": pd.DataFrame({"fact": list(facts), "value": list(facts.values())}),
    }


def guarded(value: Any) -> Any:
    """`value`; text that a spreadsheet would take for a formula behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _rows(table: pd.DataFrame) -> Iterator[list[Any]]:
    """The heading and then the rows, as plain values."""
    yield [str(column) for column in table.columns]
    for row in table.itertuples(index=False, name=None):
        yield [plain(value) for value in row]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """`table` with its heading, text guarded against spreadsheets."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in _rows(table):
        writer.writerow([guarded(value) for value in row])
    return text.getvalue().encode()


def workbook(tables: Mapping[str, pd.DataFrame], name: str) -> bytes:
    """A worksheet per table; raises `ExchangeError` for one that is too long."""
    book = Workbook(write_only=True)
    for title, table in tables.items():
        if len(table) >= XLSX_ROWS:
            raise ExchangeError(
                f"{name}: expected at most {XLSX_ROWS - 1} rows in a workbook, found {len(table)} {title}; "
                "write .csv or .json instead"
            )
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(table.columns, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = max(10, len(str(column)) + 2)
        for row in _rows(table) if len(table.columns) else ():
            sheet.append([_cell(sheet, value) for value in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=CONTROL.sub("\ufffd", value)[:XLSX_TEXT])
    # text stays text, whatever it begins with
    cell.data_type = "s"
    return cell


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it there, so that no reader sees half a file."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ExchangeError(
            f"{path}: expected a folder that can be written, found: {error.strerror}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
