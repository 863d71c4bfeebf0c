"""Files of ratings and of scores for an analysis without a database.

Ratings, one row each, in columns known by their usual names (`COLUMNS`): listener, item, condition and rating;
ABX: listener and correct (1 or 0), or x and answer; preferences: listener, first, second and choice (or rating, −3 … 3,
of the second against the first). Scores: item, condition, metric and value, or one column per metric. The method is
taken from the columns and the ratings unless it is told (`method_of`); an export's own rows say it themselves
(`exported`). A row without a rating is a missing cell, and counted. A file is taken whole or not at all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from listening.analysis.frames import ratings_frame, scores_frame
from listening.exchange.errors import ExchangeError
from listening.exchange.ratings import LAYOUTS, ImportedRatings, parse
from listening.exchange.separated import MISSING, text_of

METHODS = ("mushra", "bs1116", "abx", "acr", "preference", "ccr")
PAIR_OF_GRADES = ("grade_reference", "grade_system")
# our name → others' for it, first come first served; compared without case, spaces and underscores
COLUMNS = {
    "listener": (
        *("subject", "participant", "assessor", "rater", "judge", "worker", "listenerid"),
        # webMUSHRA's mushra.csv, and pymushra's export
        *("sessionuuid", "questionaireuuid"),
    ),
    "item": (
        *("stimulus", "file", "excerpt", "utterance", "signal", "sample", "content"),
        *("trialid", "wmid"),
    ),
    "condition": (
        *("system", "model", "codec", "algorithm", "method", "treatment"),
        *("ratingstimulus", "responsesstimulus"),
    ),
    "rating": ("score", "vote", "opinion", "grade", "ratingscore", "responsesscore"),
    "choice": ("preferred", "preference", "winner", "chosen"),
    "x": ("xwas",),
}
# taken for ours only where the file has no conditions of its own
PAIR_COLUMNS = {
    "first": ("a", "systema", "firstsystem", "left", "stimulusa"),
    "second": ("b", "systemb", "secondsystem", "right", "stimulusb"),
}
CHOICES = {
    "first": {"first", "1", "a", "left"},
    "second": {"second", "2", "b", "right"},
    "tie": {"tie", "0", "none", "no preference", "equal", "same", "=", "neither", "both the same"},
}
SCORE_COLUMNS = {k: COLUMNS[k] for k in ("item", "condition")} | {"value": ("score",)}
OPINION_SCALE = (1.0, 5.0)


def rating_table(path: Path) -> pd.DataFrame:
    """The file as text cells, its columns by our names; raises `ExchangeError` for what is no such table."""
    table = _named(_read(path), COLUMNS)
    if "campaign" in table and table["campaign"].nunique() > 1:
        found = ", ".join(table["campaign"].unique())
        raise ExchangeError(f"{path.name}: expected one campaign at a time, found {found}")
    return table if "condition" in table else _named(table, PAIR_COLUMNS)


def without_missing(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`table` less the rows that hold no rating (no choice, no answer), and a sentence on how many these were."""
    judged = next((c for c in ("rating", "choice", "correct", "answer") if c in table), None)
    if judged is None:
        return table, ()
    missing = table[judged].map(_is_missing)
    if judged == "choice":
        # a word for a tie
        missing &= table[judged].str.lower() != "none"
    if not missing.any() or missing.all():
        return table, ()
    return table[~missing].reset_index(drop=True), (
        f"{int(missing.sum())} of {len(table)} rows have no {judged}: cells that nobody filled",
    )


def exported(table: pd.DataFrame) -> pd.DataFrame | None:
    """The tidy frame of ratings that the rows of an export are; none where they say no method and role."""
    if not {"method", "listener", "item", "condition", "role", "rating", "trial"} <= set(table):
        return None
    return ratings_frame(
        table.assign(
            **{
                name: table[name].str.lower().isin(("true", "1", "yes"))
                for name in ("simulated",)
                if name in table
            },
            **{
                name: pd.to_numeric(table[name].where(table[name] != "", default), errors="coerce")
                for name, default in (("alternatives", "0"), ("position", "-1"))
                if name in table
            },
        )
    )


def method_of(table: pd.DataFrame) -> str:
    """The method that the columns, or the ratings, of a `rating_table` are of; ratings 1 … 5 are opinion scores."""
    columns = set(table)
    if {"first", "second"} <= columns:
        return "preference" if "choice" in columns else "ccr"
    if "correct" in columns or {"x", "answer"} <= columns:
        return "abx"
    if set(PAIR_OF_GRADES) <= columns:
        return "bs1116"
    ratings = pd.to_numeric(table.get("rating", pd.Series(dtype=float)), errors="coerce")
    if "reference_condition" in columns and ratings.isin([0, 0.5, 1]).all():
        return "preference"
    if len(ratings) and ratings.isin([0, 1]).all():
        return "abx"
    low, high = OPINION_SCALE
    inside = len(ratings) > 0 and bool(ratings.between(low, high).all())
    return "acr" if inside else "mushra"


