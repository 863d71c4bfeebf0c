"""Benchmarks as researchers make and enter them, and the leaderboard, which everyone may read where it is public."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, benchmarking, leaderboards, submissions
from listening.entry_columns import SOUND
from listening.exchange import submission_file
from listening.exporting_leaderboards import FORMS, exported, shown
from listening.freezing import BenchmarkError
from listening.leaderboard_figures import pictures
from listening.leaderboards import Board, Line
from listening.models import Benchmark, Campaign
from listening.views.benchmark_forms import EnterForm, FreezeForm, RateForm, SendForm
from listening.views.figures import served
from listening.views.uploads import refused_unread
from models_registry import standing as marks
from models_registry.models import ModelVersion

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "tex": "text/x-tex"}


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    found = access.listed(request, Benchmark.objects.newest().select_related("project"))
    context = {
        "section": "benchmarks",
        "benchmarks": found.prefetch_related("entries", "items"),
    }
    return render(request, "listening/benchmarks/index.html", context)


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_freeze`
@csrf_exempt
@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A benchmark, or with ?of=NAME@N another edition of one."""
    before = None
    if "of" in request.GET:
        before = _benchmark(request, *_named(request.GET["of"]))
    if refusal := refused_unread(request, megabytes=settings.CAMPAIGN_MB):
        status, sentence = refusal
        form = FreezeForm(standing=access.standing(request), before=before)
        return _new_page(request, form, before, status, sentence)
    return _freeze(request, before)


@csrf_protect
def _freeze(request: HttpRequest, before: Benchmark | None) -> HttpResponse:
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    form = FreezeForm(*bound, standing=access.standing(request), before=before)
    if request.method == "POST" and form.is_valid():
        made = form.frozen(actor=request.user.get_username())
        if made is not None:
            return redirect(made)
    return _new_page(request, form, before, 422 if form.errors else 200, "")


def _new_page(
    request: HttpRequest, form: FreezeForm, before: Benchmark | None, status: int, sentence: str
) -> HttpResponse:
    context = {"section": "benchmarks", "form": form, "before": before, "sentence": sentence}
    return render(request, "listening/benchmarks/new.html", context, status=status)


def _named(name: str) -> tuple[str, int]:
    slug, _, edition = name.partition("@")
    return slug, int(edition) if edition.isdecimal() and len(edition) < 10 else 0


def _benchmark(request: HttpRequest, slug: str, edition: int) -> Benchmark:
    return access.find(
        request, Benchmark.objects.select_related("project"), slug=slug, edition=edition
    )


