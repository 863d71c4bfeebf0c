"""Pages of much evidence show at once that it is being computed, and themselves when it is.

The shell of the page asks for the same address by htmx; that request computes everything, which is then kept
(`computed`), and tells the browser to load the page anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from listening import access
from listening.computed import one_state, state_known
from listening.models import Campaign, Rating

View = Callable[[HttpRequest, str], HttpResponse]
# fewer ratings are read and analysed in about a second
MANY = 20_000
# so soon after it was computed a page is shown though another rating has come
FRESH_S = 30


def awaited(view: View) -> View:
    """`view` of a campaign's slug, behind a page that says so while there is much to compute for it.

    `?now` in the address asks for the page itself, for browsers without scripts.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, slug: str) -> HttpResponse:
        campaign = access.find(request, Campaign.objects.all(), slug=slug)
        key = f"opened/{view.__module__}/{campaign.pk}"
        with one_state():
            state, opened = state_known(campaign), cache.get(key)
            known = opened and (opened[0] == state or time.time() - opened[1] < FRESH_S)
            asked = request.headers.get("HX-Request") or "now" in request.GET
            if not known and not asked:
                ratings = Rating.objects.counted().filter(page__session__campaign=campaign)
                if (n := ratings.count()) > MANY:
                    context = {"section": "campaigns", "campaign": campaign, "n": n}
                    return render(request, "listening/campaigns/awaited.html", context)
            response = view(request, slug)
            cache.set(key, (state, time.time()))
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return response

    return wrapped
