"""Figures as pages and papers take them: SVG or PDF, drawn by one function from the rows as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from matplotlib.figure import Figure

from listening import chain_figures, evidence_figures, figures
from listening.analysis import correlation
from listening.analysis.frames import AnalysisError
from listening.analysis.screening import Screening, screen
from listening.block_pictures import picture_of
from listening.computed import correlation_of, metric_evidence_of, ratings_of, scores_of
from listening.drawing import rendered
from listening.evidence import in_order_of_arrival
from listening.models import Campaign
from models_registry.models import ModelVersion, TrainingRun

CONTENT_TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf"}
METRIC_PREFIX = "metric-"


@dataclass(frozen=True)
class Evidence:
    """What a campaign's figure may be drawn from."""

    campaign: Campaign
    ratings: pd.DataFrame
    screening: Screening

    @property
    def kept(self) -> pd.DataFrame:
        return self.screening.keep(self.ratings)


@dataclass(frozen=True)
class CampaignFigure:
    """A figure of the results page, drawn from what its method's campaigns hold."""

    name: str
    method: str
    section: str
    title: str
    draw: Callable[[Evidence], Figure]
    # items are many: their figure takes the page's width
    wide: bool = False


CAMPAIGN_FIGURES = (
    CampaignFigure(
        "means",
        "mushra",
        "ratings",
        "Mean rating per condition, after screening",
        lambda found: figures.condition_means(found.kept),
    ),
    CampaignFigure(
        "boxes",
        "mushra",
        "ratings",
        "Distribution of the ratings, after screening",
        lambda found: figures.box_plots(found.kept),
    ),
    CampaignFigure(
        "items",
        "mushra",
        "ratings",
        "Mean rating per item, after screening",
        lambda found: figures.item_profile(found.kept),
        wide=True,
    ),
    CampaignFigure(
        "screening",
        "mushra",
        "screening",
        "What the screening looks at, all listeners",
        lambda found: figures.screening_plot(found.ratings, found.screening),
    ),
    CampaignFigure(
        "proportions",
        "abx",
        "ratings",
        "Share of right answers, per listener and together",
        lambda found: figures.abx_proportions(found.kept),
    ),
    CampaignFigure(
        "sequence",
        "mushra",
        "progress",
        "Differences while listeners came in",
        lambda found: evidence_figures.sequence_plot(
            in_order_of_arrival(found.campaign, found.kept)
        ),
        wide=True,
    ),
    CampaignFigure(
        "league",
        "mushra",
        "league",
        "Metrics ranked by their agreement with the listeners",
        lambda found: league_figure(found.campaign),
    ),
)


def league_figure(campaign: Campaign) -> Figure:
    correlation, problem = correlation_of(campaign)
    if correlation is None:
        raise AnalysisError(problem)
    league = metric_evidence_of(campaign, correlation).league
    return evidence_figures.league_forest(league, correlation.points)


@login_required
@require_safe
def of_campaign(request: HttpRequest, slug: str, name: str, form: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), slug=slug)
    try:
        ratings = ratings_of(campaign)
        evidence = Evidence(campaign, ratings, screen(ratings, rule=campaign.screening))
        return served(campaign_figure(evidence, name), form)
    except AnalysisError as error:
        raise Http404(f"{slug}: {error}") from error


def campaign_figure(evidence: Evidence, name: str) -> Figure:
    if name.startswith(METRIC_PREFIX):
        metric = name.removeprefix(METRIC_PREFIX)
        points = correlation.join(evidence.kept, scores_of(evidence.campaign), roles=["system"])
        return figures.metric_scatter(points[points["metric"] == metric])
    for figure in CAMPAIGN_FIGURES:
        if figure.name == name and figure.method == evidence.campaign.method:
            return figure.draw(evidence)
    raise Http404(f"no figure {name!r}")


@login_required
@require_safe
def of_block(request: HttpRequest, name: str, number: int, block: str, form: str) -> HttpResponse:
    """What a block does, with the values it learned."""
    version = get_object_or_404(ModelVersion, model__name=name, number=number)
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


@login_required
@require_safe
def of_training(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """How far a training has come; pages name the number of points, so that each picture is drawn once."""
    run = get_object_or_404(TrainingRun, job=pk)
    if not run.history:
        raise Http404(f"{run} has no history yet")
    response = served(
        chain_figures.training_history(run.history, weights=run.recipe.get("loss", {})), form
    )
    if "points" in request.GET:
        response["Cache-Control"] = "private, max-age=3600"
    return response


def served(figure: Figure, form: str) -> HttpResponse:
    """The figure as SVG or PDF, the same bytes for the same rows."""
    if form not in CONTENT_TYPES:
        raise Http404(f"figures are svg or pdf, not {form!r}")
    response = HttpResponse(rendered(figure, form), content_type=CONTENT_TYPES[form])
    response["Cache-Control"] = "private, no-cache"
    return response
