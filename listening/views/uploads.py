"""A form that takes sounds from a browser, or chooses some that are here, and has them scored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from listening import access, uploads
from listening.access import Standing
from listening.views.forms import RoomForm
from metrics import catalogue
from models_registry.models import Job, Signal
from models_registry.teams import Role

SIGNALS_SHOWN = 300
CHUNK = 1 << 20
# what a form's other fields and the markers between its parts may take
ROOM = 1 << 20


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, empty ones refused by name."""

    widget = ManyFiles(attrs={"accept": "audio/*"})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(ManyFilesField, self).clean(one, initial) for one in data or ()]


class ScoreForm(RoomForm):
    """Sounds with their references, and the metrics to score them by."""

    degraded = ManyFilesField(
        required=False,
        label="Sounds to score",
        help_text="Files of one length with their reference, or to be aligned with it.",
    )
    references = ManyFilesField(
        required=False,
        label="References",
        help_text="One for all, or one of the same file name for each. Without any, metrics that need none apply.",
    )
    signals = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="Sounds that are here already"
    )
    reference = forms.ModelChoiceField(
        Signal.objects.none(),
        required=False,
        label="A reference that is here already",
        empty_label="none",
    )
    align = forms.BooleanField(
        required=False,
        label="Undo the lag to the reference",
        help_text="A codec's delay then counts as none for metrics that compare moment with moment; left alone, it"
        " costs PEAQ nearly four grades.",
    )
    metrics = forms.MultipleChoiceField(
        required=False, label="Metrics", help_text="None chosen: all that apply."
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, standing=standing, **kwargs)
        fields: dict[str, Any] = self.fields
        # scores stay with their signals, for all who have these
        known = access.signals(standing.user, Role.EDITOR)
        shown = access.material(standing.user, Role.EDITOR)
        newest = [(one.pk, str(one)) for one in shown.order_by("-pk")[:SIGNALS_SHOWN]]
        # only what is shown is limited: any signal of theirs may be asked for
        fields["signals"].queryset = fields["reference"].queryset = known
        fields["signals"].widget.choices = newest
        fields["reference"].widget.choices = [("", "none"), *newest]
        families: dict[str, list[tuple[str, str]]] = {}
        for metric in catalogue.all():
            families.setdefault(metric.family, []).append((metric.name, metric.title))
        self.fields["metrics"].choices = list(families.items())  # type: ignore[attr-defined]

    def queue(self, *, actor: str) -> Job | None:
        """Keep what was sent and queue its scores; None, with all reasons on the form, where a sound is refused."""
        asked = self.cleaned_data
        sent = len(asked["degraded"]) + len(asked["references"])
        chosen = [asked["reference"]] if asked["reference"] else []
        try:
            if sent > settings.UPLOAD_FILES:
                raise uploads.UploadError(
                    f"Expected at most {settings.UPLOAD_FILES} files, found {sent}."
                )
            pairs = uploads.paired(
                [*asked["references"], *chosen], [*asked["degraded"], *asked["signals"]]
            )
            names = asked["metrics"] or [metric.name for metric in catalogue.all()]
            if all(reference is None for _, reference in pairs) and all(
                catalogue.get(name).needs_reference for name in names
            ):
                raise uploads.UploadError("Expected a reference for these metrics, found none.")
            return uploads.queue(pairs, names, align=asked["align"], actor=actor, project=self.room)
        except uploads.UploadError as error:
            for reason in error.reasons:
                self.add_error(None, reason)
            return None


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_form`
@csrf_exempt
@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def score_files(request: HttpRequest) -> HttpResponse:
    if refusal := refused_unread(request, megabytes=settings.UPLOAD_MB):
        status, sentence = refusal
        return _refused(request, sentence, status=status)
    return _form(request)


def refused_unread(request: HttpRequest, *, megabytes: int) -> tuple[int, str] | None:
    """Why a form is refused before its fields are looked at: status and sentence; None where it can be read."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > megabytes * 1e6 + ROOM:
        # read and thrown away: a browser whose upload is cut off shows its own error, not this page
        while request.read(CHUNK):
            pass
        found = f"found {length / 1e6:.0f} MB; nothing was kept."
        return 413, f"Expected at most {megabytes} MB in one form, {found}"
    try:
        request.FILES  # noqa: B018
    except (TooManyFilesSent, RequestDataTooBig, MultiPartParserError) as error:
        return 400, f"This form could not be read: {error}"
    return None


@csrf_protect
def _form(request: HttpRequest) -> HttpResponse:
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ScoreForm(*bound, standing=access.standing(request))
    if request.method == "POST" and form.is_valid():
        job = form.queue(actor=request.user.get_username())
        if job is not None:
            return redirect("job", job.pk)
    return _page(request, form, status=422 if form.errors else 200)


def _refused(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    form = ScoreForm(standing=access.standing(request))
    return _page(request, form, status=status, sentence=sentence)


def _page(
    request: HttpRequest, form: ScoreForm, *, status: int, sentence: str = ""
) -> HttpResponse:
    context = {
        "section": "scores",
        "form": form,
        "sentence": sentence,
        "limits": {
            "files": settings.UPLOAD_FILES,
            "megabytes": settings.UPLOAD_MB,
            "minutes": settings.UPLOAD_SECONDS / 60,
        },
    }
    return render(request, "listening/scores/new.html", context, status=status)
