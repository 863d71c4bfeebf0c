"""Templates: make one of a version, a campaign or a review, take one in from a file, write it to one, and use it."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from listening import templating
from listening.exchange import campaign_document, template_file
from listening.exchange.documents import decoded
from listening.exchange.template_file import Answer, Data
from listening.models import Campaign, Review, Template
from models_registry import jobs, training
from models_registry.extra import engine
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_format,
    add_project,
    key_values,
    project_of,
)
from models_registry.management.progress import bar
from models_registry.models import ModelVersion


class Command(RefusingCommand):
    help = __doc__
    refuses = (ValueError, OSError, Template.DoesNotExist, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        add_format(acts.add_parser("list", help="all templates"), "table", "json")
        made = acts.add_parser("make", help="make one of what there is")
        made.add_argument("name", metavar="NAME")
        source = made.add_mutually_exclusive_group(required=True)
        source.add_argument("--version", dest="model", metavar="MODEL[@N]")
        source.add_argument("--campaign", metavar="SLUG")
        source.add_argument(
            "--review",
            metavar="NUMBER",
            help="of a review's agenda; standard: the one that is built in",
        )
        made.add_argument("--title", default="")
        made.add_argument("--purpose", default="", help="when to take it")
        made.add_argument(
            "--open", action="append", default=[], metavar="PATH=LABEL", help="ask for this value"
        )
        add_project(made)
        taken = acts.add_parser("import", help="take one in from a file")
        taken.add_argument("file", type=Path, metavar="FILE")
        add_project(taken)
        given = acts.add_parser("export", help="write one as YAML or JSON")
        given.add_argument("name", metavar="NAME[@N]")
        given.add_argument("--to", type=Path, metavar="FILE", help="default: the terminal, YAML")
        used = acts.add_parser("use", help="train a recipe, draft a campaign or open a review")
        used.add_argument("name", metavar="NAME[@N]")
        used.add_argument(
            "--set", action="append", default=[], metavar="PATH=VALUE", dest="answers"
        )
        used.add_argument("--seed", type=int, default=0)
        used.add_argument("--reason", default="", help="why this version is made")
        used.add_argument("--slug", default="", help="of the campaign that is drafted")
        used.add_argument("--sounds-of", default="", metavar="SLUG", help="whose sounds it plays")
        subject = used.add_mutually_exclusive_group()
        subject.add_argument("--version", dest="model", metavar="MODEL[@N]", help="to be reviewed")
        subject.add_argument("--campaign", metavar="SLUG", help="to be reviewed")
        used.add_argument("--title", default="", help="of the review")
        add_project(used)

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['act']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {"template": str(one), "kind": one.kind, "title": one.title, "source": one.source}
            for one in Template.objects.all()
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for row in rows:
            self.stdout.write(f"{row['template']}: {row['title']}, of a {row['kind']}")
        if not rows:
            self.stdout.write("no template yet")

    def _make(self, options: dict[str, Any]) -> None:
        source: ModelVersion | Campaign | Review | None
        if options["model"]:
            kind, source = template_file.RECIPE, ModelVersion.objects.named(options["model"])
        elif options["review"]:
            kind, source = template_file.REVIEW, _review(options["review"])
        else:
            kind, source = template_file.CAMPAIGN, _campaign(options["campaign"])
        content = templating.content_of(kind, source)
        opened = key_values([one if "=" in one else f"{one}=" for one in options["open"]], "--open")
        fields: list[Data] = [
            {
                "path": path,
                "default": template_file.at(content, path),
                **({"label": label} if label else {}),
            }
            for path, label in opened.items()
        ]
        data = templating.written(
            kind,
            content,
            name=options["name"],
            title=options["title"]
            or str(content.get("title") or getattr(source, "title", "Agenda")),
            purpose=options["purpose"],
            fields=fields,
        )
        made = templating.keep(
            data,
            source=str(source or "the standard agenda"),
            project=project_of(options),
            actor=getpass.getuser(),
        )
        self.stdout.write(f"{made}: {len(fields)} fields")

    def _import(self, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        data = template_file.parse(decoded(path.read_bytes(), name=str(path)), name=str(path))
        made = templating.keep(
            data,
            source=f"the file {path.name}",
            project=project_of(options),
            actor=getpass.getuser(),
        )
        self.stdout.write(f"{made}: {made.title}")

    def _export(self, options: dict[str, Any]) -> None:
        template, path = Template.objects.named(options["name"]), options["to"]
        form = "json" if path and path.suffix == ".json" else "yaml"
        text = campaign_document.dump(template.document, form=form)
        if path:
            path.write_text(text, encoding="utf-8")
            self.stdout.write(str(path))
        else:
            self.stdout.write(text, ending="")

    def _use(self, options: dict[str, Any]) -> None:
        template = Template.objects.named(options["name"])
        fields = {one["path"]: one for one in template.fields}
        given = key_values(options["answers"], "--set PATH=VALUE")
        answers: dict[str, Answer] = {
            path: template_file.read_answer(fields[path], text) if path in fields else text
            for path, text in given.items()
        }
        if template.kind == template_file.CAMPAIGN:
            self._draft(template, answers, options)
        elif template.kind == template_file.REVIEW:
            self._review(template, answers, options)
        else:
            self._train(template, answers, options)

    def _draft(
        self, template: Template, answers: dict[str, Answer], options: dict[str, Any]
    ) -> None:
        if not options["slug"] or not options["sounds_of"]:
            raise Refused("expected --slug and --sounds-of for a campaign, found one missing")
        made = templating.draft(
            template,
            answers,
            slug=options["slug"],
            sounds_of=_campaign(options["sounds_of"]),
            owner=None,
            project=project_of(options),
            actor=getpass.getuser(),
        )
        self.stdout.write(f"{made.slug}: a draft")

    def _review(
        self, template: Template, answers: dict[str, Answer], options: dict[str, Any]
    ) -> None:
        subject: ModelVersion | Campaign
        if options["model"]:
            subject = ModelVersion.objects.named(options["model"])
        elif options["campaign"]:
            subject = _campaign(options["campaign"])
        else:
            raise Refused("expected --version or --campaign to be reviewed, found neither")
        made = templating.begin_review(
            template, answers, subject=subject, title=options["title"], actor=getpass.getuser()
        )
        self.stdout.write(f"{made}: {made.points.count()} points")

    def _train(
        self, template: Template, answers: dict[str, Answer], options: dict[str, Any]
    ) -> None:
        recipe = engine().Recipe.from_dict(templating.answered(template, "recipe", answers))
        run = training.here(
            recipe,
            seed=options["seed"],
            reason=options["reason"],
            actor=getpass.getuser(),
            project=project_of(options),
        )
        with bar(f"train {recipe.name}") as report:
            failure = jobs.work_here(run.job, report)
        if failure:
            raise CommandError(f"training: {failure}") from failure
        self.stdout.write(run.job.message)


def _campaign(slug: str) -> Campaign:
    found = Campaign.objects.filter(slug=slug, preview_of=None).first()
    if found is None:
        raise Refused(f"expected a campaign, found no {slug!r}")
    return found


def _review(number: str) -> Review | None:
    if number == "standard":
        return None
    found = Review.objects.filter(pk=int(number)).first() if number.isdecimal() else None
    if found is None:
        raise Refused(f"expected a review's number, or standard, found {number!r}")
    return found
