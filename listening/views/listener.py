"""What a listener's browser may ask for: the invitation, the current page and its sounds.

Nothing here names a condition, an item or a file. A session's token is the only key to it.
"""

from __future__ import annotations

import io
import re
import secrets
import uuid
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from listening import admission, certificates, sessions, telemetry
from listening.admission import NotOpen
from listening.delivery import stimulus_wav
from listening.headphones import TESTS
from listening.languages import speak_one_of
from listening.methods.base import Gates, current_ratings
from listening.models import Campaign, Invitation, Page, Session, Slot
from listening.parts import last_answer, planned_pages, volume_set
from listening.plan import part_named
from listening.renewal import renew
from listening.views.audio import ranged
from listening.views.finding import (
    gone,
    later,
    malformed,
    not_found,
    refused,
    session_at,
)
from listening.views.origin import from_own_pages
from listening.views.parts import show_part

# what Prolific puts into a study's link
RECRUITER_KEYS = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
# of a campaign that takes each browser once
BROWSER_TOKEN = re.compile(r"[0-9a-f]{32}")
COOKIE_S = 365 * 24 * 3600
RECRUITER_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@from_own_pages
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """What an open campaign is about; POST is consent, and starts a session."""
    campaign = Campaign.objects.filter(slug=slug).exclude(state=Campaign.State.DRAFT).first()
    if campaign is None:
        return not_found(request, _("There is no listening test at this address."))
    speak_one_of(campaign)
    recruited = recruiter_codes(request)
    if recruited is None:
        return malformed(request)
    recruit = recruited.pop("PROLIFIC_PID", "")
    if known := sessions.session_of(campaign, recruit):
        return redirect(known)
    if campaign.invited_only and not recruit:
        return gone(request, _("This listening test takes listeners by personal links alone."))
    if campaign.once_per_browser and not recruit:
        return once_per_browser(request, campaign, recruited)
    return admit(request, campaign, recruit, recruited)


