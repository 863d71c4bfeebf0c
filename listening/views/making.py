"""A new campaign on the web: its name, method and sounds, then the table of items by conditions, then the draft."""

from __future__ import annotations

import uuid
from typing import IO, Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from listening import access, drafting, making, pairing, parcels
from listening import intake as intakes
from listening.access import Standing
from listening.composing import TAKEN
from listening.exchange.errors import ExchangeError
from listening.intake import About, Intake
from listening.methods import methods
from listening.models import Campaign, Condition, Template
from listening.models.campaign import CampaignError
from listening.pairing import LEFT_OUT, PairingError, Table
from listening.templating import TemplateError
from listening.unpacking import IntakeError
from listening.views.forms import RoomForm
from listening.views.template_forms import AnswerForm
from listening.views.uploads import SIGNALS_SHOWN, ManyFiles, ManyFilesField, refused_unread
from models_registry import jobs
from models_registry import standing as marks
from models_registry.degradations import DEGRADATIONS
from models_registry.models import ModelVersion, Signal
from models_registry.teams import Project, Role

SOURCES = {
    "files": "Send files, or a zip of them",
    "server": "Take a folder on the server",
    "renderings": "Take what model versions render",
}
ROLES = [*Condition.Role.choices, (LEFT_OUT, "leave it out")]
ANCHORS = {"anchor35": "3.5 kHz anchor", "anchor70": "7 kHz anchor"}


def _template_by_its_title(template: Template) -> str:
    return f"{template.title} ({template})"


def _named_with_its_mark(version: ModelVersion) -> str:
    return f"{version} ({marks.of(version).label})"


