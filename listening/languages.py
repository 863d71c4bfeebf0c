"""The language that listeners are spoken to in: the link's (`?lang=de`), the campaign's, or their browser's.

A session keeps the language it began in, on every device. Researchers' pages are in English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

if TYPE_CHECKING:
    from listening.models import Campaign

LISTENERS = ("/t/", "/s/")


def speak(language: str) -> None:
    """From here on in this request, where it is a language of the site's."""
    if language in dict(settings.LANGUAGES):
        translation.activate(language)


def speak_one_of(campaign: Campaign) -> None:
    """A campaign's own language; where its texts are in several, the one that is asked for."""
    if get_language() not in campaign.languages:
        speak(campaign.language)


class ListenersLanguage:
    """Middleware: a listener's pages start from what the link or the browser asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(LISTENERS):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            speak(request.GET.get("lang", ""))
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
            patch_vary_headers(response, ("Accept-Language",))
        return response