def once_per_browser(
    request: HttpRequest, campaign: Campaign, recruited: dict[str, str]
) -> HttpResponse:
    """The welcome, or the session that this browser began; it knows itself by a cookie that says nothing else."""
    name = f"once-{campaign.slug}"
    token = request.COOKIES.get(name, "")
    if not BROWSER_TOKEN.fullmatch(token):
        token = secrets.token_hex(16)
    code = f"browser:{token}"
    if known := sessions.session_of(campaign, code):
        return redirect(known)
    response = admit(request, campaign, code, recruited)
    response.set_cookie(
        name,
        token,
        max_age=COOKIE_S,
        path=reverse("welcome", args=[campaign.slug]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def turned_away(request: HttpRequest, refusal: NotOpen) -> HttpResponse:
    """Why nobody new can begin, in a listener's words."""
    day = date_format(localtime(refusal.when), "DATETIME_FORMAT") if refusal.when else ""
    zone = f"{localtime(refusal.when):%Z}" if refusal.when else ""
    when = {"day": f"{day} {zone}"}
    if refusal.why == "paused":
        return later(
            request, _("This listening test is paused. Please open this link again later.")
        )
    if refusal.why == "early":
        return later(
            request, _("This listening test begins on %(day)s. Please come back then.") % when
        )
    sentences = {
        "late": _("This listening test ended on %(day)s. It takes no more listeners.") % when,
        "closed": _("This listening test is over. It takes no more listeners."),
        "full": _("This listening test has found all the listeners it needs."),
        "group": _("This listening test has found all the listeners of your group that it needs."),
    }
    return gone(request, sentences[refusal.why])


@from_own_pages
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """The welcome of one who was invited by a link for one session."""
    found = (
        Invitation.objects.filter(campaign__slug=slug, code=code).select_related("campaign").first()
    )
    if found is None or found.campaign.state == Campaign.State.DRAFT:
        return not_found(request, _("There is no invitation at this address."))
    speak_one_of(found.campaign)
    if known := found.session:
        if known.ending:
            return gone(request, _("This link was for one session, and that session is over."))
        return redirect(known)
    if found.has_expired:
        return gone(request, _("This invitation has expired."))
    return admit(request, found.campaign, found.external_code, {}, group=found.group)


def admit(
    request: HttpRequest,
    campaign: Campaign,
    external_code: str,
    external: dict[str, str],
    *,
    group: str = "",
) -> HttpResponse:
    """Show what `campaign` is about to whom a link has brought; POST starts their session."""
    try:
        admission.check(campaign)
        if admission.group_is_full(campaign, group):
            raise NotOpen(campaign, "group", "full")
        if request.method == "POST":
            return redirect(
                sessions.start(
                    campaign, external_code=external_code, external=external, group=group
                )
            )
    except NotOpen as refusal:
        return turned_away(request, refusal)
    spared = certificates.places(certificates.held(campaign, external_code))
    return render_welcome(request, campaign, spared=spared)


def render_welcome(
    request: HttpRequest, campaign: Campaign, *, spared: Collection[int] = (), still: bool = False
) -> HttpResponse:
    """What the campaign is about; `still` is a picture of the page, without scripts."""
    campaign = campaign.in_language(get_language() or "")
    context = {
        "still": still,
        "campaign": campaign,
        "languages": campaign.languages or list(dict(settings.LANGUAGES)),
        "instructions": campaign.instructions or campaign.protocol.default_instructions,
        "pages": sum(1 for _ in planned_pages(campaign, seed=0, spared=spared)),
        "asks_consent": part_named(campaign.plan, "consent"),
    }
    return render(request, "listening/listener/welcome.html", context)


def recruiter_codes(request: HttpRequest) -> dict[str, str] | None:
    """What the recruiter's link says of the listener; None where it is no code."""
    found = {key: request.GET[key] for key in RECRUITER_KEYS if key in request.GET}
    return found if all(RECRUITER_CODE.fullmatch(code) for code in found.values()) else None


@never_cache
@require_safe
def session(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """The first page not yet finished, as the listener left it; after the last, thanks."""
    found = session_at(token)
    if found is None:
        return not_found(request, _("There is no session at this address."))
    renew(found)
    if not found.ending:
        found.take_row_back()
    return render_current(request, found)


def render_current(request: HttpRequest, found: Session, *, still: bool = False) -> HttpResponse:
    """Where the session stands; `still` is a picture of the page, without scripts."""
    page = found.current_page()
    if page is None:
        said = (part_named(found.campaign.plan, "finish") or {}).get(found.ending, {})
        context = {"session": found, "said": said, "still": still}
        return render(request, "listening/listener/ended.html", context)
    if page.is_judged or page.kind in SOUND_TEMPLATES:
        return render_sounds(request, found, page, still=still)
    return show_part(request, found, page, still=still)


def damaged(request: HttpRequest, rest: str) -> HttpResponse:
    """What no listener's address looks like; `rest` is what follows /t/ or /s/."""
    return malformed(request, status=404)


# the parts that play, by kind
SOUND_TEMPLATES = {
    Page.Kind.VOLUME: "listening/listener/volume.html",
    Page.Kind.HEADPHONES: "listening/listener/headphones.html",
    Page.Kind.DIGITS: "listening/listener/digits.html",
}


def render_sounds(
    request: HttpRequest, found: Session, page: Page, *, still: bool = False
) -> HttpResponse:
    """A page with a player."""
    method = found.campaign.protocol
    slots = sessions.slots_of(page)
    context = {
        "still": still,
        "session": found,
        "page": page,
        "place": page.place,
        "pages": found.shown.count(),
        "is_last": not found.pages_ahead().exclude(pk=page.pk).exists(),
        "slots": slots,
        "instructions": found.campaign.instructions or method.default_instructions,
        "for_player": for_player(found, page, slots, given_so_far(found, page, slots)),
    }
    if page.kind == Page.Kind.HEADPHONES:
        test = TESTS[page.content["test"]]
        words = {"left": _("On the left"), "right": _("On the right"), "both": _("On both sides")}
        context["test"] = test
        context["answers"] = [(answer, words.get(answer, answer)) for answer in test.answers]
    template = method.template if page.is_judged else SOUND_TEMPLATES[Page.Kind(page.kind)]
    return render(request, template, context)


def given_so_far(found: Session, page: Page, slots: list[Slot]) -> dict[str, Any]:
    """The answers of the page, by the label of their slot."""
    if page.is_judged:
        return found.campaign.protocol.answers(slots, current_ratings(page))
    # a part that plays has one sound and one answer
    return dict(zip([slots[0].label], last_answer(page).values(), strict=False))


def for_player(
    found: Session, page: Page, slots: list[Slot], answers: dict[str, Any]
) -> dict[str, Any]:
    """What the player needs to know, and nothing else."""
    visits = [visit.body for visit in page.visits.all()]
    heard, ended = telemetry.heard(visits), telemetry.ended(visits)
    return {
        "session": str(found.token),
        "page": page.number,
        "practice": page.kind == Page.Kind.TRAINING,
        "told": sessions.told(page),
        "level": volume_set(found),
        "gates": asdict(found.campaign.gates if page.is_judged else Gates()),
        # one for all: a trial that mixes rates cannot be launched
        "rate": slots[0].rate,
        "responses": reverse("responses", args=[found.token]),
        "visit": reverse("visit", args=[found.token, page.number]),
        "finish": reverse("finish-page", args=[found.token, page.number]),
        "ahead": sounds_ahead(found, page),
        "slots": [
            {
                "token": str(slot.token),
                "label": slot.label,
                "url": reverse("stimulus", args=[found.token, slot.token]),
                # the reference under its name, whose picture gives nothing away
                "open": not slot.stimulus_id and not slot.clip,
                "answer": answers.get(slot.label),
                "heard": heard.get(slot.label, 0) > 0,
                "ended": slot.label in ended,
            }
            for slot in slots
        ],
    }


def sounds_ahead(found: Session, page: Page) -> list[str]:
    """Addresses of the sounds of the page after this one."""
    following = found.pages_ahead().exclude(pk=page.pk).first()
    if following and following.kind == Page.Kind.DIGITS:
        # how loud it is follows from this page's answer
        return []
    coming = Slot.objects.filter(page=following)
    return [
        reverse("stimulus", args=[found.token, token])
        for token in coming.values_list("token", flat=True)
    ]


@require_safe
def stimulus(request: HttpRequest, token: uuid.UUID, slot: uuid.UUID) -> HttpResponseBase:
    """A slot's sound, under a name and in a size that all slots of the page share."""
    found = (
        Slot.objects.filter(token=slot, page__session__token=token)
        .select_related("stimulus__signal", "page__trial__reference")
        .first()
    )
    sound = found.audio() if found else None
    if found is None or sound is None:
        return refused(404, _("There is no such sound in this session."))
    wav = stimulus_wav(sound, token=found.token)
    response = ranged(request, File(io.BytesIO(wav)), size=len(wav))
    response["Content-Disposition"] = 'inline; filename="stimulus.wav"'
    return response
