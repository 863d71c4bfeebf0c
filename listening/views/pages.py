"""Pages that belong to no one row: home, the record, errors."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening.models import Campaign
from models_registry import audit
from models_registry.models import AudioModel, AuditEvent, Job

EVENTS_PER_PAGE = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "open_campaigns": Campaign.objects.open(),
        "campaigns": Campaign.objects.visible_to(request.user)[:6],
    }
    if request.user.is_authenticated:
        context |= {
            "models": AudioModel.objects.prefetch_related("versions")[:6],
            "jobs": Job.objects.all()[:6],
        }
    return render(request, "listening/home.html", context)


@login_required
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    events = Paginator(AuditEvent.objects.order_by("-number"), EVENTS_PER_PAGE)
    context = {
        "section": "record",
        "events": events.get_page(request.GET.get("page")),
        "breaks": list(audit.breaks_in_chain()),
        "last": AuditEvent.objects.order_by("-number").first(),
    }
    return render(request, "listening/record.html", context)
