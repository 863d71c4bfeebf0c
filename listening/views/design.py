"""Who hears what, in which order: a campaign's design as it is planned, and as completed sessions filled it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access, balance
from listening.models import Campaign
from listening.scheme import Scheme
from listening.views.campaigns import visible_campaign
from listening.views.figures import as_csv


class SessionsForm(forms.Form):
    """For how many completed sessions to count."""

    sessions = forms.IntegerField(
        min_value=1, max_value=balance.MOST_SESSIONS, required=False, label="Completed sessions"
    )


@access.members
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    form = SessionsForm(request.GET or None)
    asked = form.cleaned_data.get("sessions") if form.is_valid() else None
    context: dict[str, Any] = {"section": "campaigns", "campaign": campaign, "form": form}
    context["problems"] = campaign.problems() if campaign.state == Campaign.State.DRAFT else []
    if not context["problems"]:
        context |= found_for(campaign, asked)
    return render(request, "listening/campaigns/design.html", context)


@access.members
@require_safe
def table(request: HttpRequest, slug: str) -> HttpResponse:
    """How often each condition of each item stands in each place, as CSV."""
    campaign = visible_campaign(request, slug)
    form = SessionsForm(request.GET)
    if not form.is_valid() or campaign.design_problems():
        raise Http404("no such plan")
    sessions = form.cleaned_data["sessions"] or _usual(campaign, balance.round_of(campaign))
    planned = balance.counted(campaign, balance.planned(campaign, sessions))
    return as_csv(planned.stimulus_places, f"{slug}-design.csv")


def _usual(campaign: Campaign, whole: int) -> int:
    """For how many sessions to count where nothing is said."""
    return min(campaign.quota or whole, balance.MOST_SESSIONS)


def found_for(campaign: Campaign, sessions: int | None) -> dict[str, Any]:
    """The planned balance after `sessions`, and what finished sessions have done of it."""
    whole = balance.round_of(campaign)
    sessions = sessions or _usual(campaign, whole)
    planned = balance.counted(campaign, balance.planned(campaign, sessions))
    context: dict[str, Any] = {
        "scheme": Scheme.of(campaign.design),
        "whole": whole,
        "planned": planned,
        "planned_tables": balance.tables(planned),
        "next_whole": -(-sessions // whole) * whole,
    }
    if campaign.state != Campaign.State.DRAFT and balance.completed(campaign).exists():
        done = balance.counted(campaign, balance.realised(campaign))
        context |= {
            "done": done,
            "done_tables": balance.tables(done),
            "beyond": balance.beyond(campaign),
        }
    return context
