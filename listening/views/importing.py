"""A campaign document, or a configuration of webMUSHRA, sent with the sounds that it names: it ends in drafts."""

from __future__ import annotations

from typing import IO, Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from listening import access, campaign_files, drafting, making, parcels
from listening import intake as intakes
from listening.campaign_files import Found
from listening.exchange.documents import MAX_BYTES, DocumentError
from listening.intake import About, Intake
from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.parcels import Parcel
from listening.unpacking import IntakeError
from listening.views.forms import RoomForm
from listening.views.uploads import ManyFiles, ManyFilesField, refused_unread
from models_registry.models import Job


class DocumentForm(RoomForm):
    """A document, and the sounds that it names."""

    document = forms.FileField(
        label="Document",
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json"}),
        help_text="A campaign as YAML or JSON, or a configuration of webMUSHRA.",
    )
    slug = forms.SlugField(
        max_length=80,
        required=False,
        label="Another name in addresses",
        help_text="Empty: as the document says, or the testId.",
    )
    skip = forms.BooleanField(
        required=False, label="Leave out pages of webMUSHRA's that have no counterpart here"
    )
    sounds = ManyFilesField(
        required=False,
        label="Its sounds, or a zip of them",
        widget=ManyFiles(attrs={"accept": "audio/*,.zip,.flac,.aiff"}),
    )
    # what was sent before the form, piece by piece
    parcel = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_document(self) -> UploadedFile:
        sent: UploadedFile = self.cleaned_data["document"]
        if (sent.size or 0) > MAX_BYTES:
            found = f"found {(sent.size or 0) / 1e6:.0f} MB"
            raise forms.ValidationError(f"Expected at most {MAX_BYTES / 1e6:.0f} MB, {found}.")
        return sent

    def make(self, owner: User) -> tuple[Found, list[Campaign] | Job] | None:
        """The drafts, or the job that makes them; None, with all reasons on the form, where something is refused."""
        asked = self.cleaned_data
        name, raw = asked["document"].name or "document", asked["document"].read()
        try:
            found = campaign_files.found_in(raw, name=name, slug=asked["slug"], skip=asked["skip"])
            parcel = parcels.parcel_of(owner.pk, asked["parcel"]) if asked["parcel"] else None
            intake = self._taken(owner, (name, raw), found, parcel)
        except DocumentError as error:
            self._refused("document", error.problems)
            return None
        except IntakeError as error:
            self._refused("sounds", error.reasons)
            return None
        if making.is_long(intake, found.documents):
            made: list[Campaign] | Job = drafting.queue_document(
                intake, found.slugs, slug=asked["slug"], skip=asked["skip"], project=self.room
            )
        else:
            try:
                made = making.drafts(intake, found.documents, owner=owner, project=self.room)
            except DocumentError as error:
                intake.discard()
                self._refused("document", error.problems)
                return None
            except CampaignError as error:
                intake.discard()
                self._refused("slug", [str(error)])
                return None
        if parcel:
            parcel.discard()
        return found, made

    def _taken(
        self, owner: User, document: tuple[str, bytes], found: Found, parcel: Parcel | None
    ) -> Intake:
        about = About(owner.pk, self.room.pk, document[0], found.slugs[0], "")
        if parcel is None:
            files: list[UploadedFile] = self.cleaned_data["sounds"]
            named = [(file.name or "a file", cast(IO[bytes], file.file)) for file in files]
            return intakes.of_document(document, named, about)
        with parcel.opened() as opened:
            return intakes.of_document(document, opened, about)

    def _refused(self, field: str, reasons: Any) -> None:
        for reason in reasons:
            self.add_error(field, reason)


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_import`
@csrf_exempt
@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def of_document(request: HttpRequest) -> HttpResponse:
    if refusal := refused_unread(request, megabytes=settings.CAMPAIGN_MB):
        status, sentence = refusal
        form = DocumentForm(standing=access.standing(request))
        return _page(request, form, status=status, sentence=sentence)
    return _import(request)


@csrf_protect
def _import(request: HttpRequest) -> HttpResponse:
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    form = DocumentForm(*bound, standing=access.standing(request))
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        if (done := form.make(request.user)) is not None:
            found, made = done
            _tell(request, found)
            if isinstance(made, Job):
                return _onward(request, reverse("job", args=[made.pk]))
            slugs = ", ".join(campaign.slug for campaign in made)
            many = len(made) > 1
            messages.success(request, f"{slugs}: {'drafts were' if many else 'a draft was'} made.")
            return _onward(request, resolve_url("campaigns" if many else made[0]))
    return _page(request, form, status=422 if form.errors else 200)


def _onward(request: HttpRequest, address: str) -> HttpResponse:
    """Lead on to `address`; a script that sends the form goes there itself, so that what is told is shown there."""
    if "X-Sending" in request.headers:
        return HttpResponse(status=204, headers={"X-Onward": address})
    return redirect(address)


def _tell(request: HttpRequest, found: Found) -> None:
    """What a configuration says otherwise, and what was left out."""
    for note in found.notes:
        messages.info(request, note)
    for skipped in found.skipped:
        messages.warning(request, f"Left out: {skipped}")


def _page(
    request: HttpRequest, form: DocumentForm, *, status: int, sentence: str = ""
) -> HttpResponse:
    context = {
        "section": "campaigns",
        "form": form,
        "sentence": sentence,
        "limits": {
            "files": settings.CAMPAIGN_FILES,
            "megabytes": settings.CAMPAIGN_MB,
            "minutes": settings.UPLOAD_SECONDS / 60,
        },
    }
    return render(request, "listening/campaigns/import.html", context, status=status)
