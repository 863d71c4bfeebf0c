"""A draft before it opens: what the lint finds, what a click mends, and the launch with its warnings read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from listening import access, drafting, linting, measuring, mending
from listening.models.campaign import CampaignError
from listening.views.campaigns import visible_campaign
from models_registry.teams import Role


@access.members
@require_safe
def lint(request: HttpRequest, slug: str) -> HttpResponse:
    """The findings; the campaign's page asks for this part once it is shown, since sounds take their time to read."""
    campaign = visible_campaign(request, slug)
    part = request.headers.get("HX-Request")
    job = drafting.at_work(campaign)
    if job or drafting.is_unmeasured(campaign):
        n = len(measuring.lacking(campaign))
        waiting = {"section": "campaigns", "campaign": campaign, "job": job, "n": n}
        template = "measuring.html" if part else "measuring_page.html"
        return render(request, f"listening/campaigns/{template}", waiting)
    found = linting.findings(campaign)
    context: dict[str, Any] = {
        "section": "campaigns",
        "campaign": campaign,
        "errors": [finding for finding in found if finding.severity == "error"],
        "warnings": [finding for finding in found if finding.severity == "warning"],
        "mends": {finding.mend: mending.TITLES[finding.mend] for finding in found if finding.mend},
    }
    template = "listening/campaigns/lint.html" if part else "listening/campaigns/lint_page.html"
    return render(request, template, context)


@access.members
@require_POST
def mend(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    name, actor = request.POST.get("act", ""), request.user.get_username()
    if name in mending.ACTS and drafting.is_long(campaign):
        # its progress is shown where the lint's findings stand
        drafting.queue_mending(campaign, name, actor=actor)
        return redirect(campaign)
    try:
        done = mending.mend(campaign, name, actor=actor)
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
def measure(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the sounds measured by a job; the lint's part of the campaign's page shows how far it is."""
    campaign = visible_campaign(request, slug)
    drafting.queue_measuring(campaign, actor=request.user.get_username())
    return redirect(campaign)


@access.members
@require_POST
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    """Open it to listeners; over warnings only an owner does, and which they were goes into the record."""
    campaign = visible_campaign(request, slug)
    if drafting.at_work(campaign) or drafting.is_unmeasured(campaign):
        messages.error(request, "Not every sound is measured yet: have them measured first.")
        return redirect(campaign)
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
