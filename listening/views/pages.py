"""Pages that belong to no one row: home, the record, errors."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access
from listening.models import Campaign
from models_registry import audit
from models_registry.models import AudioModel, AuditEvent, Job
from models_registry.teams import sees_all

EVENTS_PER_PAGE = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "open_campaigns": Campaign.objects.open(),
        "campaigns": access.listed(request, Campaign.objects.all())[:6],
    }
    if request.user.is_authenticated:
        context |= {
            "models": access.listed(request, AudioModel.objects.prefetch_related("versions"))[:6],
            "jobs": access.listed(request, Job.objects.select_related("project"))[:6],
        }
    return render(request, "listening/home.html", context)


@access.members
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    visible = access.listed(request, AuditEvent.objects.order_by("-number"))
    events = Paginator(visible, EVENTS_PER_PAGE)
    context = {
        "section": "record",
        "events": events.get_page(request.GET.get("page")),
        "breaks": [_told(one, access.standing(request)) for one in audit.breaks_in_chain()],
        "last": AuditEvent.objects.order_by("-number").first(),
    }
    return render(request, "listening/record.html", context)


def _told(found: audit.Break, here: access.Standing) -> audit.Break:
    """A break of the chain, which concerns everybody; whose event it is, its members alone."""
    event = found.event
    if event is None or sees_all(here.user) or event.project in here.roles:
        return found
    return audit.Break(f"event {event.number}, of another project", found.what)
