"""Make links that are each for one session, and download them with what became of each."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from listening import access, inviting
from listening.views.campaigns import visible_campaign
from listening.views.forms import InvitationForm
from models_registry import audit


@access.editors
@require_POST
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    campaign, form = visible_campaign(request, slug), InvitationForm(request.POST)
    if not form.is_valid():
        problem = next(iter(form.errors.values()))[0]
        messages.error(request, f"No invitations were made: {problem}")
        return redirect(campaign)
    asked = form.cleaned_data
    days = asked["days"]
    try:
        made = inviting.invite(
            campaign,
            asked["count"],
            expires_at=now() + timedelta(days=days) if days else None,
            only=asked["only"],
            group=asked["group"],
            actor=request.user.get_username(),
        )
        messages.success(request, f"{len(made)} invitations were made: download the list.")
    except inviting.InvitationError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@access.editors
@require_safe
def links(request: HttpRequest, slug: str) -> HttpResponse:
    """Every invitation of the campaign as CSV."""
    campaign = visible_campaign(request, slug)
    site = request.build_absolute_uri("/")
    rows = inviting.table(campaign.invitations.select_related("campaign"), site=site)
    content = inviting.as_csv(rows)
    # the file opens sessions: who took it is to be known
    said = {"format": "invitations"} | audit.fingerprint(content)
    audit.record("export", campaign, actor=request.user.get_username(), content=said)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{campaign.slug}-invitations.csv"'
    return response
