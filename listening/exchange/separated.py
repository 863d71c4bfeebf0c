"""Tables of text as spreadsheets of any country write them, made comma-separated.

Semicolons and tabulators separate cells where the heading says so; numbers may then have a decimal comma.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from listening.exchange.errors import ExchangeError

SEPARATORS = (",", ";", "\t")
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
# how a missing number is written
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "–", "."}


def text_of(path: Path) -> str:
    """The file's text, comma-separated, with line breaks of one kind and without a byte order mark.

    Raises `ExchangeError` for a file that cannot be read or is no UTF-8 text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ExchangeError(
            f"{path.name}: expected a file that can be read, found {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise ExchangeError(
            f"{path.name}: expected UTF-8 text, found the byte 0x{error.object[error.start]:02x}"
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = separator_of(text)
    return text if separator == "," else _with_commas(text, separator)


def separator_of(text: str) -> str:
    """What makes the most cells of the heading; a comma where nothing makes two."""
    return max(SEPARATORS, key=lambda one: len(_heading(text, one)))


def _heading(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text), delimiter=separator), [])
    except csv.Error:
        return []


def _with_commas(text: str, separator: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator, strict=True):
            writer.writerow(
                cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell for cell in row
            )
    except csv.Error:
        # whoever reads it says what is wrong and where
        return text
    return written.getvalue()
