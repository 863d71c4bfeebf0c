"""From an address to a listener's session and page, and what is said where there is none."""

from __future__ import annotations

import uuid
from typing import TypeGuard

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from listening.languages import speak
from listening.models import Page, Session


def session_at(token: uuid.UUID) -> Session | None:
    """The session, whose language is spoken from here on."""
    found = Session.objects.filter(token=token).select_related("campaign", "listener").first()
    if found:
        speak(found.language)
        found.campaign = found.campaign.in_language(found.language)
    return found


def answered_page(token: uuid.UUID, number: object) -> Page | None:
    """The page of this number with its session, by one question to the database; the session's language is spoken."""
    if not is_number(number):
        return None
    found = Page.objects.filter(session__token=token, number=number)
    page = found.select_related("session__campaign").first()
    if page:
        speak(page.session.language)
        page.session.campaign = page.session.campaign.in_language(page.session.language)
    return page


def page_of(found: Session, number: object) -> Page | None:
    if not is_number(number):
        return None
    return found.pages.filter(number=number).first()


def is_number(number: object) -> TypeGuard[int]:
    """Whether a page may have it."""
    return type(number) is int and 0 < number < 2**31


def refused(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)


def not_found(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"heading": _("Nothing here"), "sentence": sentence}
    return render(request, "listening/listener/message.html", context, status=404)


def malformed(request: HttpRequest, *, status: int = 400) -> HttpResponse:
    context = {
        "heading": _("This link is damaged"),
        "sentence": _(
            "Part of the address is missing or changed. Please open it again from where you found it."
        ),
    }
    return render(request, "listening/listener/message.html", context, status=status)


def later(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"heading": _("Thank you for coming"), "sentence": sentence}
    return render(request, "listening/listener/message.html", context, status=403)


def gone(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"heading": _("Thank you for coming"), "sentence": sentence}
    return render(request, "listening/listener/message.html", context, status=410)
