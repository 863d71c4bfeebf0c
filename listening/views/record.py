"""The record: its events, whether they and all that they tell of hold, and seals of it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from listening import access
from listening.verifying import last_verification
from models_registry import audit, jobs, sealing
from models_registry.models import AuditEvent, Job
from models_registry.teams import sees_all

EVENTS_PER_PAGE = 100


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    visible = access.listed(request, AuditEvent.objects.order_by("-number"))
    events = Paginator(visible, EVENTS_PER_PAGE)
    context = {
        "section": "record",
        "events": events.get_page(request.GET.get("page")),
        "breaks": [_told(one, access.standing(request)) for one in audit.breaks_in_chain()],
        "last": AuditEvent.objects.order_by("-number").first(),
        "verification": last_verification(access.standing(request)),
        "verifying": Job.objects.filter(
            kind="verify", state__in=(Job.State.QUEUED, Job.State.RUNNING)
        ).first(),
    }
    return render(request, "listening/record.html", context)


@access.makers
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Ask a worker to hold everything stored against the record."""
    project = access.standing(request).room()
    job = jobs.enqueue("verify", {"actor": request.user.get_username()}, project=project)
    return redirect("job", job.pk)


@access.makers
@require_POST
def seal(request: HttpRequest) -> HttpResponse:
    """Sign the record's last event, as a file to be kept elsewhere."""
    made = sealing.seal(actor=request.user.get_username(), project=access.standing(request).room())
    answer = HttpResponse(sealing.as_text(made), content_type="application/json")
    name = f"{made['sealed_at'][:10]}-event-{made['number']}.seal.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _told(found: audit.Break, here: access.Standing) -> audit.Break:
    """A break of the chain, which concerns everybody; whose event it is, its members alone."""
    event = found.event
    if event is None or sees_all(here.user) or event.project in here.roles:
        return found
    return audit.Break(f"event {event.number}, of another project", found.what)
