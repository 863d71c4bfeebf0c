"""Lessons as researchers write, find and meet them."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from listening import access, lessons
from listening.models import Campaign, Lesson, LessonTag
from listening.views.forms import RoomForm
from models_registry import training
from models_registry.models import ModelVersion, TrainingRun

SHOWN = 200
# of those that a form shows before one begins
BEFORE = 5
SUBJECTS = ("run", "version", "campaign")
SAID = ("title", "tried", "happened", "advice", "evidence", "failure")


class LessonForm(RoomForm):
    """What was tried, what happened, and what it is about."""

    title = forms.CharField(
        max_length=200,
        label="The lesson in one sentence",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    tried = forms.CharField(label="What was tried", widget=forms.Textarea(attrs={"rows": 3}))
    happened = forms.CharField(label="What happened", widget=forms.Textarea(attrs={"rows": 3}))
    advice = forms.CharField(
        required=False,
        label="Next time",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Shown to who uses the same block or recipe.",
    )
    failure = forms.ChoiceField(
        required=False, label="What went wrong", choices=[("", "nothing"), *Lesson.Failure.choices]
    )
    blocks = forms.CharField(
        required=False,
        help_text="Kinds of blocks and adapters that it is about, such as waveshaper, gru.",
    )
    tasks = forms.CharField(required=False, help_text="Recipes that it is about.")
    evidence = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Addresses where it can be seen or heard, one a line: of pages here (/jobs/12/) or elsewhere.",
    )

    def _names(self, field: str) -> list[str]:
        names = re.split(r"[,\s]+", self.cleaned_data[field].strip())
        try:
            return lessons.checked_names(names)
        except lessons.LessonError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_blocks(self) -> list[str]:
        return self._names("blocks")

    def clean_tasks(self) -> list[str]:
        return self._names("tasks")

    def clean_evidence(self) -> list[str]:
        lines = [one.strip() for one in self.cleaned_data["evidence"].splitlines() if one.strip()]
        try:
            lessons.check_addresses(lines)
        except lessons.LessonError as error:
            raise forms.ValidationError(str(error)) from error
        return lines


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All lessons, or those that are looked for."""
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "block", "task", "failure")}
    found = Lesson.objects.current()
    found = found.saying(asked["q"]) if asked["q"] else found
    for kind in LessonTag.Kind.values:
        found = found.tagged(kind, [asked[kind]]) if asked[kind] else found
    found = found.filter(failure=asked["failure"]) if asked["failure"] else found
    context = {
        "section": "models",
        "lessons": access.listed(request, found).prefetch_related("tags")[:SHOWN],
        "asked": asked,
        "failures": Lesson.Failure.choices,
        "untold": access.listed(request, lessons.untold())[:BEFORE],
    }
    return render(request, "listening/lessons/index.html", context)


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    lesson = access.find(
        request,
        Lesson.objects.select_related(
            "project", "run__model", "run__job", "version__model", "campaign", "corrects"
        ),
        pk=pk,
    )
    context = {
        "section": "models",
        "lesson": lesson,
        "corrected_by": Lesson.objects.filter(corrects=lesson).first(),
    }
    return render(request, "listening/lessons/detail.html", context)


@access.members
@require_safe
def about(request: HttpRequest) -> HttpResponseBase:
    """The part of a form that says what was learned with the recipe chosen in it; opened by itself, all lessons."""
    if "HX-Request" not in request.headers:
        return index(request)
    recipe = request.GET.get("recipe", "")
    found = Lesson.objects.none()
    if recipe in training.shipped():
        visible = Lesson.objects.visible_to(access.standing(request).user)
        found = visible.for_use_of(**lessons.before_training(recipe))
    context = {"lessons": found[:BEFORE], "of": recipe}
    return render(request, "listening/parts/lessons.html", context)


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A lesson from a run, a version or a campaign that the address names, or from none."""
    subject = _subject(request)
    return _filled(request, subject, initial=_known_of(subject), corrects=None)


@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Another lesson in the place of this one, which stays."""
    lesson = access.find(request, Lesson.objects.select_related("project"), pk=pk)
    initial = {name: getattr(lesson, name) for name in SAID}
    initial["evidence"] = "\n".join(lesson.evidence)
    for kind, field in ((LessonTag.Kind.BLOCK, "blocks"), (LessonTag.Kind.TASK, "tasks")):
        initial[field] = ", ".join(tag.name for tag in lesson.tags.all() if tag.kind == kind)
    subject = {name: getattr(lesson, name) for name in SUBJECTS}
    return _filled(request, subject, initial=initial, corrects=lesson)


def _filled(
    request: HttpRequest,
    subject: dict[str, Any],
    *,
    initial: dict[str, Any],
    corrects: Lesson | None,
) -> HttpResponse:
    standing = access.standing(request)
    form = LessonForm(request.POST or None, initial=initial, standing=standing)
    about = next((one for one in subject.values() if one is not None), None)
    if corrects is not None or about is not None:
        # it belongs where what it is about belongs
        form.fields.pop("project", None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        owner = corrects or about
        try:
            lesson = lessons.write(
                access.project_of(owner) if owner is not None else form.room,
                author=request.user.get_username(),
                blocks=given["blocks"],
                tasks=given["tasks"],
                corrects=corrects,
                **{name: given[name] for name in SAID},
                **subject,
            )
        except lessons.LessonError as error:
            form.add_error(None, str(error))
        else:
            return redirect(lesson)
    context = {"section": "models", "form": form, "subject": about, "corrects": corrects}
    status = 422 if form.errors else 200
    return render(request, "listening/lessons/new.html", context, status=status)


def _subject(request: HttpRequest) -> dict[str, Any]:
    """What the address names: `?run=12`, `?version=overdrive@1`, `?campaign=slug`; at most one."""
    asked = request.GET
    if (run := asked.get("run", "")).isdigit():
        runs = TrainingRun.objects.select_related("model__project", "job")
        return {"run": access.find(request, runs, pk=int(run))}
    if "version" in asked:
        name, _, number = asked["version"].partition("@")
        versions = ModelVersion.objects.select_related("model__project", "run")
        number = number if number.isdigit() else "0"
        return {"version": access.find(request, versions, model__name=name, number=int(number))}
    if "campaign" in asked:
        return {"campaign": access.find(request, Campaign.objects.all(), slug=asked["campaign"])}
    return {}


def _known_of(subject: dict[str, Any]) -> dict[str, Any]:
    """What need not be typed."""
    run = subject.get("run")
    version = subject.get("version")
    if run is not None:
        failed = run.job.state == run.job.State.FAILED
        return {
            "tried": run.reason,
            "happened": run.job.message if failed else "",
            "tasks": run.recipe["name"],
            "blocks": ", ".join(lessons.kinds_in(run.recipe["chain"])),
        }
    if version is not None:
        return {
            "tried": version.reason,
            "tasks": version.run.recipe.get("name", "") if version.run else "",
            "blocks": ", ".join(lessons.kinds_in(version.chain)),
        }
    return {}
