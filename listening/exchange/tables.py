"""A campaign's tables into one file: CSV, Parquet or LaTeX (one of them), JSON or XLSX (everything).

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
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from listening.analysis.frames import (
    one_score_each,
    own_pairs,
    ratings_frame,
    scores_frame,
    stimulus_key,
)
from listening.analysis.plain import plain
from listening.analysis.report import Analysis
from listening.exchange import latex
from listening.exchange.errors import ExchangeError

FORMATS = (".csv", ".json", ".xlsx", ".parquet", ".tex")
# what a row is: of the formats that hold one table, the one that is written
ROWS = ("ratings", "stimuli", "sessions")
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
    sessions: pd.DataFrame | None = None,
    about: Mapping[str, str] | None = None,
    rows: str = "ratings",
) -> Path:
    """Write the tables to `path` in the format its extension names, replacing a file that is there.

    .csv, .parquet and .tex hold one table: with `rows` 'ratings' one row per rating, with each metric's score of the
    same stimulus as a column of the metric's name, with 'stimuli' one row per stimulus (`per_stimulus`), with
    'sessions' one row per session as given. .json and .xlsx hold ratings, stimuli, sessions, scores, summary, screening
    and about. Parquet needs the extra 'parquet'. Raises `ExchangeError` for another extension, a folder that is not
    there or cannot be written, or a table that is
    too long for a workbook.
    """
    if path.suffix.lower() not in FORMATS:
        raise ExchangeError(
            f"{path.name}: expected a file ending in {', '.join(FORMATS)}, found {path.suffix or 'none'}"
        )
    if rows not in ROWS:
        raise ExchangeError(f"expected rows of {', '.join(ROWS)}, found {rows!r}")
    ratings = ratings_frame(ratings)
    scores = scores_frame(scores) if scores is not None else None
    tables = _tables(ratings, scores, analysis, sessions, about or {})
    match path.suffix.lower():
        case ".json":
            content = json.dumps(plain(tables), ensure_ascii=False, indent=1).encode()
        case ".xlsx":
            content = workbook(tables, path.name)
        case _:
            return write_one(path, tables[rows])
    replace_file(path, content)
    return path


def write_one(path: Path, table: pd.DataFrame) -> Path:
    """Write one table to `path`, as .csv, .parquet or .tex."""
    match path.suffix.lower():
        case ".parquet":
            content = _parquet(table, path.name)
        case ".tex":
            content = _tex(table, path.stem)
        case _:
            content = csv_bytes(table)
    replace_file(path, content)
    return path


def holds_one(path: Path) -> bool:
    """Whether a file of this name holds one table alone."""
    return path.suffix.lower() in (".csv", ".parquet", ".tex")


def csv_parts(
    parts: Iterable[pd.DataFrame], *, key: list[str], scores: pd.DataFrame
) -> Iterator[bytes]:
    """The table of ratings, each beside its stimulus's scores, that comes in `parts`, a piece of the file for each.

    `key` is the `stimulus_key` of the whole table.
    """
    for place, ratings in enumerate(parts):
        yield csv_bytes(with_scores(ratings, scores, key=key), heading=place == 0)


def with_scores(
    ratings: pd.DataFrame, scores: pd.DataFrame, *, key: list[str] | None = None
) -> pd.DataFrame:
    """`ratings` with one more column per metric, named after it: its score of the rated stimulus.

    They meet on `key`, or as `stimulus_key` says, and of a stimulus scored with and without a reference the former
    counts; a metric of which there are several versions has its version in the name.
    Raises `AnalysisError` for different scores of one stimulus.
    """
    scores, _ = own_pairs(scores)
    key = key or stimulus_key(ratings, scores)
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


def per_stimulus(ratings: pd.DataFrame, scores: pd.DataFrame | None) -> pd.DataFrame:
    """One row per stimulus: item, condition, role, signal, how many ratings of how many listeners and their mean (a
    column per scale where there are several), and each metric's score as a column of its name."""
    key = ["item", "condition"]
    of_stimulus = ratings.groupby(key, sort=False, observed=True)
    table = of_stimulus.agg(
        role=("role", "first"),
        signal=("signal", "first"),
        simulated=("simulated", "any"),
        ratings=("rating", "count"),
        listeners=("listener", "nunique"),
    )
    means = ratings.pivot_table("rating", key, "scale", "mean", sort=False, observed=True)
    means.columns = [f"mean rating {scale}".rstrip() for scale in means.columns]
    table = table.join(means).reset_index()
    return table if scores is None else with_scores(table, scores)


def writes_parquet() -> bool:
    """Whether the extra that writes Parquet is installed."""
    return find_spec("pyarrow") is not None


def _parquet(table: pd.DataFrame, name: str) -> bytes:
    content = io.BytesIO()
    try:
        table.to_parquet(content, index=False)
    except ImportError as error:
        raise ExchangeError(
            f"{name}: expected pyarrow, which writes Parquet, found none; install the extra 'parquet'"
        ) from error
    return content.getvalue()


def _tex(table: pd.DataFrame, caption: str) -> bytes:
    rows = [["" if cell is None else str(cell) for cell in row] for row in _rows(table)]
    right = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    return latex.tabular(caption, rows[0], rows[1:], right).encode()


def _tables(
    ratings: pd.DataFrame,
    scores: pd.DataFrame | None,
    analysis: Analysis | None,
    sessions: pd.DataFrame | None,
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
        "stimuli": per_stimulus(ratings, scores),
        "sessions": pd.DataFrame() if sessions is None else sessions,
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


def csv_bytes(table: pd.DataFrame, *, heading: bool = True) -> bytes:
    """`table`, with its heading or without, text guarded against spreadsheets."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in islice(_rows(table), 0 if heading else 1, None):
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
    write_parts(path, [content])


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write `parts`, one after another, beside `path` and rename the whole there."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ExchangeError(
            f"{path}: expected a folder that can be written, found: {error.strerror}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
