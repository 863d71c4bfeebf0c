"""Long work as a researcher sees it: what is queued, how far it is, and a way to stop it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from listening import access, drafting
from listening.models import Campaign
from listening.watched import of_run
from models_registry import audit, jobs
from models_registry.models import Job, ModelVersion

JOBS_SHOWN = 200
# of an argument that is a list
LISTED = 8


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    context = {
        "section": "jobs",
        "jobs": access.listed(request, Job.objects.select_related("project"))[:JOBS_SHOWN],
    }
    return render(request, "listening/jobs/index.html", context)


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A job; its page asks for the progress part again every two seconds until the job is over."""
    job = access.find(request, Job.objects.select_related("training_run__model", "project"), pk=pk)
    part = request.headers.get("HX-Target") == "progress"
    if part and job.kind in drafting.MAKING and job.state == Job.State.DONE:
        # whoever waited for the draft is led to it
        made = where_to_look(job)
        to = made[0]["address"] if len(made) == 1 else reverse("campaigns")
        return HttpResponse(status=204, headers={"HX-Redirect": to})
    template = "listening/parts/job_progress.html" if part else "listening/jobs/detail.html"
    run = getattr(job, "training_run", None)
    context = {
        "section": "jobs",
        "job": job,
        "watch": of_run(run),
        "points": len(run.history) if run else 0,
        "asked": [(name, said(value)) for name, value in job.arguments.items()],
        "made_by": where_to_look(job) if job.is_over else [],
    }
    return render(request, template, context)


def said(value: object) -> str:
    """An argument in words: of a long list its beginning, and how many more there are."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {said(one)}" for name, one in value.items() if one) or "none"
    if not isinstance(value, list):
        return str(value)
    more = f" and {len(value) - LISTED} more" if len(value) > LISTED else ""
    return ", ".join(map(str, value[:LISTED])) + more


def where_to_look(job: Job) -> list[dict[str, str]]:
    """Links to what a job has made, as address and words."""
    versions = ModelVersion.objects.select_related("model")
    if job.kind == "adopt":
        found = versions.filter(card__adopted__job=job.pk)
        return [
            _link(one, "", f"See {one}, which knows {one.card['adopted']['name']}") for one in found
        ]
    if job.kind == "study" and job.state == Job.State.DONE:
        return [{"address": job.study.get_absolute_url(), "words": "See what was found"}]
    if job.kind == "ablation-campaign" and job.state == Job.State.DONE:
        slug = job.message.partition(":")[0]
        return [{"address": reverse("campaign", args=[slug]), "words": f"See the draft {slug}"}]
    if job.kind == "search":
        return [
            {"address": reverse("search", args=[one.pk]), "words": f"See {one}"}
            for one in job.searches.all()
        ]
    if job.kind == "search-adopt" and job.state == Job.State.DONE:
        name = job.message.removeprefix("registered ")
        return [_link(versions.named(name), "", f"See {name}")]
    if job.kind in drafting.KINDS:
        slugs = job.arguments.get("campaigns") or [job.arguments["campaign"]]
        made = Campaign.objects.filter(project=job.project, slug__in=slugs)
        return [{"address": one.get_absolute_url(), "words": f"See {one.title}"} for one in made]
    if job.kind != "render":
        return []
    names = dict.fromkeys(name.partition(":")[0] for name in job.arguments["versions"])
    return [
        _link(versions.named(name), "#renderings", f"Hear what {name} rendered") for name in names
    ]


def _link(version: ModelVersion, part: str, words: str) -> dict[str, str]:
    address = reverse("version", args=[version.model.name, version.number])
    return {"address": f"{address}{part}", "words": words}


@access.members
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    job = access.find(request, Job.objects.select_related("project"), pk=pk)
    if not job.is_over:
        job.request_stop()
        audit.record(
            "stop",
            f"job {job.pk} ({job.kind})",
            actor=request.user.get_username(),
            project=job.project,
        )
    return redirect("job", job.pk)


@access.members
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a stopped or failed job again; a training goes on from its checkpoint."""
    job = access.find(request, Job.objects.select_related("project"), pk=pk)
    if jobs.resume(job):
        audit.record(
            "resume",
            f"job {job.pk} ({job.kind})",
            actor=request.user.get_username(),
            project=job.project,
        )
    return redirect("job", job.pk)