class NewForm(RoomForm):
    """What a campaign is called, by which method, and where its sounds are."""

    title = forms.CharField(max_length=200, help_text="Listeners see it. It should name no system.")
    slug = forms.SlugField(
        max_length=80,
        required=False,
        label="Name in addresses",
        help_text="Empty: made of the title.",
    )
    method = forms.ChoiceField(widget=forms.RadioSelect, initial="mushra")
    template = forms.ModelChoiceField(
        Template.objects.none(),
        required=False,
        label="Settings of a template",
        empty_label="none: begin with the method’s own",
        help_text="Its method, plan and design are taken, not those below; what it asks is asked at the table.",
    )
    source = forms.ChoiceField(
        choices=list(SOURCES.items()),
        widget=forms.RadioSelect,
        initial="files",
        label="Where the sounds are",
    )
    sounds = ManyFilesField(
        required=False,
        label="Sounds, or a zip",
        widget=ManyFiles(attrs={"accept": "audio/*,.zip,.flac,.aiff"}),
    )
    # what was sent before the form, piece by piece
    parcel = forms.UUIDField(required=False, widget=forms.HiddenInput)
    folder = forms.ChoiceField(required=False, label="Folder")
    versions = forms.ModelMultipleChoiceField(
        ModelVersion.objects.none(), required=False, label="Model versions"
    )
    inputs = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="Input signals"
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, standing=standing, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["method"].choices = [
            (name, f"{title}: {about}") for name, title, about in making.described_methods()
        ]
        fields["template"].queryset = (
            Template.objects.visible_to(standing.user).newest().filter(kind=Template.Kind.CAMPAIGN)
        )
        fields["template"].label_from_instance = _template_by_its_title
        fields["folder"].choices = [
            (one, "the import folder itself" if one == "." else one)
            for one in intakes.import_folders()
        ]
        known = access.signals(standing.user)
        versions = ModelVersion.objects.with_standing()
        fields["versions"].queryset = versions.visible_to(standing.user)
        fields["versions"].label_from_instance = _named_with_its_mark
        fields["inputs"].queryset = known
        fields["inputs"].widget.choices = [
            (one.pk, str(one))
            for one in access.material(standing.user).order_by("-pk")[:SIGNALS_SHOWN]
        ]
        if settings.IMPORT_ROOT is None:
            fields["source"].choices = [one for one in SOURCES.items() if one[0] != "server"]

    def clean_versions(self) -> Any:
        chosen = self.cleaned_data["versions"]
        if self.cleaned_data.get("source") == "renderings":
            why = filter(None, (marks.refusal(version) for version in chosen))
            if sentences := [f"{one[0].upper()}{one[1:]}." for one in why]:
                raise forms.ValidationError(sentences)
        return chosen

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug and (slug in TAKEN or Campaign.objects.filter(slug=slug).exists()):
            raise forms.ValidationError(f"Expected a new name, found that {slug} is taken.")
        return slug or making.free_slug(self.cleaned_data.get("title", ""))

    def take(self, owner: User) -> Intake | None:
        """What was chosen, taken in; None, with all reasons on the form, where it is refused."""
        asked = self.cleaned_data
        template = asked["template"]
        method = template.document["content"]["method"] if template else asked["method"]
        about = About(
            owner.pk,
            self.room.pk,
            asked["title"],
            asked["slug"],
            method,
            template.pk if template else None,
        )
        try:
            if asked["source"] == "server":
                return intakes.from_server(asked["folder"], about)
            if asked["source"] == "renderings":
                return intakes.of_renderings(list(asked["versions"]), list(asked["inputs"]), about)
            if asked["parcel"]:
                parcel = parcels.parcel_of(owner.pk, asked["parcel"])
                with parcel.opened() as files:
                    intake = intakes.receive(files, about)
                parcel.discard()
                return intake
            return intakes.receive(self._named_files(), about)
        except IntakeError as error:
            for reason in error.reasons:
                self.add_error(None, reason)
            return None

    def _named_files(self) -> list[tuple[str, IO[bytes]]]:
        files: list[UploadedFile] = self.cleaned_data["sounds"]
        return [(file.name or "a file", cast(IO[bytes], file.file)) for file in files]


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_new`
@csrf_exempt
@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if refusal := refused_unread(request, megabytes=settings.CAMPAIGN_MB):
        status, sentence = refusal
        form = NewForm(standing=access.standing(request))
        return _new_page(request, form, status=status, sentence=sentence)
    return _new(request)


@csrf_protect
def _new(request: HttpRequest) -> HttpResponse:
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    asked = {"template": request.GET.get("template", "")}
    form = NewForm(*bound, standing=access.standing(request), initial=asked)
    if request.method == "POST" and form.is_valid():
        intake = form.take(_researcher(request))
        if intake is not None:
            return redirect("campaign-pair", uuid.UUID(intake.key))
    return _new_page(request, form, status=422 if form.errors else 200)


def _new_page(
    request: HttpRequest, form: NewForm, *, status: int, sentence: str = ""
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
        "import_root": settings.IMPORT_ROOT is not None,
    }
    return render(request, "listening/campaigns/new.html", context, status=status)


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def pair(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The table of items by conditions; POST makes the draft, or has what is missing rendered."""
    owner = _researcher(request)
    try:
        intake = intakes.waiting(key, owner=owner.pk)
    except IntakeError as error:
        raise Http404(str(error)) from error
    # the role may have changed since the sounds were sent
    project = access.find(request, Project.objects.all(), pk=intake.project)
    asked = request.POST if request.method == "POST" else request.GET
    pattern = asked.get("pattern") or (
        "" if intake.versions else pairing.guess([sound.name for sound in intake.sounds])
    )
    sentences: list[str] = []
    answers = AnswerForm(request.POST if request.method == "POST" else None)
    template = making.template_of(intake)
    if template:
        answers.ask(template)
    try:
        found = making.laid_out(intake, pattern)
    except PairingError as error:
        sentences, found = [str(error)], Table([], [], {})
    roles = {
        name: asked.get(f"role-{place}", pairing.role(name))
        for place, name in enumerate(found.conditions)
    }
    if request.method == "POST" and request.POST.get("act") == "render":
        return _render_missing(request, intake)
    if request.method == "POST" and not answers.is_valid():
        sentences = ["Expected an answer to everything that the template asks; see below."]
    if request.method == "POST" and not sentences:
        try:
            choices = making.Choices(
                pattern,
                roles,
                [one for one in ANCHORS if one in request.POST.getlist("made")],
                _damaged(request),
                "whole" in request.POST,
                answers.answers,
            )
            documents = [making.described(intake, choices)]
            if making.is_long(intake, documents):
                return redirect("job", drafting.queue_table(intake, choices, project=project).pk)
            (campaign,) = making.drafts(intake, documents, owner=owner, project=project)
        except ExchangeError as error:
            sentences = str(error).splitlines()
        except (PairingError, CampaignError, TemplateError) as error:
            sentences = [str(error)]
        else:
            messages.success(request, f"{campaign.slug}: a draft was made.")
            return redirect(campaign)
    return _pair_page(request, intake, found, pattern, roles, sentences, answers)


def _damaged(request: HttpRequest) -> dict[str, float]:
    """The further anchors asked for: kinds of damage and their degrees; raises `PairingError`."""
    asked = {}
    for kind in request.POST.getlist("damaged"):
        if kind not in DEGRADATIONS:
            raise PairingError(f"expected one of {', '.join(DEGRADATIONS)}, found {kind!r}")
        text = request.POST.get(f"at-{kind}", "")
        try:
            asked[kind] = float(text)
        except ValueError:
            what = f"{DEGRADATIONS[kind].quantity} in {DEGRADATIONS[kind].unit}"
            raise PairingError(f"expected {what}, found {text!r}") from None
    return asked


def _pair_page(
    request: HttpRequest,
    intake: Intake,
    found: Table,
    pattern: str,
    roles: dict[str, str],
    sentences: list[str],
    answers: AnswerForm,
) -> HttpResponse:
    durations = {sound.name: sound for sound in intake.sounds}
    missing = [(anchor, name) for anchor, name in ANCHORS.items() if anchor not in roles.values()]
    context = {
        "section": "campaigns",
        "intake": intake,
        "found": found,
        "rows": [
            (item, [(name, source, durations.get(source)) for name, source in cells])
            for item, cells in found.rows()
        ],
        "pattern": pattern,
        "patterns": pairing.PATTERNS,
        "roles": [(place, *one) for place, one in enumerate(roles.items())],
        "role_choices": ROLES,
        "anchors": missing,
        "with_anchors": intake.method == "mushra",
        "damages": [
            (one, one.name in request.POST.getlist("damaged"), request.POST.get(f"at-{one.name}"))
            for one in DEGRADATIONS.values()
        ],
        "sentences": sentences,
        "answers": answers,
        "method": methods()[intake.method].title,
    }
    status = 422 if sentences else 200
    return render(request, "listening/campaigns/pair.html", context, status=status)


def _render_missing(request: HttpRequest, intake: Intake) -> HttpResponse:
    made, queued = intakes.outputs(intake), []
    for version in intake.versions:
        project = ModelVersion.objects.named(version).project
        access.standing(request).require(project, Role.EDITOR)
        lacking = [one for one in intake.inputs if (version, one) not in made]
        if lacking:
            arguments = {
                "versions": [version],
                "signals": lacking,
                "actor": request.user.get_username(),
            }
            queued.append(jobs.enqueue("render", arguments, project=project))
    messages.success(request, f"{len(queued)} job(s) queued; look again when they are done.")
    return redirect("campaign-pair", uuid.UUID(intake.key))


def _researcher(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
