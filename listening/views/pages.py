"""Pages that belong to no one row."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from listening import access, reminding
from listening.models import Action, Campaign, Review
from models_registry.models import AudioModel, Job, ModelVersion


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "open_campaigns": Campaign.objects.open(),
        "campaigns": access.listed(request, Campaign.objects.all())[:6],
    }
    if request.user.is_authenticated:
        context |= {
            "models": access.listed(request, AudioModel.objects.prefetch_related("versions"))[:6],
            "due": reminding.due(access.listed(request, ModelVersion.objects.all())),
            "late": access.listed(request, Action.objects.open())
            .filter(due_on__lt=localdate())
            .count(),
            "late_reviews": access.listed(request, Review.objects.open()).filter(
                due_on__lt=localdate()
            )[:6],
            "jobs": access.listed(request, Job.objects.select_related("project"))[:6],
        }
    return render(request, "listening/home.html", context)
