"""Bundles on the web: made by a job and fetched from its page, sent in pieces and restored by a job."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, bundling, parcels
from listening.unpacking import IntakeError
from listening.views.campaigns import visible_campaign
from listening.views.forms import RoomForm
from models_registry import audit, jobs
from models_registry.models import Job


@access.editors
@require_POST
def make(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    arguments = {
        "campaign": campaign.slug,
        "sounds": "sounds" in request.POST,
        "actor": request.user.get_username(),
    }
    return redirect("job", jobs.enqueue("bundle", arguments, project=campaign.project).pk)


@access.editors
@require_safe
def download(request: HttpRequest, pk: int) -> FileResponse:
    """The bundle that a job made; it is kept for a day."""
    made = Job.objects.filter(kind="bundle", state=Job.State.DONE)
    job = access.find(request, made.select_related("project"), pk=pk)
    campaign = visible_campaign(request, job.arguments["campaign"])
    try:
        file = bundling.kept_at(job.pk).open("rb")
    except OSError:
        raise Http404("bundles are kept for a day: make it again") from None
    # what is in it is in the record since it was made
    said = {"format": "bundle", "job": job.pk}
    audit.record("download", campaign, actor=request.user.get_username(), content=said)
    return FileResponse(file, as_attachment=True, filename=f"{campaign.slug}.zip")


class RestoreForm(RoomForm):
    """A bundle that was sent in pieces."""

    sounds = forms.FileField(
        required=False, label="Bundle", widget=forms.ClearableFileInput(attrs={"accept": ".zip"})
    )
    parcel = forms.UUIDField(required=False, widget=forms.HiddenInput)


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest) -> HttpResponse:
    form = RestoreForm(request.POST or None, standing=access.standing(request))
    if request.method == "POST" and form.is_valid():
        try:
            parcel = parcels.parcel_of(request.user.pk or 0, form.cleaned_data["parcel"])
            if len(parcel.files) != 1:
                raise IntakeError(f"Expected one bundle, found {len(parcel.files)} files.")
            with parcel.opened():
                pass
        except IntakeError as error:
            messages.error(request, str(error))
        else:
            arguments = {
                "parcel": str(parcel.key),
                "owner": parcel.owner,
                "actor": request.user.get_username(),
            }
            return redirect("job", jobs.enqueue("restore", arguments, project=form.room).pk)
    context = {"section": "campaigns", "form": form}
    return render(request, "listening/campaigns/restore.html", context)
