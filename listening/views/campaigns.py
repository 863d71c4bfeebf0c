"""A researcher's view of listening tests: what is running, what came out, and the acts of opening and closing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from listening import access, exporting, reporting
from listening.attesting import attested
from listening.exchange.errors import ExchangeError
from listening.exchange.tables import ROWS, writes_parquet
from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.views.awaiting import awaited
from listening.views.forms import ChangeForm, InvitationForm, ReasonForm
from listening.views.results import evidence
from models_registry import audit, jobs
from models_registry import standing as marks

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "tex": "application/x-tex; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

REPORT_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "md": "text/markdown; charset=utf-8",
    "tex": "application/x-tex; charset=utf-8",
    "xlsx": CONTENT_TYPES["xlsx"],
    "zip": "application/zip",
}


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    campaigns = access.listed(request, Campaign.objects.select_related("project")).annotate(
        n_listeners=Count("listeners", distinct=True),
        n_simulated=Count("listeners", filter=Q(listeners__simulated=True), distinct=True),
        n_finished=Count("sessions", filter=Q(sessions__finished_at__isnull=False), distinct=True),
    )
    context = {"section": "campaigns", "campaigns": campaigns}
    return render(request, "listening/campaigns/index.html", context)


def visible_campaign(request: HttpRequest, slug: str) -> Campaign:
    """The campaign, for whoever may do to it what they ask (`access.find`)."""
    return access.find(request, Campaign.objects.all(), slug=slug)


@access.members
@require_safe
@awaited
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The results page: the setting, the evidence, the stimuli."""
    campaign = visible_campaign(request, slug)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "marks": [marks.of(one) for one in campaign.versions()],
        "simulated": campaign.listeners.filter(simulated=True).count(),
        "n_listeners": campaign.listeners.count(),
        "n_sessions": campaign.sessions.count(),
        "n_finished": campaign.sessions.filter(finished_at__isnull=False).count(),
        "n_conditions": campaign.conditions.count(),
        "listener_link": request.build_absolute_uri(reverse("welcome", args=[campaign.slug])),
        "reason_form": ReasonForm(),
        "pause_form": ReasonForm(prefix=None, auto_id="pause-%s"),
        "change_form": ChangeForm(campaign=campaign, auto_id="change-%s"),
        "revised": Campaign.objects.filter(project=campaign.project, slug=campaign.revises).first(),
        "revisions": Campaign.objects.filter(project=campaign.project, revises=campaign.slug),
        "writes_parquet": writes_parquet(),
        "invitation_form": InvitationForm(),
        "n_invitations": campaign.invitations.count(),
        "report_forms": list(REPORT_TYPES),
        "trials": campaign.trials.prefetch_related(
            "stimuli__condition__version__model", "stimuli__signal"
        ),
        **evidence(campaign),
    }
    return render(request, "listening/campaigns/detail.html", context)


@access.members
@require_POST
def close(request: HttpRequest, slug: str) -> HttpResponse:
    campaign, form = visible_campaign(request, slug), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A campaign is closed for a reason: say why.")
        return redirect(campaign)
    actor, reason = request.user.get_username(), form.cleaned_data["reason"]
    try:
        if not campaign.close(actor=actor, reason=reason):
            messages.info(
                request, f"It was closed already, on {campaign.closed_at:%Y-%m-%d %H:%M} UTC."
            )
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@access.members
@require_POST
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Take nobody new for a while."""
    campaign, form = visible_campaign(request, slug), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A campaign is paused for a reason: say why.")
        return redirect(campaign)
    try:
        if not campaign.pause(
            actor=request.user.get_username(), reason=form.cleaned_data["reason"]
        ):
            messages.info(request, "It was paused already.")
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@access.members
@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Take new listeners again."""
    campaign = visible_campaign(request, slug)
    try:
        if not campaign.resume(actor=request.user.get_username()):
            messages.info(request, "It was open already.")
    except CampaignError as error:
        messages.error(request, str(error))
    return redirect(campaign)


@access.members
@require_POST
def score(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    arguments = {"campaign": campaign.slug, "actor": request.user.get_username()}
    return redirect("job", jobs.enqueue("score-campaign", arguments, project=campaign.project).pk)


@access.members
@require_safe
def export(request: HttpRequest, slug: str, form: str) -> HttpResponse | StreamingHttpResponse:
    campaign = visible_campaign(request, slug)
    rows = request.GET.get("rows", "ratings")
    if form not in CONTENT_TYPES or rows not in ROWS:
        raise Http404(f"no export of {rows!r} as {form!r}")
    actor = request.user.get_username()
    response: HttpResponse | StreamingHttpResponse
    if (form, rows) == ("csv", "ratings"):
        pieces = exporting.csv_ratings(campaign, actor=actor)
        response = StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[form])
    else:
        try:
            with TemporaryDirectory() as folder:
                path = Path(folder, f"{campaign.slug}.{form}")
                exporting.export(campaign, path, actor=actor, rows=rows)
                content = path.read_bytes()
        except ExchangeError as error:
            messages.error(request, str(error))
            return redirect(campaign)
        response = HttpResponse(content, content_type=CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{campaign.slug}.{form}"'
    return response


@access.members
@require_safe
def report(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    try:
        content = reporting.content(campaign, f".{form}")
    except reporting.ReportError as error:
        raise Http404(str(error)) from error
    said = {"format": f".{form}"} | audit.fingerprint(content) | attested(campaign)
    audit.record("report", campaign, actor=request.user.get_username(), content=said)
    response = HttpResponse(content, content_type=REPORT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{campaign.slug}-report.{form}"'
    return response
