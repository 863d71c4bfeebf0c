"""Benchmarks: freeze one, enter it, send what another system made of it, and compare."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from listening import benchmarking, leaderboards, submissions
from listening.exchange import documents
from listening.exchange.documents import decoded
from listening.exporting_leaderboards import exported, shown
from listening.freezing import Item, freeze
from listening.models import Benchmark, BenchmarkEntry, Campaign
from models_registry import audio, jobs, studying
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_format,
    add_project,
    project_of,
)
from models_registry.management.progress import bar
from models_registry.models import Job, ModelVersion, Signal


class Command(RefusingCommand):
    help = __doc__
    refuses = (ValueError, LookupError, OSError, ModelVersion.DoesNotExist, Benchmark.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        frozen = acts.add_parser("freeze", help="make a benchmark, or a new edition of one")
        frozen.add_argument("name", metavar="NAME")
        frozen.add_argument("--title", required=True)
        frozen.add_argument("--purpose", required=True, help="what it is meant to tell")
        frozen.add_argument(
            "--inputs", type=Path, required=True, metavar="DIR", help="what goes in"
        )
        frozen.add_argument(
            "--references",
            type=Path,
            metavar="DIR",
            help="what ideally comes out, by the same names",
        )
        frozen.add_argument(
            "--rules", type=Path, metavar="FILE", help="YAML or JSON, as the guide shows it"
        )
        add_project(frozen)
        add_format(acts.add_parser("list", help="all benchmarks"), "table", "json")
        board = acts.add_parser("show", help="the leaderboard")
        board.add_argument("name", metavar="NAME[@N]")
        board.add_argument("--by", default="", metavar="COLUMN", help="what ranks the entries")
        add_format(board, "table", "json", "csv", "tex")
        entered = acts.add_parser("enter", help="let registered versions take part")
        entered.add_argument("name", metavar="NAME[@N]")
        entered.add_argument("models", nargs="+", metavar="MODEL[@N][:CONDITION]")
        for act, what in (
            ("submit", "take part with the outputs in a zip"),
            ("kit", "write a zip of what goes in, and a manifest to fill in"),
        ):
            one = acts.add_parser(act, help=what)
            one.add_argument("name", metavar="NAME[@N]")
            one.add_argument("file", type=Path, metavar="FILE")
        rated = acts.add_parser("rate", help="take a campaign's ratings in, or draft a campaign")
        rated.add_argument("name", metavar="NAME[@N]")
        rated.add_argument("campaign", metavar="SLUG")
        rated.add_argument("--draft", action="store_true", help="make the campaign, of all entries")
        gone = acts.add_parser("withdraw", help="take an entry off the leaderboard")
        gone.add_argument("name", metavar="NAME[@N]")
        gone.add_argument("entry", metavar="ENTRY", help="as the leaderboard calls it")
        gone.add_argument("--reason", required=True, help="it stands on the leaderboard")
        public = acts.add_parser("publish", help="show its page to everyone")
        public.add_argument("name", metavar="NAME[@N]")
        public.add_argument("--no", action="store_true", help="no longer")

    def handle(self, *args: Any, **options: Any) -> None:
        act = getattr(self, f"_{options['act']}")
        if options["act"] in ("freeze", "list"):
            act(options)
        else:
            act(Benchmark.objects.named(options["name"]), options)

    def _freeze(self, options: dict[str, Any]) -> None:
        rules = {}
        if options["rules"]:
            path = options["rules"]
            rules = documents.read(decoded(path.read_bytes(), name=str(path)), name=str(path)).data
        # nothing is kept where the benchmark is refused
        with transaction.atomic():
            made = freeze(
                options["name"],
                title=options["title"],
                purpose=options["purpose"],
                items=_items(options["inputs"], options["references"]),
                rules=rules,
                project=project_of(options),
                actor=getpass.getuser(),
            )
        self.stdout.write(f"{made}: {made.items.count()} items, hash {made.sha256}")

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {
                "benchmark": str(one),
                "title": one.title,
                "entries": one.entries.count(),
                "public": one.is_public,
                "sha256": one.sha256,
            }
            for one in Benchmark.objects.all()
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for row in rows:
            public = ", public" if row["public"] else ""
            self.stdout.write(
                f"{row['benchmark']}: {row['title']}, {row['entries']} entries{public}"
            )
        if not rows:
            self.stdout.write("no benchmark yet")

    def _show(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        board = leaderboards.board(benchmark, by=options["by"])
        known = [one.name for one in board.columns]
        if options["by"] and options["by"] != board.ranked_by.name:
            raise Refused(
                f"expected a column that ranks ({', '.join(known)}), found {options['by']!r}"
            )
        if options["format"] != "table":
            self.stdout.write(exported(board, options["format"]).decode())
            return
        self.stdout.write(f"{benchmark.title} ({benchmark}), ranked by {board.ranked_by.title}")
        for line in board.lines:
            rank = line.cells[board.ranked_by.name].rank
            place = f"{rank.rank} [{rank.low}, {rank.high}]" if rank else "–"
            cells = (f"{one.name} {shown(line.cells[one.name], one)}" for one in board.columns)
            self.stdout.write(f"{place:>10}  {line.entry.name}: {', '.join(cells)}")
        for note in board.notes:
            self.stdout.write(note)

    def _enter(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        for name in options["models"]:
            entry = benchmarking.enter(benchmark, name, actor=getpass.getuser(), begin=jobs.hold)
            self._done(entry.job, f"enter {name}")
            for kind in benchmark.rules["studies"]:
                study = benchmarking.ask(entry, kind, actor=getpass.getuser(), begin=studying.here)
                if study.job.state == Job.State.RUNNING:
                    # what a question comes to stands on the leaderboard, a failure too
                    with bar(f"{kind} of {name}") as report:
                        jobs.work_here(study.job, report)
            self.stdout.write(f"{entry.name} is in {benchmark}")

    def _done(self, job: Job, what: str) -> None:
        with bar(what) as report:
            failure = jobs.work_here(job, report)
        if failure:
            raise CommandError(f"{what}: {failure}") from failure

    def _submit(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        with path.open("rb") as source:
            entry: BenchmarkEntry = submissions.submit(
                benchmark, source, name=path.name, actor=getpass.getuser(), begin=jobs.hold
            )
        self._done(entry.job, f"score {entry.name}")
        self.stdout.write(f"{entry.name} by {entry.team} is in {benchmark}")

    def _kit(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        options["file"].write_bytes(submissions.kit(benchmark))
        self.stdout.write(f"{options['file']}: {benchmark.items.count()} sounds")

    def _rate(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        slug, actor = options["campaign"], getpass.getuser()
        if options["draft"]:
            benchmarking.draft(benchmark, slug, owner=None, actor=actor)
            self.stdout.write(f"{slug} is a draft of all entries of {benchmark}")
            return
        campaign = Campaign.objects.filter(slug=slug, preview_of=None).first()
        if campaign is None:
            raise Refused(f"expected a campaign, found no {slug!r}")
        benchmarking.link(benchmark, campaign, actor=actor)
        self.stdout.write(f"ratings of {slug} count for {benchmark}")

    def _withdraw(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        entry = benchmark.entries.filter(name=options["entry"]).first()
        if entry is None:
            known = ", ".join(benchmark.entries.values_list("name", flat=True)) or "none"
            raise Refused(f"expected an entry among {known}, found {options['entry']!r}")
        benchmarking.withdraw(entry, reason=options["reason"], actor=getpass.getuser())
        self.stdout.write(f"{entry.name} is withdrawn from {benchmark}")

    def _publish(self, benchmark: Benchmark, options: dict[str, Any]) -> None:
        benchmarking.publish(benchmark, shown=not options["no"], actor=getpass.getuser())
        self.stdout.write(f"{benchmark} is {'public' if benchmark.is_public else 'not public'}")


def _items(inputs: Path, references: Path | None) -> list[Item]:
    """What lies in the folders, each input with the reference of its name."""
    found = sorted(path for path in inputs.iterdir() if path.is_file())
    ideals = {path.stem: path for path in references.iterdir()} if references else {}
    if lacking := [path.stem for path in found if references and path.stem not in ideals]:
        raise Refused(f"expected a reference for each input, found none for {', '.join(lacking)}")
    # all are read before one is kept
    sounds = [
        (path, audio.read(path), audio.read(ideals[path.stem]) if path.stem in ideals else None)
        for path in found
    ]
    return [
        (
            path.stem,
            Signal.objects.store(given, title=path.stem, provenance=f"from {path.name}"),
            Signal.objects.store(
                ideal, title=f"{path.stem} · reference", provenance="of a benchmark"
            )
            if ideal
            else None,
        )
        for path, given, ideal in sounds
    ]
