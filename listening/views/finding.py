"""From an address to a listener's session and page, and what is said where there is none."""

from __future__ import annotations

import uuid

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
    return found


def page_of(found: Session, number: object) -> Page | None:
    if type(number) is not int or not 0 < number < 2**31:
        return None
    return found.pages.filter(number=number).first()


def refused(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)


def not_found(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"heading": _("Nothing here"), "sentence": sentence}
    return render(request, "listening/listener/message.html", context, status=404)


def malformed(request: HttpRequest) -> HttpResponse:
    context = {
        "heading": _("This link is damaged"),
        "sentence": _(
            "Part of the address is missing or changed. Please open it again from where you found it."
        ),
    }
    return render(request, "listening/listener/message.html", context, status=400)


def gone(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"heading": _("Thank you for coming"), "sentence": sentence}
    return render(request, "listening/listener/message.html", context, status=410)
