"""Models as a researcher reads them: versions, what they are made of, what they learned, how they sound."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Max, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from listening import access
from listening.learned import learned_values
from listening.lessons import kinds_in
from listening.models import Campaign, Lesson
from listening.understanding import about, badges
from listening.views.diagram import diagram
from listening.views.figures import block_pictures
from listening.views.forms import TrainForm
from listening.views.standings import IntervalForm, act_form
from listening.watched import of_run
from models_registry import standing as marks
from models_registry import statements
from models_registry.models import AudioModel, ModelVersion, Standing
from models_registry.standing import Mark

LESSONS = 5
# of a card, what the version's page or its card shows as tables
ELSEWHERE = ("readings", "material")


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    versions = ModelVersion.objects.defer("chain", "card").with_standing().order_by("-number")
    models = access.listed(
        request,
        AudioModel.objects.select_related("project").prefetch_related(
            Prefetch("versions", versions)
        ),
    )
    marked = [(one, _mark_of_newest(one)) for one in models]
    validated = badges([mark.version for _, mark in marked if mark], "validation")
    rows = [
        (one, mark, *validated.get(mark.version.pk if mark else 0, (None, "")))
        for one, mark in marked
    ]
    context = {"section": "models", "rows": rows, "validated": bool(validated)}
    return render(request, "listening/registry/index.html", context)


def _mark_of_newest(model: AudioModel) -> Mark | None:
    """Where its newest version stands; the versions were fetched with it."""
    newest = next(iter(model.versions.all()), None)
    return marks.of(newest) if newest else None


@access.members
@require_safe
def model(request: HttpRequest, name: str) -> HttpResponse:
    found = access.find(request, AudioModel.objects.select_related("project"), name=name)
    versions = list(
        found.versions.with_standing().select_related("parent__model").order_by("-number")
    )
    validated = badges(versions, "validation")
    context = {
        "section": "models",
        "model": found,
        "versions": [(one, marks.of(one), *validated.get(one.pk, (None, ""))) for one in versions],
        "interval_form": IntervalForm(initial={"days": found.review_days})
        if access.standing(request).may_own
        else None,
        "runs": found.runs.select_related("job").filter(version=None),
    }
    return render(request, "listening/registry/model.html", context)


@access.members
@require_safe
def version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    found = access.find(
        request,
        ModelVersion.objects.select_related("model__project", "parent__model", "run__job"),
        model__name=name,
        number=number,
    )
    values, problem = learned_values(found)
    mark = marks.of(found)
    context = {
        "section": "models",
        "version": found,
        "run": found.run,
        "job": found.run.job if found.run else None,
        "watch": of_run(found.run),
        "points": len(found.run.history) if found.run else 0,
        "recipe": json.dumps(found.run.recipe, indent=2) if found.run else "",
        "diagram": diagram(found.chain),
        "card": card_lines(found.card),
        "statement": statements.latest(found),
        "mark": mark,
        "acts": marks.history(found),
        "reviews": found.reviews.select_related("version__model"),
        "allowed": found.allowances.all(),
        "unknown_makers": marks.unknown_makers(found)
        if mark.state == Standing.State.CANDIDATE
        else [],
        "act_form": act_form(mark, access.standing(request).role),
        "blocks": values,
        "problem": problem,
        "found": about(found),
        "renderings": found.renderings.select_related("input", "output"),
        "conditions": found.conditions.filter(
            campaign__in=Campaign.objects.visible_to(request.user)
        ).select_related("campaign"),
        "lessons": lessons_on(request, found),
        "newest": found.model.versions.aggregate(number=Max("number"))["number"],
    }
    return render(request, "listening/registry/version.html", context)


@access.members
@require_safe
def block(request: HttpRequest, name: str, number: int, block: str) -> HttpResponse:
    """All figures of one block: response with phase and group delay, poles and zeros, curve, bands, decay."""
    found, pictures = block_pictures(request, name, number, block)
    context = {"section": "models", "version": found, "part": block, "figures": pictures}
    return render(request, "listening/registry/block.html", context)


def lessons_on(request: HttpRequest, version: ModelVersion) -> list[Lesson]:
    """What was learned from the version, and before it with its recipe or its blocks."""
    visible = Lesson.objects.visible_to(request.user)
    task = version.run.recipe.get("name", "") if version.run else ""
    own = list(visible.current().filter(version=version)[:LESSONS])
    known = visible.for_use_of(blocks=kinds_in(version.chain), task=task)
    return own + list(known.exclude(version=version)[: LESSONS - len(own)])


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def train(request: HttpRequest) -> HttpResponse:
    form = TrainForm(
        request.POST or None, initial=request.GET.dict(), standing=access.standing(request)
    )
    if request.method == "POST" and form.is_valid():
        job = form.queue(actor=request.user.get_username())
        if job is not None:
            return redirect("job", job.pk)
    return render(request, "listening/registry/train.html", {"section": "models", "form": form})


def card_lines(card: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """A card's entries as lines of text; what has a table of its own is left out."""
    return [
        (name.replace("_", " ").capitalize(), lines_of(entry))
        for name, entry in card.items()
        if name not in ELSEWHERE and entry
    ]


def lines_of(entry: Any) -> list[str]:
    """A line for each of a list's, and for each device, room or setting of which a sentence is said; else one."""
    if isinstance(entry, list):
        return [said_of(one) for one in entry]
    if isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values()):
        return [f"{name}: {value}" for name, value in entry.items()]
    return [said_of(entry)]


def said_of(entry: Any) -> str:
    if isinstance(entry, dict):
        said = (f"{name.replace('_', ' ')} {said_of(value)}" for name, value in entry.items())
        return ", ".join(said)
    return f"{entry:.4g}" if isinstance(entry, float) else str(entry)
