"""Lessons: find what was learned, see which failed trainings nobody has told of, and write one down."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from listening import lessons
from listening.models import Campaign, Lesson, LessonTag
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_format,
    add_project,
    project_of,
)
from models_registry.models import ModelVersion, TrainingRun

SAID = ("title", "tried", "happened")


class Command(RefusingCommand):
    help = __doc__
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        found = acts.add_parser("list", help="lessons, the newest first")
        found.add_argument("words", nargs="*", metavar="WORD")
        found.add_argument("--block", default="", metavar="KIND", help="of a block or an adapter")
        found.add_argument("--task", default="", metavar="RECIPE")
        found.add_argument("--failure", default="", choices=("", *Lesson.Failure.values))
        add_format(found, "table", "json")
        add_format(acts.add_parser("untold", help="failed trainings without one"), "table", "json")
        written = acts.add_parser("write", help="write one down")
        for name in SAID:
            written.add_argument(f"--{name}", required=True)
        written.add_argument("--advice", default="", help="what to do next time")
        written.add_argument("--failure", default="", choices=("", *Lesson.Failure.values))
        written.add_argument("--block", action="append", default=[], metavar="KIND")
        written.add_argument("--task", action="append", default=[], metavar="RECIPE")
        written.add_argument("--evidence", action="append", default=[], metavar="ADDRESS")
        about = written.add_mutually_exclusive_group()
        about.add_argument("--run", type=int, metavar="NUMBER")
        about.add_argument("--model", metavar="MODEL[@N]")
        about.add_argument("--campaign", metavar="SLUG")
        add_project(written)

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['act']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        found = Lesson.objects.current().saying(" ".join(options["words"]))
        for kind in LessonTag.Kind.values:
            found = found.tagged(kind, [options[kind]]) if options[kind] else found
        found = found.filter(failure=options["failure"]) if options["failure"] else found
        rows: list[dict[str, Any]] = [
            {
                "lesson": one.pk,
                "title": one.title,
                "advice": one.advice,
                "tags": _tags(one),
                "failure": one.failure,
                "author": one.author,
            }
            for one in found.prefetch_related("tags")
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for row in rows:
            advice = f": {row['advice']}" if row["advice"] else ""
            self.stdout.write(f"{row['lesson']} {row['title']}{advice} ({', '.join(row['tags'])})")
        if not rows:
            self.stdout.write("no lesson says this")

    def _untold(self, options: dict[str, Any]) -> None:
        rows = [
            {"run": one.pk, "model": one.model.name, "message": one.job.message}
            for one in lessons.untold()
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for row in rows:
            self.stdout.write(f"run {row['run']} of {row['model']} failed: {row['message']}")
        if not rows:
            self.stdout.write("of every failed training somebody told what was learned")

    def _write(self, options: dict[str, Any]) -> None:
        subject = _subject(options)
        for name in SAID:
            if not options[name].strip():
                raise Refused(f"expected --{name} to say something, found nothing")
        owner = next((one.project for one in subject.values()), None)
        lesson = lessons.write(
            owner or project_of(options),
            author=getpass.getuser(),
            blocks=options["block"],
            tasks=options["task"],
            evidence=options["evidence"],
            advice=options["advice"],
            failure=options["failure"],
            **{name: options[name] for name in SAID},
            **subject,
        )
        self.stdout.write(f"{lesson}: {lesson.title}")


def _subject(options: dict[str, Any]) -> dict[str, Any]:
    if options["run"] is not None:
        run = TrainingRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise Refused(f"expected a training run, found no {options['run']}")
        return {"run": run}
    if options["model"]:
        return {"version": ModelVersion.objects.named(options["model"])}
    if options["campaign"]:
        campaign = Campaign.objects.filter(slug=options["campaign"], preview_of=None).first()
        if campaign is None:
            raise Refused(f"expected a campaign, found no {options['campaign']!r}")
        return {"campaign": campaign}
    return {}


def _tags(lesson: Lesson) -> list[str]:
    return [tag.name for tag in lesson.tags.all()]