@access.members
@require_safe
def detail(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """The leaderboard, and what there is to do."""
    return _page(request, _benchmark(request, slug, edition))


def _board(request: HttpRequest, benchmark: Benchmark) -> Board:
    """Ranked by what the address asks for (`?by=`)."""
    return leaderboards.board(benchmark, by=request.GET.get("by", ""))


def _page(
    request: HttpRequest, benchmark: Benchmark, *, status: int = 200, **forms: Any
) -> HttpResponse:
    standing = access.standing(request)
    board = _board(request, benchmark)
    context = {
        "section": "benchmarks",
        **told(board, closed=False),
        "editions": Benchmark.objects.filter(slug=benchmark.slug).exclude(pk=benchmark.pk),
        "items": benchmark.items.select_related("input", "reference"),
        "under_way": [one.entry for one in board.lines if not one.entry.job.is_over],
        "enter": EnterForm(standing=standing),
        "send": SendForm(),
        "rate": RateForm(standing=standing),
        **forms,
    }
    return render(request, "listening/benchmarks/detail.html", context, status=status)


def _marks(lines: list[Line]) -> dict[int, marks.Mark]:
    """Where the versions stand, by their keys."""
    wanted = [one.entry.version_id for one in lines if one.entry.version_id]
    versions = ModelVersion.objects.filter(pk__in=wanted).select_related("model").with_standing()
    return {one.pk: marks.of(one) for one in versions}


def told(board: Board, *, closed: bool) -> dict[str, Any]:
    """What a leaderboard's table shows; `closed` where who reads it may open nothing else."""
    rows = [
        {
            "line": line,
            "place": line.cells[board.ranked_by.name].rank,
            "cells": [
                (one, line.cells[one.name], shown(line.cells[one.name], one))
                for one in board.columns
            ],
            "remarks": [
                (one.title, line.cells[one.name].said)
                for one in board.columns
                if line.cells[one.name].said
            ],
        }
        for line in board.lines
    ]
    return {
        "benchmark": board.benchmark,
        "board": board,
        "rows": rows,
        "pictures": pictures(board),
        "ranking": [one for one in board.columns if one.group == SOUND and one.higher is not None],
        "closed": closed,
        "marks": _marks(board.lines),
    }


@access.members
@require_safe
def export(request: HttpRequest, slug: str, edition: int, form: str) -> HttpResponse:
    return _exported(request, _benchmark(request, slug, edition), form)


def _exported(request: HttpRequest, benchmark: Benchmark, form: str) -> HttpResponse:
    if form not in FORMS:
        raise Http404(f"leaderboards are {', '.join(FORMS)}, not {form!r}")
    content = exported(_board(request, benchmark), form)
    response = HttpResponse(content, content_type=CONTENT_TYPES[form])
    name = f"{benchmark.slug}-{benchmark.edition}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@access.members
@require_safe
def figure(request: HttpRequest, slug: str, edition: int, name: str, form: str) -> HttpResponse:
    return _drawn(request, _benchmark(request, slug, edition), name, form)


def _drawn(request: HttpRequest, benchmark: Benchmark, name: str, form: str) -> HttpResponse:
    drawn = pictures(_board(request, benchmark))
    if name not in drawn:
        raise Http404(f"no figure {name!r}")
    return served(drawn[name].draw(), form)


@access.members
@require_safe
def kit(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """What another team needs to take part."""
    benchmark = _benchmark(request, slug, edition)
    response = HttpResponse(submissions.kit(benchmark), content_type="application/zip")
    name = f"{benchmark.slug}-{benchmark.edition}-kit.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@access.members
@require_POST
def enter(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """Let a version take part."""
    benchmark = _benchmark(request, slug, edition)
    form = EnterForm(request.POST, standing=access.standing(request))
    if form.is_valid() and form.entered(benchmark, actor=request.user.get_username()):
        return redirect(benchmark)
    return _page(request, benchmark, status=422, enter=form)


@csrf_exempt
@access.members
@require_POST
def send(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """Take part with outputs in a zip."""
    benchmark = _benchmark(request, slug, edition)
    if refusal := refused_unread(request, megabytes=settings.CAMPAIGN_MB):
        status, sentence = refusal
        return _page(request, benchmark, status=status, sentence=sentence)
    return _sent(request, benchmark)


@csrf_protect
def _sent(request: HttpRequest, benchmark: Benchmark) -> HttpResponse:
    form = SendForm(request.POST, request.FILES)
    if form.is_valid() and form.submitted(benchmark, actor=request.user.get_username()):
        return redirect(benchmark)
    return _page(request, benchmark, status=422, send=form)


@access.members
@require_POST
def withdraw(request: HttpRequest, slug: str, edition: int, pk: int) -> HttpResponse:
    """Take an entry off the leaderboard, for a reason that stands there."""
    benchmark = _benchmark(request, slug, edition)
    entry = get_object_or_404(benchmark.entries, pk=pk)
    try:
        reason = request.POST.get("reason", "")
        benchmarking.withdraw(entry, reason=reason, actor=request.user.get_username())
    except BenchmarkError as error:
        messages.error(request, str(error)[0].upper() + str(error)[1:] + ".")
    else:
        messages.success(request, f"{entry.name} is withdrawn; the reason stands below.")
    return redirect(benchmark)


@access.members
@require_POST
def rate(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """Take a campaign's ratings in, or draft a campaign of all entries."""
    benchmark = _benchmark(request, slug, edition)
    form = RateForm(request.POST, standing=access.standing(request))
    assert isinstance(request.user, User)
    if form.is_valid():
        campaign = form.rated(benchmark, owner=request.user)
        if isinstance(campaign, Campaign):
            return redirect(campaign if form.cleaned_data["campaign"] is None else benchmark)
    return _page(request, benchmark, status=422, rate=form)


@access.owners
@require_POST
def publish(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """Show the page to everyone, or no longer."""
    benchmark = _benchmark(request, slug, edition)
    shown_now = request.POST.get("shown") == "yes"
    benchmarking.publish(benchmark, shown=shown_now, actor=request.user.get_username())
    if shown_now:
        messages.success(request, "Everyone who has the address can read the leaderboard now.")
    return redirect(benchmark)


# for everyone


def _public(slug: str, edition: int) -> Benchmark:
    return get_object_or_404(Benchmark.objects.public(), slug=slug, edition=edition)


@require_safe
def public(request: HttpRequest, slug: str, edition: int) -> HttpResponse:
    """The leaderboard alone, read-only, without sounds."""
    board = _board(request, _public(slug, edition))
    return render(request, "listening/benchmarks/public.html", told(board, closed=True))


@require_safe
def public_export(request: HttpRequest, slug: str, edition: int, form: str) -> HttpResponse:
    return _exported(request, _public(slug, edition), form)


@require_safe
def public_figure(
    request: HttpRequest, slug: str, edition: int, name: str, form: str
) -> HttpResponse:
    return _drawn(request, _public(slug, edition), name, form)


@require_safe
def submission_schema(request: HttpRequest) -> JsonResponse:
    """The JSON Schema of a submission's manifest; other teams have no account."""
    return JsonResponse(
        submission_file.schema(), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
