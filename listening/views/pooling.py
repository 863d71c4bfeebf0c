"""Metrics beside listeners over several campaigns: chosen by their slugs in the address, pooled within each."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.pooling import PooledCorrelation, pool
from listening.analysis.report import WITH_MEANS
from listening.computed import correlation_of, one_state
from listening.models import Campaign
from listening.views.campaigns import visible_campaign

MEANT = [name for name, kind in METHODS.items() if kind.reading in WITH_MEANS]


@access.members
@require_safe
@one_state()
def correlation(request: HttpRequest) -> HttpResponse:
    slugs = list(dict.fromkeys(request.GET.getlist("campaign")))
    chosen = [visible_campaign(request, slug) for slug in slugs]
    found, problem = pooled(chosen) if chosen else (None, "")
    context = {
        "section": "metrics",
        "choice": access.listed(request, Campaign.objects.all()).filter(method__in=MEANT),
        "chosen": slugs,
        "found": found,
        "problem": problem,
        **(tables(found) if found else {}),
    }
    return render(request, "listening/pooled.html", context)


def pooled(campaigns: list[Campaign]) -> tuple[PooledCorrelation | None, str]:
    """The campaigns' correlations as one, or none and the reason."""
    correlations = []
    for campaign in campaigns:
        one, problem = correlation_of(campaign)
        if one is None:
            return None, f"{campaign.title}: {problem}"
        correlations.append(one)
    try:
        return pool(correlations), ""
    except AnalysisError as error:
        return None, f"No {error}."


def tables(found: PooledCorrelation) -> dict[str, Any]:
    return {
        "rows": found.pooled.to_dict("records"),
        "each": found.each.to_dict("records"),
        "left_out": found.left_out.to_dict("records"),
    }
