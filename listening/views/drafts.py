"""A draft before it opens: what the lint finds, what a click mends, and the launch with its warnings read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from listening import access, linting, mending
from listening.models.campaign import CampaignError
from listening.views.campaigns import visible_campaign
from models_registry.teams import Role


@access.members
@require_safe
def lint(request: HttpRequest, slug: str) -> HttpResponse:
    """The findings; the campaign's page asks for this part once it is shown, since sounds take their time to read."""
    campaign = visible_campaign(request, slug)
    found = linting.findings(campaign)
    context: dict[str, Any] = {
        "section": "campaigns",
        "campaign": campaign,
        "errors": [finding for finding in found if finding.severity == "error"],
        "warnings": [finding for finding in found if finding.severity == "warning"],
        "mends": {finding.mend: mending.TITLES[finding.mend] for finding in found if finding.mend},
    }
    part = request.headers.get("HX-Request")
    template = "listening/campaigns/lint.html" if part else "listening/campaigns/lint_page.html"
    return render(request, template, context)


@access.members
@require_POST
def mend(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    name = request.POST.get("act", "")
    try:
        done = mending.mend(campaign, name, actor=request.user.get_username())
        messages.success(request, f"{mending.TITLES[name]}: {_said(done)}")
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


def _said(done: dict[str, str]) -> str:
    if not done:
        return "nothing had to be changed."
    first = "; ".join(f"{where} {what}" for where, what in list(done.items())[:3])
    return first + (f"; and {len(done) - 3} more." if len(done) > 3 else ".")


@access.members
@require_POST
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    """Open it to listeners; over warnings only an owner does, and which they were goes into the record."""
    campaign = visible_campaign(request, slug)
    found = linting.summary(linting.findings(campaign))
    if found and not request.POST.get("despite"):
        messages.error(
            request,
            "The lint warns of something: mend it, or say below that you launch all the same.",
        )
        return redirect(campaign)
    if found:
        access.standing(request).require(campaign.project, Role.OWNER)
    try:
        campaign.launch(actor=request.user.get_username(), overridden=found)
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)
