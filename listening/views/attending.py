"""Acts on one session: leave it out of the evidence, take it back in, forget its listener."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from listening import access
from listening.forgetting import ForgetError, forget
from listening.models.campaign import CampaignError
from listening.views.campaigns import visible_campaign


@access.members
@require_POST
def exclude(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Leave the session out for a reason, or, where it is out, take it back in."""
    session = get_object_or_404(visible_campaign(request, slug).sessions, pk=pk)
    reason, actor = request.POST.get("reason", ""), request.user.get_username()
    try:
        session.exclude(reason=reason, actor=actor, out=session.excluded_at is None)
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect("campaign-session", slug, pk)


@access.owners
@require_POST
def forget_listener(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    session = get_object_or_404(visible_campaign(request, slug).sessions, pk=pk)
    try:
        ratings = request.POST.get("ratings", "")
        count = forget(session.listener, ratings=ratings, actor=request.user.get_username())
        done = "deleted" if ratings == "delete" else "kept without a name"
        messages.success(request, f"The listener is forgotten; {count} ratings were {done}.")
    except ForgetError as error:
        messages.error(request, str(error))
    return redirect("campaign-sessions", slug)
