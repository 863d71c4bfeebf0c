"""A researcher's view of listening tests: what is running, what came out, and the acts of opening and closing."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.views.forms import ReasonForm
from models_registry import jobs


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    campaigns = Campaign.objects.visible_to(request.user).annotate(
        n_listeners=Count("listeners", distinct=True),
        n_simulated=Count("listeners", filter=Q(listeners__simulated=True), distinct=True),
        n_finished=Count("sessions", filter=Q(sessions__finished_at__isnull=False), distinct=True),
    )
    context = {"section": "campaigns", "campaigns": campaigns}
    return render(request, "listening/campaigns/index.html", context)


def visible_campaign(request: HttpRequest, slug: str) -> Campaign:
    """The campaign, or 404 for whoever may not know that it exists."""
    return get_object_or_404(Campaign.objects.visible_to(request.user), slug=slug)


@login_required
@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "problems": campaign.protocol.problems(campaign) if campaign.state == "draft" else [],
        "reason_form": ReasonForm(),
    }
    return render(request, "listening/campaigns/detail.html", context)


@login_required
@require_POST
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    try:
        campaign.launch(actor=request.user.get_username())
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@login_required
@require_POST
def close(request: HttpRequest, slug: str) -> HttpResponse:
    campaign, form = visible_campaign(request, slug), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A campaign is closed for a reason: say why.")
        return redirect(campaign)
    try:
        campaign.close(actor=request.user.get_username(), reason=form.cleaned_data["reason"])
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@login_required
@require_POST
def score(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    arguments = {"campaign": campaign.slug, "actor": request.user.get_username()}
    return redirect("job", jobs.enqueue("score-campaign", arguments).pk)
