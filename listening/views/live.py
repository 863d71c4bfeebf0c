"""The page that a listener would meet, drawn beside the editor of a draft from what stands in its fields unsaved."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_POST

from listening import access, composing, document_settings, editing, previewing
from listening.exchange import campaign_document
from listening.exchange.campaign_document import Data
from listening.exchange.errors import ExchangeError
from listening.models import Campaign
from listening.parts import PlannedPage, planned_pages
from listening.views.campaigns import visible_campaign
from listening.views.listener import render_current, render_welcome

# of a list to choose from; further pages look like those before
MOST_PAGES = 300
# of a draft; what else a document says is seen once it is saved
SAVED_FIRST = ("conditions", "items", "slug", "method")


@access.editors
@require_POST
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """The page asked for (0: the welcome), or, where the fields are not right, what is wrong with them."""
    campaign = visible_campaign(request, slug)
    problems, context = [f"{slug} is no draft any more."], {}
    if campaign.state == Campaign.State.DRAFT:
        base = composing.describe(campaign)
        data, problems = _said(request, campaign, base)
        if not problems:
            with previewing.as_if(campaign, document_settings.settings_of(data)) as draft:
                problems = draft.problems()
                if not problems:
                    context = _picture(request, draft)
        if any(data.get(key) != base.get(key) for key in SAVED_FIRST):
            context["note"] = "Other sounds, conditions or names are seen once they are saved."
    context |= {"campaign": campaign, "problems": problems[:5]}
    response = render(request, "listening/campaigns/live.html", context)
    if problems:
        # what was drawn last stays, with the reason beside
        response["HX-Reswap"] = "none"
    return response


def _said(request: HttpRequest, campaign: Campaign, base: Data) -> tuple[Data, list[str]]:
    """The document that the fields, or the text, stand for, and what is wrong with it."""
    try:
        if "text" in request.POST:
            text = request.POST["text"]
            data = campaign_document.parse(text, name=f"{campaign.slug}.yaml").data
        else:
            face = editing.from_form(request.POST.dict(), base, campaign.protocol)
            data, problems = face.data(base)
            if problems:
                return base, problems
            data = campaign_document.checked(data, name=campaign.slug)
    except ExchangeError as error:
        return base, str(error).splitlines()
    return data, [what for _, what in document_settings.setting_problems(data)]


def _picture(request: HttpRequest, draft: Campaign) -> dict[str, Any]:
    """The page as HTML, and the list of pages that it is of."""
    planned = list(planned_pages(draft, draft.seed, row=0))
    asked = request.POST.get("page", "")
    number = min(int(asked), len(planned) + 1) if asked.isdecimal() else _first_rating(planned)
    with translation.override(draft.language or "en"):
        if number == 0:
            drawn = render_welcome(request, draft, still=True)
        else:
            session = previewing.drawn_session(draft, planned, number)
            drawn = render_current(request, session, still=True)
    shown = islice(enumerate(planned, start=1), MOST_PAGES)
    return {
        "html": drawn.content.decode(),
        "number": number,
        "pages": [(place, page) for place, page in shown],
        "last": len(planned) + 1,
        "wide": request.POST.get("as") != "phone",
    }


def _first_rating(planned: list[PlannedPage]) -> int:
    """Where a draft is most itself."""
    return next((n for n, page in enumerate(planned, start=1) if page.kind == "rating"), 0)