def mushra(path: Path, *, roles: Mapping[str, str], campaign: str = "") -> ImportedRatings:
    """MUSHRA ratings, as `exchange.ratings` reads them, from columns by their usual names; rows without a rating are
    missing cells. They are those of `campaign`, or of one that is called as the file."""
    campaign = campaign or path.stem
    text = text_of(path)
    try:
        heading, *rows = csv.reader(io.StringIO(text), strict=True)
    # no table, or an empty file
    except (csv.Error, ValueError):
        return parse(path, campaign=campaign, roles=roles)
    named = _names(heading, COLUMNS)
    if set(LAYOUTS["lists"]) <= {cell.strip() for cell in heading}:
        named = heading
    place = named.index("rating") if "rating" in named else len(named)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(named)
    for row in rows:
        # an empty line is passed over, and the others keep their numbers
        writer.writerow([] if place < len(row) and _is_missing(row[place]) else row)
    return parse(written.getvalue().encode(), campaign=campaign, roles=roles, name=path.name)


def bs1116(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A tidy frame of BS.1116's grades from rows that hold both of a trial: grade_reference and grade_system."""
    _needed(table, ["listener", "item", "condition", *PAIR_OF_GRADES], name)
    trial = table.groupby("listener").cumcount() + 1
    rows = table[["listener", "item"]].assign(
        campaign=name.rsplit(".", 1)[0], method="bs1116", trial=trial
    )
    of_reference, of_system = (
        _numbers(table[grade], f"{name}: {grade}") for grade in PAIR_OF_GRADES
    )
    both = [
        rows.assign(condition="reference", role="reference", rating=of_reference),
        rows.assign(condition=table["condition"], role="system", rating=of_system),
    ]
    return ratings_frame(pd.concat(both, ignore_index=True))


def abx(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A tidy frame of ABX ratings: trials in the file's order; item and condition default to one each."""
    _needed(table, ["listener"], name)
    given = table.copy()
    if "correct" not in given and {"x", "answer"} <= set(given):
        given["correct"] = (given["x"] == given["answer"]).map({True: "1", False: "0"})
    given = given.rename(columns={} if "correct" in given else {"rating": "correct"})
    _needed(given, ["correct"], name)
    words = given["correct"].str.lower().replace({"true": "1", "false": "0"})
    numbers = pd.to_numeric(words, errors="coerce")
    if (bad := ~numbers.isin([0, 1])).any():
        raise ExchangeError(
            f"{name}: expected correct to be 1 or 0, found {given.loc[bad, 'correct'].iloc[0]!r}"
            f" in row {int(bad.to_numpy().argmax()) + 1}"
        )
    frame = pd.DataFrame(
        {
            "method": "abx",
            "campaign": name.rsplit(".", 1)[0],
            "listener": given["listener"],
            "trial": range(1, len(given) + 1),
            "item": given.get("item", "item"),
            "condition": given.get("condition", "B"),
            "reference_condition": given.get("reference_condition", "A"),
            "role": "system",
            "rating": numbers.astype(float),
        }
    )
    if {"x", "answer"} <= set(given):
        frame = frame.assign(x_was=given["x"], answer=given["answer"])
    return ratings_frame(frame)


def votes(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Opinion scores: listener, item, condition as text and rating as numbers."""
    _needed(table, ["listener", "item", "condition", "rating"], name)
    return table.assign(rating=_numbers(table["rating"], f"{name}: rating"))


def comparisons(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Preferences or comparison category ratings, with the systems as text."""
    judged = "choice" if "choice" in table else "rating"
    _needed(table, ["listener", "first", "second", judged], name)
    if judged == "choice":
        return table.assign(choice=_chosen(table))
    return table.assign(rating=_numbers(table["rating"], f"{name}: rating"))


def as_ratings(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Opinion scores as a tidy frame whose means metrics can be held against (each a system)."""
    given = votes(table, name)
    trial = given.groupby("listener").cumcount() + 1
    return ratings_frame(
        given[["listener", "item", "condition", "rating"]].assign(
            campaign=name.rsplit(".", 1)[0], method="mushra", role="system", trial=trial
        )
    )


def scores(path: Path, *, directions: Mapping[str, str]) -> pd.DataFrame:
    """A tidy frame of scores from a file with one row per score or one column per metric.

    `directions` says of metrics whether 'higher' or 'lower' is better; those it does not name have the file's
    direction, or 'none'. An empty cell is a score that is missing; a column without a number is no metric.
    """
    table = _named(_read(path), SCORE_COLUMNS)
    _needed(table, ["item", "condition"], path.name)
    if {"metric", "value"} <= set(table):
        long = table
    else:
        of_metrics = [c for c in table if c not in ("item", "condition") and _has_number(table[c])]
        if not of_metrics:
            raise ExchangeError(
                f"{path.name}: expected metric and value, or a column of numbers per metric, "
                f"found {', '.join(map(str, table))}"
            )
        long = table.melt(["item", "condition"], of_metrics, var_name="metric")
    value = long["value"].where(long["value"] != "")
    numbers = pd.to_numeric(value, errors="coerce")
    if (bad := value.notna() & numbers.isna()).any():
        row = long[bad].iloc[0]
        raise ExchangeError(
            f"{path.name}: expected a number as {row['metric']} of {row['item']} · {row['condition']}, "
            f"found {row['value']!r}"
        )
    declared = long["metric"].map(dict(directions))
    own = long.get("direction", "none")
    frame = long[["item", "condition", "metric"]].assign(
        value=numbers,
        direction=declared.where(declared.notna(), own),
        status=numbers.notna().map({True: "ok", False: "missing"}),
        message="",
    )
    return scores_frame(frame)


def _read(path: Path) -> pd.DataFrame:
    text = text_of(path)
    if not text.strip() or "\0" in text:
        found = "a zero byte (not a CSV file?)" if text.strip() else "an empty file"
        raise ExchangeError(f"{path.name}: expected a table, found {found}")
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text), strict=True) if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise ExchangeError(f"{path.name}: expected CSV, found {error}") from error
    heading = [cell.strip() for cell in rows[0]]
    if len(set(heading)) < len(heading):
        raise ExchangeError(f"{path.name}: expected each column once, found {', '.join(heading)}")
    if len(rows) == 1:
        raise ExchangeError(f"{path.name}: expected rows below the heading, found none")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(heading):
            raise ExchangeError(
                f"{path.name}: expected {len(heading)} cells in every row, found {len(row)} in row {number}"
            )
    cells = [[cell.strip() for cell in row] for row in rows[1:]]
    return pd.DataFrame(cells, columns=heading, dtype=object)


def _named(table: pd.DataFrame, columns: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    return table.set_axis(_names([str(c) for c in table], columns), axis=1)


def _names(heading: list[str], columns: Mapping[str, Iterable[str]]) -> list[str]:
    """`heading` with usual names made ours; a name that is ours already is never taken twice."""
    bare = [cell.strip().lower().replace(" ", "").replace("_", "") for cell in heading]
    names = [cell.strip() for cell in heading]
    for ours, others in columns.items():
        for candidate in (ours, *others):
            if candidate in bare:
                names[bare.index(candidate)] = ours
                break
    return [
        name.lower() if name.lower() in ("first", "second", "x", "answer", "correct") else name
        for name in names
    ]


def _chosen(table: pd.DataFrame) -> pd.Series:
    """first, second or tie; a choice may also name the system."""
    said = table["choice"].str.lower()
    by_word = said.map({word: choice for choice, words in CHOICES.items() for word in words})
    by_name = pd.Series(None, index=table.index, dtype=object)
    for side in ("second", "first"):
        by_name = by_name.mask(table["choice"] == table[side], side)
    return by_name.fillna(by_word).fillna(said)


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def _needed(table: pd.DataFrame, needed: list[str], name: str) -> None:
    if missing := [c for c in needed if c not in table]:
        raise ExchangeError(
            f"{name}: expected the columns {', '.join(needed)} (or usual names of theirs), "
            f"found {', '.join(map(str, table))} (missing: {', '.join(missing)})"
        )
    for column in needed:
        if (empty := table[column] == "").any():
            raise ExchangeError(
                f"{name}: expected every row to have its {column}, found an empty cell in row "
                f"{int(empty.to_numpy().argmax()) + 1}"
            )


def _numbers(cells: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    bad = ~(numbers.abs() < float("inf"))
    if bad.any():
        raise ExchangeError(
            f"{name}: expected a number, found {cells[bad].iloc[0]!r} in row {int(bad.to_numpy().argmax()) + 1}"
        )
    return numbers


def _has_number(cells: pd.Series) -> bool:
    return bool(pd.to_numeric(cells, errors="coerce").notna().any())
