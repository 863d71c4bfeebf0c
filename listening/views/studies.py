"""What can be found out about a version: asking, watching the work, and the answer with its figures."""

from __future__ import annotations

import json
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import ablation_campaigns, access, exporting_studies
from listening.understanding import FACES, Face, about, face_of, found_of
from listening.views.figures import served
from listening.views.study_forms import StudyForm
from listening.views.uploads import refused_unread
from models_registry.models import Job, ModelVersion, Study
from models_registry.studying import HASH, Kind, StudyError, kind_named, kinds


def _version(request: HttpRequest, name: str, number: int) -> ModelVersion:
    versions = ModelVersion.objects.select_related("model__project")
    return access.find(request, versions, model__name=name, number=number)


def _known(kind: str) -> tuple[Kind, Face]:
    try:
        return kind_named(kind), face_of(kind)
    except (StudyError, KeyError) as error:
        raise Http404(str(error)) from error


@access.members
@require_safe
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """All studies of a version, and all kinds that can be asked for."""
    version = _version(request, name, number)
    context = {
        "section": "models",
        "version": version,
        "kinds": [kind for _, kind in sorted(kinds().items()) if kind.name in FACES],
        "studies": [
            (study, _asked(study))
            for study in version.studies.select_related("job").defer("result")
        ],
        "found": about(version),
    }
    return render(request, "listening/studies/index.html", context)


def _asked(study: Study) -> str:
    """What was asked otherwise than as usual, by which studies of one kind are told apart."""
    known = kinds().get(study.kind)
    usual = known.settings if known else {}
    return "; ".join(
        f"{name}: {_said(value)}"
        for name, value in study.settings.items()
        if value != usual.get(name)
        and isinstance(value, str | int | float)
        and not HASH.fullmatch(str(value))
    )


def _said(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_filled`
@csrf_exempt
@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, name: str, number: int, kind: str) -> HttpResponse:
    """The form of one kind of study."""
    version = _version(request, name, number)
    known, face = _known(kind)
    asked: dict[str, Any] = {"version": version, "standing": access.standing(request)}
    form = face.form
    context = {"section": "models", "version": version, "kind": known}
    if request.method == "POST":
        if refusal := refused_unread(request, megabytes=settings.UPLOAD_MB):
            return _page(request, form(**asked), context, *refusal)
        return _filled(request, form(request.POST, request.FILES, **asked), context)
    again = request.GET.get("again", "")
    initial = request.GET.dict()
    if again.isdecimal():
        initial = form.again(get_object_or_404(version.studies, kind=kind, pk=int(again)))
    return _page(request, form(initial=initial, **asked), context, 200)


@csrf_protect
def _filled(request: HttpRequest, form: StudyForm, context: dict[str, Any]) -> HttpResponse:
    if form.is_valid():
        job = form.queue(actor=request.user.get_username())
        if job is not None:
            return redirect("study", job.study.pk)
    return _page(request, form, context, 422)


def _page(
    request: HttpRequest, form: StudyForm, context: dict[str, Any], status: int, sentence: str = ""
) -> HttpResponse:
    limits = {
        "files": settings.UPLOAD_FILES,
        "megabytes": settings.UPLOAD_MB,
        "minutes": settings.UPLOAD_SECONDS / 60,
    }
    shown = {"form": form, "limits": limits, "sentence": sentence, **context}
    return render(request, "listening/studies/ask.html", shown, status=status)


def _study(request: HttpRequest, pk: int) -> Study:
    return access.find(
        request, Study.objects.select_related("version__model__project", "job"), pk=pk
    )


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A study: how far it is, or what was found."""
    study = _study(request, pk)
    known, face = _known(study.kind)
    context = {
        "section": "models",
        "study": study,
        "version": study.version,
        "kind": known,
        "job": study.job,
        "settings": json.dumps(study.settings, indent=2, ensure_ascii=False),
        "actor": study.job.arguments.get("actor", ""),
    }
    if study.job.state == Job.State.DONE:
        found = found_of(study)
        context |= {"found": found, "figures": face.figures(found)}
        return render(request, face.template, context)
    return render(request, "listening/studies/detail.html", context)


@access.members
@require_safe
def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    study = _study(request, pk)
    response = HttpResponse(exporting_studies.as_json(study), content_type="application/json")
    name = f"{exporting_studies.name_of(study)}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@access.members
@require_safe
def as_archive(request: HttpRequest, pk: int) -> FileResponse:
    """All of an answer to take away: numbers, figures and sounds."""
    study = _study(request, pk)
    if not study.result:
        raise Http404(f"{study} has no answer")
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    exporting_studies.archive(study, file)
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=f"{exporting_studies.name_of(study)}.zip"
    )


@access.members
@require_safe
def figure(request: HttpRequest, pk: int, name: str, form: str) -> HttpResponse:
    study = _study(request, pk)
    _, face = _known(study.kind)
    found = found_of(study) if study.result else {}
    pictures = face.figures(found) if found else {}
    if name not in pictures:
        raise Http404(f"{study} has no figure {name!r}")
    response = served(pictures[name].draw(), form)
    # a result is written once; what comes later is looked for
    still = found.keys() == study.result.keys()
    response["Cache-Control"] = f"private, max-age={3600 if still else 0}"
    return response


@access.editors
@require_POST
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a draft made that asks listeners what an ablation found."""
    study = _study(request, pk)
    if study.kind != "ablation" or not study.result:
        raise Http404(f"{study} is no ablation that is done")
    items = [int(one) for one in request.POST.getlist("item") if one.isdecimal()]
    try:
        asked = ablation_campaigns.asked_of(
            study.result, request.POST.get("method", ""), request.POST.getlist("part"), items
        )
    except StudyError as error:
        messages.error(request, f"{str(error)[0].upper()}{str(error)[1:]}.")
        return redirect(f"{study.get_absolute_url()}#listeners")
    assert isinstance(request.user, User)
    return redirect("job", ablation_campaigns.queue(study, asked, owner=request.user).pk)
