"""Listeners' pages take forms and answers from themselves alone, without a cookie.

A session's token in its address is the only key to it, and no cookie carries any authority: Django's token against
forgery would guard nothing, and would shut out every browser that blocks cookies. What another site sends is refused by
what browsers say of its origin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from listening.views.finding import refused

View = Callable[..., HttpResponseBase]


def from_own_pages(view: View) -> View:
    """Refuse (403) what another site's page posts to `view`; no cookie is asked for."""

    @wraps(view)
    def guarded(request: HttpRequest, **address: Any) -> HttpResponseBase:
        if request.method == "POST" and is_foreign(request):
            return refused(403, _("This was sent from another site's page."))
        return view(request, **address)

    return csrf_exempt(guarded)


def is_foreign(request: HttpRequest) -> bool:
    """Whether the browser says that another site's page made it send this; what is no browser says nothing."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.get_host()
