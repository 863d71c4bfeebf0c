"""Writing lessons down, and finding those that somebody should know before they begin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from listening.models import Lesson, LessonTag
from models_registry import audit, training
from models_registry.models import Job, TrainingRun
from models_registry.teams import Project

TAG = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


class LessonError(ValueError):
    """A lesson that cannot be written; the message says why."""


def write(
    project: Project,
    *,
    author: str,
    blocks: Iterable[str] = (),
    tasks: Iterable[str] = (),
    corrects: Lesson | None = None,
    **said: Any,
) -> Lesson:
    """Keep a lesson with its tags; raises `LessonError` where what it corrects was corrected before."""
    check_addresses(said.get("evidence", ()))
    blocks, tasks = checked_names(blocks), checked_names(tasks)
    with transaction.atomic():
        if corrects is not None:
            Lesson.objects.select_for_update().get(pk=corrects.pk)
            if Lesson.objects.filter(corrects=corrects).exists():
                raise LessonError(
                    f"expected the newest form of {corrects}, found one that was corrected since: correct that"
                )
        lesson = Lesson.objects.create(project=project, author=author, corrects=corrects, **said)
        tags = [(LessonTag.Kind.BLOCK, name) for name in dict.fromkeys(blocks)]
        tags += [(LessonTag.Kind.TASK, name) for name in dict.fromkeys(tasks)]
        LessonTag.objects.bulk_create(
            LessonTag(lesson=lesson, kind=kind, name=name) for kind, name in tags
        )
        audit.record(
            "lesson",
            lesson,
            actor=author,
            reason=lesson.title,
            content={
                "tried": lesson.tried,
                "happened": lesson.happened,
                "advice": lesson.advice,
                "corrects": corrects.pk if corrects else None,
            },
        )
    return lesson


def check_addresses(lines: Iterable[str]) -> None:
    """Raises `LessonError` at what is no address of a page, here or elsewhere."""
    for line in lines:
        parts = urlsplit(line)
        here = line.startswith("/") and not line.startswith("//")
        if not here and not (parts.scheme in ("http", "https") and parts.netloc):
            raise LessonError(
                f"expected an address that begins with / or https://, found {line[:80]!r}"
            )


def checked_names(names: Iterable[str]) -> list[str]:
    """`names` of blocks, adapters or recipes; raises `LessonError` at one that is none."""
    found = [name for name in names if name]
    for name in found:
        if not TAG.fullmatch(name):
            raise LessonError(f"expected names of small letters, digits and -, found {name[:80]!r}")
    return found


def kinds_in(chain: Mapping[str, Any]) -> list[str]:
    """The kinds of blocks and adapters that a chain's specification names; needs no engine."""
    blocks = (entry["kind"] for entry in leaves(chain.get("blocks", ())))
    adapters = (entry["kind"] for entry in chain.get("adapters", ()))
    return sorted({*blocks, *adapters})


def leaves(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The blocks of a specification one by one, those of branches too."""
    for entry in entries:
        if "branches" in entry:
            for branch in entry["branches"]:
                yield from leaves(branch)
        else:
            yield entry


def before_training(recipe: str) -> dict[str, Any]:
    """What `Lesson.objects.for_use_of` is asked for a shipped recipe."""
    return {"blocks": kinds_in(training.shipped_content(recipe)["chain"]), "task": recipe}


def untold() -> Any:
    """Trainings that failed and of which nobody has written what was learned, the newest first."""
    return (
        TrainingRun.objects.filter(job__state=Job.State.FAILED, lessons=None)
        .select_related("model", "job")
        .order_by("-pk")
    )
