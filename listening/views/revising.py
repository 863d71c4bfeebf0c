"""Acts on a campaign's setting: change what may change while it runs, revise it, delete a draft."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from listening import access, revising
from listening.exchange.errors import ExchangeError
from listening.models.campaign import CampaignError
from listening.views.campaigns import visible_campaign
from listening.views.forms import ChangeForm


@access.editors
@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Another number of listeners, in all or of a group, and other dates."""
    campaign = visible_campaign(request, slug)
    form = ChangeForm(request.POST, campaign=campaign)
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        label = form.fields[name].label or name.capitalize()
        messages.error(request, f"Nothing was changed. {label}: {problems[0]}")
        return redirect(campaign)
    asked = form.asked
    reason, actor = asked.pop("reason"), request.user.get_username()
    try:
        changed = revising.change(campaign, asked, reason=reason, actor=actor)
        messages.success(request, "Changed, and in the record." if changed else "Nothing differs.")
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@access.editors
@require_POST
def revise(request: HttpRequest, slug: str) -> HttpResponse:
    """A new draft of the same content, to change what the launch froze."""
    campaign = visible_campaign(request, slug)
    assert isinstance(request.user, User)
    try:
        made = revising.revise(
            campaign,
            reason=request.POST.get("reason", ""),
            owner=request.user,
            actor=request.user.get_username(),
        )
    except (CampaignError, ExchangeError) as error:
        messages.error(request, str(error))
        return redirect(campaign)
    messages.success(request, f"{made.slug}: a draft that revises {slug}, which stays as it is.")
    return redirect("campaign-edit", made.slug)


@access.owners
@require_POST
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    reason, actor = request.POST.get("reason", ""), request.user.get_username()
    try:
        revising.discard(campaign, reason=reason, actor=actor)
    except CampaignError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    messages.success(request, f"{slug}: the draft is deleted; its sounds stay.")
    return redirect("campaigns")
