"""A leaderboard as a file: CSV, JSON or LaTeX, every number unrounded but for LaTeX, with what it means beside it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from listening.analysis.plain import plain
from listening.entry_columns import Cell, Column
from listening.exchange import latex
from listening.exchange.tables import csv_bytes
from listening.leaderboards import Board

FORMS = ("csv", "json", "tex")
CSV_COLUMNS = [
    "benchmark",
    "sha256",
    "place",
    "entry",
    "team",
    "version",
    "column",
    "unit",
    "value",
]
CSV_COLUMNS += ["low", "high", "n", "rank", "rank_low", "rank_high", "simulated", "note"]


def exported(board: Board, form: str) -> bytes:
    """The leaderboard in the form named, one of `FORMS`."""
    if form == "csv":
        return csv_bytes(as_table(board))
    if form == "json":
        return (json.dumps(as_dict(board), ensure_ascii=False, indent=2) + "\n").encode()
    return as_latex(board).encode()


def as_table(board: Board) -> pd.DataFrame:
    """One row per entry and column."""
    records = []
    for place, line in enumerate(board.lines, start=1):
        for column in board.columns:
            cell = line.cells[column.name]
            ranks = (cell.rank.rank, cell.rank.low, cell.rank.high) if cell.rank else (None,) * 3
            records.append(
                (
                    *(str(board.benchmark), board.benchmark.sha256, place, line.entry.name),
                    *(line.entry.team, str(line.entry.version or ""), column.name, column.unit),
                    *(cell.value, cell.low, cell.high, cell.n, *ranks),
                    _simulated(board, column),
                    cell.said,
                )
            )
    return pd.DataFrame(records, columns=CSV_COLUMNS).astype(
        dict.fromkeys(("n", "rank", "rank_low", "rank_high"), "Int64")
    )


def as_dict(board: Board) -> dict[str, Any]:
    """Everything on the page."""
    heard = board.heard
    return dict(
        plain(
            {
                "benchmark": str(board.benchmark),
                "title": board.benchmark.title,
                "purpose": board.benchmark.purpose,
                "sha256": board.benchmark.sha256,
                "rules": board.benchmark.rules,
                "items": [one.title for one in board.benchmark.items.all()],
                "ranked_by": board.ranked_by.name,
                "listeners": heard.listeners if heard else 0,
                "simulated_listeners": heard.simulated if heard else 0,
                "notes": board.notes,
                "columns": [vars(one) for one in board.columns],
                "entries": [
                    {
                        "name": line.entry.name,
                        "team": line.entry.team,
                        "version": str(line.entry.version or ""),
                        "sha256": line.entry.version.sha256 if line.entry.version else "",
                        "licence": line.entry.licence,
                        "description": line.entry.description,
                        "front": line.front,
                        "cells": {name: _cell(one) for name, one in line.cells.items()},
                    }
                    for line in board.lines
                ],
            }
        )
    )


def _cell(cell: Cell) -> dict[str, Any]:
    return {**vars(cell), "rank": vars(cell.rank) if cell.rank else None}


def _simulated(board: Board, column: Column) -> bool:
    return column.name in ("rating", "predicted") and bool(board.heard and board.heard.simulated)


def as_latex(board: Board) -> str:
    heading = [
        "Entry",
        "Rank",
        *(f"{c.title}{f' ({c.unit})' if c.unit else ''}" for c in board.columns),
    ]
    rows = []
    for line in board.lines:
        rank = line.cells[board.ranked_by.name].rank
        place = f"{rank.rank} [{rank.low}, {rank.high}]" if rank else "–"
        cells = [shown(line.cells[one.name], one) for one in board.columns]
        rows.append([line.entry.name, place, *cells])
    caption = (
        f"{board.benchmark.title} ({board.benchmark}, {board.benchmark.sha256[:12]}), ranked by "
    )
    caption += f"{board.ranked_by.title}; intervals are of 95 %. {' '.join(board.notes)}".strip()
    return latex.tabular(caption, heading, rows, [False, *[True] * (len(heading) - 1)])


def shown(cell: Cell, column: Column) -> str:
    """A cell as text: number and interval, or n/a, or a dash for what is not there yet."""
    if cell.value is None:
        return "n/a" if cell.said.startswith("not applicable") else "–"
    scale = 100 if column.unit == "%" else 1
    text = _number(scale * cell.value, column)
    if cell.low is not None and cell.high is not None:
        text += f" [{_number(scale * cell.low, column)}, {_number(scale * cell.high, column)}]"
    return text.replace("-", "−")


def _number(value: float, column: Column) -> str:
    if column.unit == "%":
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 1000 or column.name == "parameters" else f"{value:.3g}"
