"""`manage.py score`: objective metrics of audio files and folders, with no database."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from metrics import catalogue
from metrics.alignment import Alignment
from metrics.contract import MetricError, Status, check_pair
from metrics.management import pairing
from metrics.management.table_file import TableFile
from metrics.management.tables import aligned
from metrics.scoring import Pair, Result, score_pairs
from models_registry.audio import Audio, AudioError, content_hash, read
from models_registry.management.base import Refused

ALIGNMENT = [field.name for field in fields(Alignment)]
COLUMNS = [
    *("file", "reference", "metric", "version", "value", "unit", "status", "message"),
    *("calibration", *ALIGNMENT, "aligned", "sha256", "reference_sha256"),
]
# The same sounds, by the same computation.
KEY = ["file", "reference", "metric", "version", "aligned", "sha256", "reference_sha256"]
FAILURES: dict[str, set[Status]] = {
    "never": set(),
    "error": {Status.UNREADABLE, Status.CRASHED, Status.TIMEOUT},
    "missing": set(Status) - {Status.OK},
}


class Command(BaseCommand):
    help = (
        "Score files or folders against a reference or a folder of them: one row for each file and metric. "
        "Ends with 1 where --fail-on says so, and with 2 on input that is refused."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "reference", metavar="REFERENCE", help="the undistorted recording, or a folder of them"
        )
        parser.add_argument(
            "degraded",
            metavar="DEGRADED",
            nargs="+",
            help="recordings of the same length and rate, or folders that are searched for them",
        )
        parser.add_argument(
            "--metrics",
            metavar="NAME,NAME",
            help="names from `manage.py metrics`, or speech, or music (default: all)",
        )
        parser.add_argument(
            "--pattern",
            metavar="DEGRADED=REFERENCE",
            help="which reference belongs to a file in a folder, as in {item}_{system}={item} "
            "(default: the one of the same path)",
        )
        parser.add_argument(
            "--align",
            action="store_true",
            help="undo the lag between the signals for metrics that compare moment with moment",
        )
        parser.add_argument(
            "--format", choices=("table", "csv", "json"), default="table", help="default: table"
        )
        parser.add_argument(
            "--to",
            metavar="FILE",
            help="append rows to FILE (.csv, .jsonl or .parquet) as they come; what is in it is not computed again",
        )
        parser.add_argument(
            "--processes", type=int, default=2, metavar="N", help="at a time (default: 2)"
        )
        parser.add_argument(
            "--fail-on",
            choices=tuple(FAILURES),
            default="error",
            help="end with 1 never, on an error (unreadable, crashed, timeout: the default), or on any missing value",
        )

    def handle(self, *, reference: str, degraded: list[str], **options: Any) -> None:
        try:
            metrics = _chosen(options["metrics"])
            files = pairing.pairs(
                Path(reference), list(map(Path, degraded)), pattern=options["pattern"]
            )
            _check_named(files, degraded, metrics, align=options["align"])
            table = options["to"] and TableFile(Path(options["to"]), columns=COLUMNS, key=KEY)
        except (AudioError, MetricError) as error:
            raise Refused(str(error)) from error
        rows: dict[Path, list[dict[str, Any]]] = {}
        scored = _scored(files, metrics, table, options["align"], max(options["processes"], 1))
        # The bar is for whoever watches: into a file or a pipe none is written.
        for path, found in tqdm(scored, total=len(files), unit="file", disable=None):
            rows[path] = found
            if table:
                table.append([row for row in found if row not in table])
        if table:
            table.close()
        else:
            in_order = [row for _, path in files for row in rows[path]]
            self.stdout.write(FORMATS[options["format"]](in_order))
        failed = {row["status"] for found in rows.values() for row in found}
        if failed & FAILURES[options["fail_on"]]:
            kinds = ", ".join(sorted(failed - {Status.OK}))
            raise CommandError(f"expected a value in every row, found {kinds}", returncode=1)


def _chosen(names: str | None) -> tuple[catalogue.Metric, ...]:
    if names is None:
        return catalogue.all()
    return catalogue.chosen(names)


def _check_named(
    files: Sequence[tuple[Path, Path]],
    named: Sequence[str],
    metrics: Sequence[catalogue.Metric],
    *,
    align: bool,
) -> None:
    """Refuse, before anything is computed, files that were named on the command line and cannot be scored.

    Those that were found in folders get their reason as a row.
    """
    compared = any(metric.needs_reference for metric in metrics)
    for reference, path in files:
        if str(path) not in named:
            continue
        original, audio = read(reference), read(path)
        if compared and not align:
            shapes = original.samples.shape, audio.samples.shape
            check_pair(*shapes, original.rate, audio.rate, name=str(path))


@dataclass(frozen=True)
class _Files:
    """A degraded file and its reference, with the hashes of their sounds."""

    path: Path
    reference: Path
    sha256: str = ""
    reference_sha256: str = ""

    def row(self, result: Result) -> dict[str, Any]:
        record = asdict(self) | asdict(result)
        record |= record.pop("alignment") or dict.fromkeys(ALIGNMENT)
        record |= {"file": str(self.path), "reference": str(self.reference)}
        return {column: record[column] for column in COLUMNS}

    def unreadable(self, metric: catalogue.Metric, message: str, *, align: bool) -> Result:
        return Result(
            metric.name,
            metric.version,
            None,
            metric.unit,
            Status.UNREADABLE,
            message,
            metric.calibration,
            None,
            metric.aligned(align),
        )


def _scored(
    files: Sequence[tuple[Path, Path]],
    metrics: Sequence[catalogue.Metric],
    table: TableFile | None,
    align: bool,
    processes: int,
) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Yield each degraded file and its rows, in the order of completion, unless all of them are in `table`."""
    unreadable: list[tuple[_Files, str]] = []

    def placeholder(key: _Files, message: str) -> list[dict[str, Any]]:
        return [key.row(key.unreadable(metric, message, align=align)) for metric in metrics]

    def pairs() -> Iterator[Pair[_Files]]:
        latest: tuple[Path, Audio] | None = None
        for reference, path in files:
            try:
                if latest is None or latest[0] != reference:
                    latest = reference, read(reference)
                audio = read(path)
            except AudioError as error:
                unreadable.append((_Files(path, reference), str(error)))
                continue
            key = _Files(path, reference, content_hash(audio), content_hash(latest[1]))
            if table is None or any(row not in table for row in placeholder(key, "")):
                yield Pair(key, latest[1], audio)

    names = [metric.name for metric in metrics]
    for key, results in score_pairs(pairs(), names, align=align, processes=processes):
        yield key.path, [key.row(result) for result in results]
    for key, message in unreadable:
        yield key.path, placeholder(key, message)


Rows = list[dict[str, Any]]


def _table(rows: Rows) -> str:
    return aligned(
        [("file", "metric", "value", "unit")]
        + [
            (row["file"], row["metric"], f"{row['value']:.4f}", row["unit"])
            if row["value"] is not None
            else (row["file"], row["metric"], row["status"], row["message"])
            for row in rows
        ]
    )


def _csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _json(rows: Rows) -> str:
    return json.dumps(rows, indent=2, ensure_ascii=False)


FORMATS = {"table": _table, "csv": _csv, "json": _json}
