"""A campaign while it runs: the dashboard, its sessions and the time line of each."""

from __future__ import annotations

import pandas as pd
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from listening import access, admission
from listening import campaign_progress as going
from listening.alerts import alerts
from listening.arrival_figures import arrivals
from listening.models import Campaign, Rating
from listening.timeline import events
from listening.views.campaigns import visible_campaign
from listening.views.figures import served

# on a page of sessions
A_PAGE = 100


@access.members
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """The dashboard; htmx asks for its changing part again and again while the campaign is open."""
    campaign = visible_campaign(request, slug)
    standing = going.standings(campaign)
    people = [one for one in standing if not one.session.listener.simulated]
    simulated = len(standing) - len(people)
    flow = going.flow(people)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "is_open": campaign.state == Campaign.State.OPEN,
        "people": flow,
        "simulated": going.flow([one for one in standing if one.session.listener.simulated]),
        "n_simulated": simulated,
        "dropped": going.dropped_where(people),
        "arrivals": going.arrivals(people),
        "cells": going.cells(campaign),
        "times": going.times(campaign),
        "checks": going.checks(campaign),
        "playback": going.playback(campaign),
        "screening": going.screening(
            campaign, finished=sum(one.state == "finished" for one in standing)
        ),
        "alerts": alerts(campaign),
        "groups": admission.standings(campaign),
        "latest": standing[:10],
        # names the state of the figure, so that it is drawn once for each
        "drawn": f"{len(standing)}-{flow.finished}",
    }
    part = "going" if request.headers.get("HX-Request") else "progress_page"
    return render(request, f"listening/campaigns/{part}.html", context)


@access.members
@require_safe
def arrivals_figure(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    sessions = pd.DataFrame(
        campaign.sessions.values_list("created_at", "finished_at", "listener__simulated"),
        columns=["began", "finished", "simulated"],
    )
    people = sessions[~sessions["simulated"].astype(bool)]
    response = served(arrivals(people if len(people) else sessions, quota=campaign.quota), form)
    if "drawn" in request.GET:
        response["Cache-Control"] = "private, max-age=3600"
    return response


@access.members
@require_safe
def sessions(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    page = Paginator(going.standings(campaign), A_PAGE).get_page(request.GET.get("page"))
    context = {"section": "campaigns", "campaign": campaign, "page": page}
    return render(request, "listening/campaigns/sessions.html", context)


@access.members
@require_safe
def session(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A session's time line."""
    campaign = visible_campaign(request, slug)
    found = get_object_or_404(campaign.sessions.select_related("listener", "campaign"), pk=pk)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "session": found,
        "events": events(found),
        "pages": found.shown.count(),
        "done": found.shown.exclude(finished_at=None).count(),
        "ratings": Rating.objects.counted()
        .filter(page__session=found)
        .select_related("page", "stimulus__trial", "stimulus__condition")
        .order_by("page__number", "pk"),
    }
    return render(request, "listening/campaigns/session.html", context)
