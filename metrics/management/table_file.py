"""Scores in a file that grows as they come, and in which an interrupted run finds what it has done."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from metrics.contract import MetricError

Row = Mapping[str, Any]


class TableFile:
    """A table of scores at `path` (CSV, JSON Lines or Parquet by its suffix) with `columns`; `key` names a row.

    Nothing can be appended to a Parquet file: it is written when the table is closed, from JSON Lines beside it.
    """

    def __init__(self, path: Path, *, columns: Sequence[str], key: Sequence[str]) -> None:
        if path.suffix not in (".csv", ".jsonl", ".parquet"):
            raise MetricError(
                f"expected a table called .csv, .jsonl or .parquet, found {path.name!r}"
            )
        if not path.parent.is_dir():
            raise MetricError(f"{path}: expected a folder to write to, found none")
        self.columns, self.key = list(columns), list(key)
        self.parquet = path if path.suffix == ".parquet" else None
        if self.parquet:
            path = path.with_name(f"{path.name}.jsonl")
            self._open_again(path)
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        # A run that was ended in the middle of a row leaves half of it.
        whole = text[: text.rfind("\n") + 1]
        self._done = {self._name(row) for row in self._parsed(whole)}
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        if not whole and path.suffix == ".csv":
            self._write([dict(zip(self.columns, self.columns, strict=True))])

    def _open_again(self, rows: Path) -> None:
        """Lay out the rows of a finished Parquet file, unless those of an interrupted run are there."""
        assert self.parquet is not None
        if find_spec("pyarrow") is None:
            raise MetricError(
                f"{self.parquet}: expected pyarrow, found none; pip install 'earwitness[parquet]'"
            )
        if rows.exists() or not self.parquet.exists():
            return
        try:
            table = pd.read_parquet(self.parquet)
        except (OSError, ValueError) as error:
            raise MetricError(
                f"{self.parquet}: expected a table of scores, found {error}"
            ) from error
        table.to_json(rows, orient="records", lines=True, force_ascii=False, double_precision=15)

    def close(self) -> None:
        """Write the Parquet file, where that is wanted, in one step."""
        if self.parquet is None or not self.path.exists():
            return
        unfinished = self.parquet.with_name(f"{self.parquet.name}.part")
        rows = list(self._parsed(self.path.read_text(encoding="utf-8")))
        pd.DataFrame(rows, columns=self.columns).to_parquet(unfinished, index=False)
        unfinished.replace(self.parquet)
        self.path.unlink()

    def __contains__(self, row: Row) -> bool:
        return self._name(row) in self._done

    def _name(self, row: Row) -> tuple[str, ...]:
        return tuple(str(row[column]) for column in self.key)

    def _parsed(self, text: str) -> Iterable[Row]:
        rows: list[Any]
        try:
            if self.path.suffix == ".csv":
                rows = list(csv.DictReader(text.splitlines()))
            else:
                rows = [json.loads(line) for line in text.splitlines()]
        except (ValueError, csv.Error) as error:
            raise MetricError(f"{self.path}: expected a table of scores, found {error}") from error
        for row in rows:
            if not isinstance(row, dict) or list(row) != self.columns:
                raise MetricError(f"{self.path}: expected a table of scores, found another table")
        return rows

    def append(self, rows: Sequence[Row]) -> None:
        """Add `rows` to the file at once."""
        self._write(rows)
        self._done.update(map(self._name, rows))

    def _write(self, rows: Sequence[Row]) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            if self.path.suffix == ".csv":
                csv.DictWriter(file, self.columns, lineterminator="\n").writerows(rows)
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
