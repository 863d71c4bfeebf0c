"""The editor of a draft: fields to fill in, and the whole document as text, two faces of one description."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listening import access, composing, editing, previewing
from listening.composing import ChangedMeanwhile
from listening.editing import Face
from listening.exchange import campaign_document
from listening.exchange.documents import Document
from listening.exchange.errors import ExchangeError
from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.parts import planned_pages
from listening.plan import part_names
from listening.views.campaigns import visible_campaign


@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """The fields; moving, adding and removing parts of the plan changes the page, saving changes the draft."""
    campaign = visible_campaign(request, slug)
    if refusal := _not_a_draft(request, campaign):
        return refusal
    base = composing.describe(campaign)
    if request.method != "POST":
        face = editing.from_data(base, campaign.protocol)
        return _fields_page(request, campaign, face, started_from=composing.content_hash(campaign))
    face = editing.from_form(request.POST.dict(), base, campaign.protocol)
    started_from = request.POST.get("started_from", "")
    if face.change(request.POST.get("act", "")):
        return _fields_page(
            request, campaign, face.numbered(), started_from=started_from, unsaved=True
        )
    data, problems = face.data(base)
    if not problems:
        problems, conflict = _saved(request, campaign, data, started_from)
        if not problems:
            return redirect("campaign-edit", slug)
        return _fields_page(
            request, campaign, face, started_from=started_from, problems=problems, conflict=conflict
        )
    return _fields_page(request, campaign, face, started_from=started_from, problems=problems)


@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """The whole campaign as text."""
    campaign = visible_campaign(request, slug)
    if refusal := _not_a_draft(request, campaign):
        return refusal
    text = campaign_document.dump(composing.describe(campaign), form="yaml")
    started_from, problems, conflict = composing.content_hash(campaign), [], False
    if request.method == "POST":
        text, started_from = request.POST.get("text", ""), request.POST.get("started_from", "")
        try:
            parsed = campaign_document.parse(text, name=f"{slug}.yaml")
        except ExchangeError as error:
            problems = str(error).splitlines()
        else:
            problems, conflict = _saved(request, campaign, parsed, started_from)
            if not problems:
                return redirect("campaign-document", slug)
    context = {"text": text, "rows": min(60, text.count("\n") + 4), "face": "text"}
    return _page(request, campaign, context, started_from, problems, conflict)


@access.members
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Every page of a listener's way; POST opens one of them, in a copy that never counts."""
    campaign = visible_campaign(request, slug)
    problems = campaign.problems()
    if request.method == "POST" and not problems:
        number = request.POST.get("page", "")
        session = previewing.session_at(campaign, int(number) if number.isdecimal() else 1)
        return redirect(session)
    pages = [] if problems else list(planned_pages(campaign, campaign.seed))
    context = {"section": "campaigns", "campaign": campaign, "problems": problems, "pages": pages}
    return render(request, "listening/campaigns/preview.html", context)


def _saved(
    request: HttpRequest, campaign: Campaign, content: Any, started_from: str
) -> tuple[list[str], bool]:
    """What keeps the content from being saved, and whether that is somebody else's change."""
    try:
        if not isinstance(content, Document):
            checked = campaign_document.checked(content, name=campaign.slug)
            content = Document(campaign.slug, checked)
        actor = request.user.get_username()
        composing.replace(
            campaign, content, started_from=started_from, person=request.user, actor=actor
        )
    except ChangedMeanwhile as error:
        return [f"{error}. Nothing was saved, and nothing of yours is lost: it stands below."], True
    except ExchangeError as error:
        return str(error).splitlines(), False
    except CampaignError as error:
        return [str(error)], False
    messages.success(request, "Saved.")
    return [], False


def _not_a_draft(request: HttpRequest, campaign: Campaign) -> HttpResponse | None:
    if campaign.state == Campaign.State.DRAFT:
        return None
    messages.error(
        request, f"{campaign.slug}: expected a draft to change, found it {campaign.state}."
    )
    return redirect(campaign)


def _fields_page(
    request: HttpRequest,
    campaign: Campaign,
    face: Face,
    *,
    started_from: str,
    problems: list[str] | None = None,
    conflict: bool = False,
    unsaved: bool = False,
) -> HttpResponse:
    context = {"fields": face, "face": "fields", "unsaved": unsaved, "part_names": part_names()}
    return _page(request, campaign, context, started_from, problems or [], conflict)


def _page(
    request: HttpRequest,
    campaign: Campaign,
    context: dict[str, Any],
    started_from: str,
    problems: list[str],
    conflict: bool,
) -> HttpResponse:
    current = Campaign.objects.get(pk=campaign.pk)
    shared = {
        "section": "campaigns",
        "campaign": current,
        "started_from": started_from,
        "problems": problems,
        "conflict": conflict,
        "current_hash": composing.content_hash(current) if conflict else "",
        "current_text": campaign_document.dump(composing.describe(current), form="yaml")
        if conflict
        else "",
    }
    status = 409 if conflict else 422 if problems else 200
    return render(request, "listening/campaigns/edit.html", shared | context, status=status)
