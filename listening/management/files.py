"""What `analyse` and `correlate` share when they are given files in place of a campaign: no database is touched."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from listening.analysis import listings
from listening.analysis.comparison import compare
from listening.analysis.frames import METHODS
from listening.analysis.grades import MUSHRA_METHODS, comparison_dict
from listening.analysis.report import Analysis, Correlation, analyse, correlate
from listening.analysis.vote_reports import (
    VoteReport,
    analyse_categories,
    analyse_opinions,
    analyse_preferences,
)
from listening.exchange import tidy
from listening.exchange.ratings import ImportedRatings
from metrics import catalogue
from models_registry.management.base import Refused

ROLE_OPTIONS = {"reference": "reference", "anchor35": "anchor35", "anchor70": "anchor70"}
WITHOUT_MEANS = ("abx", "preference", "ccr")


def is_file(name: str) -> bool:
    """Whether a command's argument names a file rather than a campaign: a slug has no dot."""
    return name.lower().endswith(".csv") or Path(name).is_file()


def add_file_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--method", choices=tidy.METHODS, help="of a file; default: by its columns and ratings"
    )
    for option in ROLE_OPTIONS:
        parser.add_argument(
            f"--{option}", metavar="NAME", help=f"the condition that is the {option} in a file"
        )


def analyse_file(
    path: Path, options: dict[str, Any]
) -> tuple[Analysis | VoteReport, tuple[str, ...]]:
    """The analysis, and sentences on what was inferred or missing in the file."""
    table, notes = tidy.without_missing(_table(path))
    if (ratings := tidy.exported(table)) is not None:
        grades = METHODS[str(ratings["method"].iloc[0])].reading == "grades"
        return analyse(ratings, screening=_rule(options, grades=grades)), notes
    method = options["method"] or tidy.method_of(table)
    if method == "mushra":
        read = _mushra(path, options)
        return analyse(read.ratings, screening=_rule(options)), (*notes, *read.notes)
    if method == "bs1116":
        rule = options["screening"] or "bs1116-t"
        return analyse(tidy.bs1116(table, path.name), screening=rule), notes
    if method == "abx":
        return analyse(tidy.abx(table, path.name), screening="none"), notes
    if method == "acr":
        return _opinions(table, path), notes
    judge = analyse_preferences if method == "preference" else analyse_categories
    return judge(tidy.comparisons(table, path.name), campaign=path.stem), notes


def _opinions(table: pd.DataFrame, path: Path) -> VoteReport:
    """The report of votes, and the comparison of the conditions by the same listeners."""
    report = analyse_opinions(tidy.votes(table, path.name), campaign=path.stem)
    compared = compare(tidy.as_ratings(table, path.name))
    results = report.results | {"comparison": comparison_dict(compared)}
    tables = (*report.tables, listings.comparison(compared))
    return replace(report, results=results, tables=tables, methods=report.methods | MUSHRA_METHODS)


def _rule(options: dict[str, Any], *, grades: bool = True) -> str:
    return options["screening"] or ("bs1534-3" if grades else "none")


def correlate_files(ratings: Path, scores: Path, options: dict[str, Any]) -> Correlation:
    table, _ = tidy.without_missing(_table(ratings))
    method = options["method"] or tidy.method_of(table)
    if method in WITHOUT_MEANS:
        raise Refused(f"{ratings.name}: expected ratings that have means, found {method}")
    known = {metric.name: str(metric.direction) for metric in catalogue.all()}
    for direction in ("higher", "lower"):
        known |= dict.fromkeys(_listed(options[direction]), direction)
    scored = _only(tidy.scores(scores, directions=known), _listed(options["metrics"]), scores)
    given = options["given"]
    if method == "mushra":
        rule = options["screening"] or "bs1534-3"
        return correlate(_mushra(ratings, options).ratings, scored, screening=rule, given=given)
    if method == "bs1116":
        rule = options["screening"] or "bs1116-t"
        found = tidy.bs1116(table, ratings.name)
        return correlate(found, scored, screening=rule, given=given)
    found = tidy.as_ratings(table, ratings.name)
    return replace(correlate(found, scored, screening="none", given=given), method=method)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise Refused(f"{path}: expected a file, found none")
    return tidy.rating_table(path)


def _mushra(path: Path, options: dict[str, Any]) -> ImportedRatings:
    roles = {options[option]: role for option, role in ROLE_OPTIONS.items() if options[option]}
    return tidy.mushra(path, roles=roles)


def _only(scored: pd.DataFrame, names: Sequence[str], path: Path) -> pd.DataFrame:
    if strange := [name for name in names if name not in set(scored["metric"])]:
        found = ", ".join(scored["metric"].unique())
        raise Refused(f"{path.name}: expected the metric(s) {', '.join(strange)}, found {found}")
    return scored[scored["metric"].isin(names)] if names else scored


def _listed(option: str | None) -> list[str]:
    return [name for name in (option or "").split(",") if name]
