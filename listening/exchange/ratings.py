"""Ratings from CSV files into tidy frames.

Two layouts, told apart by their columns:

    tidy    listener,item,condition,rating[,file]: one row per rating
    lists   signal,condition,ratings,participant_ids[,file]: one row per stimulus, with the ratings and who
            gave them as lists of equal length in the cells ("[41, 32]","[2, 3]"); `signal` is the item

Ratings are MUSHRA's, 0–100. A file is taken whole or not at all: every problem is collected, with its line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from listening.analysis.frames import MUSHRA_RANGE, ROLES, ratings_frame
from listening.exchange.errors import ExchangeError

LAYOUTS = {
    "tidy": ("listener", "item", "condition", "rating"),
    "lists": ("signal", "condition", "ratings", "participant_ids"),
}
SHOWN_PROBLEMS = 5
# a thousand listeners by a thousand stimuli; beyond it the file is a mistaken or hostile one
MAX_BYTES = 100 * 2**20

# what conditions of each role are usually called, without case, spaces and punctuation
USUAL_NAMES = {
    "reference": {"reference", "ref", "hiddenreference", "hiddenref", "hr"},
    "anchor35": {
        "anchor35",
        "anchor35khz",
        "35khzanchor",
        "lowanchor",
        "lowrangeanchor",
        "low",
        "lp35",
        "lp35khz",
    },
    "anchor70": {
        "anchor70",
        "anchor70khz",
        "anchor7",
        "anchor7khz",
        "7khzanchor",
        "midanchor",
        "midrangeanchor",
        "mid",
        "lp70",
        "lp7",
        "lp7khz",
    },
    "anchor": {"anchor", "hiddenanchor"},
}

ROLE_TITLES = {
    "reference": "the hidden reference",
    "anchor35": "the 3.5 kHz anchor",
    "anchor70": "the 7 kHz anchor",
    "anchor": "an anchor of unknown kind",
}


@dataclass(frozen=True)
class ImportedRatings:
    """A file of ratings as read.

    `ratings` is a tidy frame with one more column, `file` (the stimulus's audio file as the source names it,
    or empty); trials are numbered per listener in the file's order of items. `roles` maps each condition to
    its role, and `notes` are sentences about what was inferred.
    """

    ratings: pd.DataFrame
    layout: str
    roles: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class _Rows:
    """Rows read so far and the problems met."""

    rows: list[dict[str, object]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(
        self, line: int, *, listener: str, item: str, condition: str, rating: object, file: str
    ) -> None:
        for name, text in (("listener", listener), ("item", item), ("condition", condition)):
            if not text:
                self.problems.append(f"line {line}: expected a {name}, found an empty cell")
                return
        number = _rating(rating)
        if number is None:
            low, high = MUSHRA_RANGE
            self.problems.append(
                f"line {line}: expected a rating from {low:g} to {high:g}, found {rating!r}"
            )
            return
        if first := self.seen.get((listener, item, condition)):
            self.problems.append(
                f"line {line}: expected one rating per listener, item and condition, "
                f"found listener {listener!r} again for {item} · {condition} (first in line {first})"
            )
            return
        self.seen[listener, item, condition] = line
        if self.files.setdefault((item, condition), file) != file:
            self.problems.append(
                f"line {line}: expected one file per stimulus, found {file!r} and "
                f"{self.files[item, condition]!r} for {item} · {condition}"
            )
            return
        self.rows.append(
            {
                "listener": listener,
                "item": item,
                "condition": condition,
                "rating": number,
                "file": file,
            }
        )


def parse(
    source: Path | bytes, *, campaign: str, roles: Mapping[str, str] | None = None, name: str = ""
) -> ImportedRatings:
    """Read the ratings of a CSV file (a path, or its bytes).

    `roles` declares what conditions are; those it does not name get their role from their usual names
    (`USUAL_NAMES`), or are systems. `name` stands for the file in messages. Raises `ExchangeError` with every
    problem of the file (the first few in full): not UTF-8, empty, an unknown layout, a rating that is no
    number from 0 to 100, lists of unequal length, a rating given twice.
    """
    name = name or (source.name if isinstance(source, Path) else "the file")
    layout, lines = _lines(_text(source, name), name)
    read = _Rows()
    add = _add_tidy if layout == "tidy" else _add_lists
    for number, cells in lines:
        if isinstance(cells, str):
            read.problems.append(f"line {number}: {cells}")
        else:
            add(read, number, cells)
    if not read.rows and not read.problems:
        read.problems.append("expected rows below the heading, found none")
    if read.problems:
        raise ExchangeError(f"{name}: {_joined(read.problems)}")
    frame = pd.DataFrame(read.rows)
    assigned, notes = _roles(list(frame["condition"].unique()), roles or {}, name)
    frame["role"] = frame["condition"].map(assigned)
    # an item is one presentation per listener: number them as they come
    frame["trial"] = frame.groupby("listener")["item"].transform(lambda i: pd.factorize(i)[0] + 1)
    tidy = ratings_frame(frame.assign(campaign=campaign, method="mushra", simulated=False))
    return ImportedRatings(tidy, layout, assigned, notes)


def _text(source: Path | bytes, name: str) -> str:
    try:
        raw = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise ExchangeError(
            f"{name}: expected a file that can be read, found {error.strerror}"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ExchangeError(
            f"{name}: expected at most {MAX_BYTES // 2**20} MiB, found {len(raw) / 2**20:.0f}"
        )
    if not raw.strip():
        raise ExchangeError(f"{name}: expected a table of ratings, found an empty file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ExchangeError(
            f"{name}: expected UTF-8 text, found the byte 0x{raw[error.start]:02x} in line {line}"
        ) from error
    if "\0" in text:
        raise ExchangeError(f"{name}: expected text, found a zero byte (not a CSV file?)")
    return text


def _lines(text: str, name: str) -> tuple[str, Iterator[tuple[int, dict[str, str] | str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [cell.strip() for cell in next(reader)]
    except csv.Error as error:
        raise ExchangeError(f"{name}: line 1: expected a CSV heading, found {error}") from error
    if len(set(heading)) < len(heading):
        raise ExchangeError(f"{name}: expected each column once, found {', '.join(heading)}")
    fitting = {
        layout: [column for column in columns if column not in heading]
        for layout, columns in LAYOUTS.items()
    }
    layout = min(fitting, key=lambda candidate: len(fitting[candidate]))
    if missing := fitting[layout]:
        raise ExchangeError(
            f"{name}: expected the columns {' or '.join(map(','.join, LAYOUTS.values()))}, "
            f"found {','.join(heading)} (missing: {', '.join(missing)})"
        )
    return layout, _rows_of(reader, heading)


def _rows_of(reader: Any, heading: list[str]) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each row as (its first line, its cells by column, or what is wrong with it)."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"expected CSV, found {error}"
            return
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(heading):
            yield line, f"expected {len(heading)} cells, found {len(row)}"
        else:
            yield line, {c: cell.strip() for c, cell in zip(heading, row, strict=True)}


def _add_tidy(read: _Rows, line: int, cells: dict[str, str]) -> None:
    read.add(
        line,
        listener=cells["listener"],
        item=cells["item"],
        condition=cells["condition"],
        rating=cells["rating"],
        file=cells.get("file", ""),
    )


def _add_lists(read: _Rows, line: int, cells: dict[str, str]) -> None:
    lists = {column: _list(cells[column]) for column in ("ratings", "participant_ids")}
    for column, values in lists.items():
        if values is None:
            read.problems.append(
                f"line {line}: expected a list such as [1, 2] in {column}, found {cells[column][:40]!r}"
            )
            return
    ratings, listeners = (values or [] for values in lists.values())
    if len(ratings) != len(listeners):
        read.problems.append(
            f"line {line}: expected as many ratings as participant_ids, "
            f"found {len(ratings)} and {len(listeners)}"
        )
        return
    for listener, rating in zip(listeners, ratings, strict=True):
        read.add(
            line,
            listener=_code(listener),
            item=cells["signal"],
            condition=cells["condition"],
            rating=rating,
            file=cells.get("file", ""),
        )


def _list(cell: str) -> list[object] | None:
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _code(listener: object) -> str:
    """A listener's code as text: 2 and 2.0 are the same listener."""
    if isinstance(listener, float) and listener.is_integer():
        return str(int(listener))
    return str(listener).strip() if isinstance(listener, (int, float, str)) else ""


