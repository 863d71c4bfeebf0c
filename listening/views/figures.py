"""Figures as pages and papers take them: SVG or PDF, drawn by one function from the rows as they are now."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from matplotlib.figure import Figure

from listening import access, chain_figures, monitor_figures
from listening.analysis.frames import AnalysisError
from listening.block_pictures import picture_of
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figure_named
from listening.computed import one_state
from listening.drawing import rendered
from listening.exchange.tables import csv_bytes
from listening.models import Campaign
from listening.portraits import portrait
from listening.understanding import Picture
from models_registry import watch
from models_registry.models import ModelVersion, TrainingRun

CONTENT_TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}


@access.members
@require_safe
@one_state()
def of_campaign(request: HttpRequest, slug: str, name: str, form: str) -> HttpResponse:
    """A figure as a picture, or the table behind it as CSV."""
    campaign = access.find(request, Campaign.objects.all(), slug=slug)
    evidence = Evidence(campaign)
    try:
        figure = figure_named(name, evidence)
        if figure is None:
            raise Http404(f"no figure {name!r}")
        if form == "csv":
            return as_csv(figure.data(evidence), f"{slug}-{name}.csv")
        return sent(lambda: figure.picture(evidence, form), form)
    except AnalysisError as error:
        raise Http404(f"{slug}: {error}") from error


def as_csv(table: pd.DataFrame, name: str) -> HttpResponse:
    response = HttpResponse(csv_bytes(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@access.members
@require_safe
def of_block(request: HttpRequest, name: str, number: int, block: str, form: str) -> HttpResponse:
    """What a block does, with the values it learned."""
    version = access.find(
        request, ModelVersion.objects.select_related("model"), model__name=name, number=number
    )
    try:
        chain = version.load()
        drawn = block_figure(chain, block)
    except (OSError, ValueError) as error:
        raise Http404(f"{version}: {error}") from error
    return served(drawn, form)


def block_figure(chain: object, block: str) -> Figure:
    picture = picture_of(chain, block)
    if picture is None:
        raise Http404(f"no figure of block {block!r}")
    return picture.draw(chain, block)


@access.members
@require_safe
def of_block_by_itself(
    request: HttpRequest, name: str, number: int, block: str, figure: str, form: str
) -> HttpResponse:
    """One of the figures of a block's own page."""
    pictures = block_pictures(request, name, number, block)[1]
    if figure not in pictures:
        raise Http404(f"no figure {figure!r} of block {block!r}")
    return served(pictures[figure].draw(), form)


def block_pictures(
    request: HttpRequest, name: str, number: int, block: str
) -> tuple[ModelVersion, dict[str, Picture]]:
    """The version and all figures of one of its blocks, whatever goes through it; raises `Http404`."""
    version = access.find(
        request, ModelVersion.objects.select_related("model"), model__name=name, number=number
    )
    try:
        return version, portrait(version, block)
    except ValueError as error:
        raise Http404(str(error)) from error


@access.members
@require_safe
def of_training(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """How far a training has come; pages name the number of points, so that each picture is drawn once."""
    run = access.find(request, TrainingRun.objects.select_related("model__project"), job=pk)
    if not run.history:
        raise Http404(f"{run} has no history yet")
    response = served(
        chain_figures.training_history(run.history, weights=run.recipe.get("loss", {})), form
    )
    if "points" in request.GET:
        response["Cache-Control"] = "private, max-age=3600"
    return response


@access.members
@require_safe
def of_monitors(request: HttpRequest, pk: int, figure: str, form: str) -> HttpResponse:
    """What was watched in a training; pages name the number of points, so that each picture is drawn once."""
    run = access.find(request, TrainingRun.objects.select_related("model__project"), job=pk)
    if figure not in monitor_figures.CAPTIONS or not run.history:
        raise Http404(f"{run} has no figure {figure!r}")
    draw: dict[str, Callable[[], Figure]] = {
        "monitors": lambda: monitor_figures.monitors(
            run.history, watch.limits(run.recipe.get("limits", {}))
        ),
        "bands": lambda: monitor_figures.bands(run.history),
        "parameters": lambda: monitor_figures.parameters(run.history, _units(run)),
        "gradients": lambda: monitor_figures.gradients(run.history),
    }
    try:
        response = served(draw[figure](), form)
    except ValueError as error:
        raise Http404(str(error)) from error
    if "points" in request.GET:
        response["Cache-Control"] = "private, max-age=3600"
    return response


def _units(run: TrainingRun) -> dict[str, str]:
    """Units by parameter, once there is a version that says them."""
    version = ModelVersion.objects.filter(run=run).first()
    readings = version.card.get("readings", []) if version else []
    return {reading["name"]: reading.get("unit", "") for reading in readings}


def served(figure: Figure, form: str) -> HttpResponse:
    """The figure as SVG, PDF or PNG, the same bytes for the same rows."""
    return sent(lambda: rendered(figure, form), form)


def sent(picture: Callable[[], bytes], form: str) -> HttpResponse:
    """What `picture` makes, where there is such a form."""
    if form not in CONTENT_TYPES:
        raise Http404(f"figures are svg, pdf or png, not {form!r}")
    response = HttpResponse(picture(), content_type=CONTENT_TYPES[form])
    response["Cache-Control"] = "private, no-cache"
    return response