def _rating(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    low, high = MUSHRA_RANGE
    return number if isfinite(number) and low <= number <= high else None


def _roles(
    conditions: list[str], declared: Mapping[str, str], name: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    if unknown := sorted(set(declared) - set(conditions)):
        raise ExchangeError(
            f"{name}: expected roles for its conditions ({', '.join(conditions)}), "
            f"found one for {', '.join(unknown)}"
        )
    if strange := sorted(set(declared.values()) - set(ROLES)):
        raise ExchangeError(
            f"{name}: expected roles among {', '.join(ROLES)}, found {', '.join(strange)}"
        )
    inferred = {c: _usual_role(c) for c in conditions if c not in declared}
    notes = [
        f"condition {condition!r} is taken, by its name, for {ROLE_TITLES[role]}"
        for condition, role in inferred.items()
        if role != "system"
    ]
    assigned = {c: declared.get(c) or inferred[c] for c in conditions}
    notes += [
        f"no condition is {title}"
        for role, title in ROLE_TITLES.items()
        if role in ("reference", "anchor70") and role not in assigned.values()
    ]
    return assigned, tuple(notes)


def _usual_role(condition: str) -> str:
    bare = re.sub(r"[\W_]", "", condition.lower())
    return next((role for role, names in USUAL_NAMES.items() if bare in names), "system")


def _joined(problems: list[str]) -> str:
    shown = "; ".join(problems[:SHOWN_PROBLEMS])
    if (rest := len(problems) - SHOWN_PROBLEMS) > 0:
        shown += f"; and {rest} more problems ({len(problems)} in all)"
    return shown
