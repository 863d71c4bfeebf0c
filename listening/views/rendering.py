"""Forms that have versions render signals, many by many, and that add a device to a version that knows several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from listening import access, uploads
from listening.access import Standing
from listening.views.uploads import SIGNALS_SHOWN, ManyFilesField, refused_unread
from models_registry import adopting, rendering
from models_registry import standing as marks
from models_registry.models import Job, ModelVersion, Signal
from models_registry.teams import Project


def newest(signals: QuerySet[Signal], *chosen: Signal) -> list[tuple[int, str]]:
    """Those that are `chosen` already as choices, and the newest of `signals`."""
    shown = dict.fromkeys((*chosen, *signals.order_by("-pk")[:SIGNALS_SHOWN]))
    return [(one.pk, str(one)) for one in shown]


class SoundsForm(forms.Form):
    """A form whose sounds are sent or here already, and which ends in a job."""

    here: ClassVar[Sequence[str]]

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing = standing
        known, fields = access.signals(standing.user), cast(dict[str, Any], self.fields)
        shown = access.material(standing.user)
        for name in self.here:
            fields[name].queryset = known
            fields[name].widget.choices = newest(shown, *known.filter(pk__in=self._chosen(name)))

    def _chosen(self, name: str) -> list[int]:
        given = self.initial.get(name) or []
        several = given if isinstance(given, list) else [given]
        return [int(one) for one in several if str(one).isdecimal()]

    def stored(self, sent: str, here: str, *, actor: str, project: Project) -> list[Signal]:
        sounds = [*self.cleaned_data[sent], *self.cleaned_data[here]]
        return uploads.keep_all(sounds, actor=actor, project=project)

    def queued(self, ask: Callable[[], Job]) -> Job | None:
        """The job asked for; None, with all reasons on the form and nothing kept, where something is refused."""
        try:
            with transaction.atomic():
                return ask()
        except uploads.UploadError as error:
            for reason in error.reasons:
                self.add_error(None, reason)
        except ValueError as error:
            self.add_error(None, f"{str(error)[0].upper()}{str(error)[1:]}.")
        return None


class RenderForm(SoundsForm):
    """Versions, each as itself or as a device it knows, by signals."""

    here = ("signals",)

    versions = forms.MultipleChoiceField(
        label="Model versions",
        help_text="Each renders every sound. Where a version knows devices, rooms or speakers, it can sound as one.",
    )
    signals = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="Sounds that are here already"
    )
    sounds = ManyFilesField(required=False, label="Sounds to send")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        versions = ModelVersion.objects.with_standing().visible_to(self.standing.user)
        versions = versions.order_by("model__name", "-number")
        fields["versions"].choices = [
            (
                rendering.named(one, condition),
                f"{named} as {condition}" if condition else named,
            )
            for one, named in ((one, marks.named(one)) for one in versions)
            for condition in ("", *one.knows)
        ]

    def queue(self, *, actor: str) -> Job | None:
        return self.queued(partial(self._ask, actor))

    def _ask(self, actor: str) -> Job:
        names = self.cleaned_data["versions"]
        project = self.standing.project_of_versions(names)
        signals = self.stored("sounds", "signals", actor=actor, project=project)
        return rendering.queue(names, signals, actor=actor, project=project)


class AdoptForm(SoundsForm):
    """A new device's name, its recordings, and what was played to it."""

    here = ("wet_here", "dry_here")

    name = forms.CharField(
        max_length=adopting.LONGEST_NAME,
        label="Name of the new device, room or speaker",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        max_length=500,
        label="Why",
        help_text="What is to sound different by it, or what the device does that the others do not. It stays with the "
        "version.",
    )
    wet = ManyFilesField(
        required=False, label="Its recordings", help_text="About ten seconds altogether."
    )
    wet_here = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="Recordings that are here already"
    )
    dry = ManyFilesField(
        required=False,
        label="What was played to it",
        help_text="Or other sound of the same kind: only long-term levels are compared.",
    )
    dry_here = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="What was played, here already"
    )

    def __init__(self, *args: Any, version: ModelVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version

    def queue(self, *, actor: str) -> Job | None:
        return self.queued(partial(self._ask, actor))

    def _ask(self, actor: str) -> Job:
        project = self.version.project
        asked = adopting.ask(
            self.version,
            self.cleaned_data["name"],
            dry=self.stored("dry", "dry_here", actor=actor, project=project),
            wet=self.stored("wet", "wet_here", actor=actor, project=project),
            reason=self.cleaned_data["reason"],
            actor=actor,
        )
        return adopting.queue(asked, project=project)


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_filled`
@csrf_exempt
@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def render_signals(request: HttpRequest) -> HttpResponse:
    initial = {"versions": request.GET.getlist("version"), "signals": request.GET.getlist("signal")}
    here = access.standing(request)
    fresh = RenderForm(initial=initial, standing=here)
    template, context = "listening/registry/render.html", {"section": "models"}
    if refusal := refused_unread(request, megabytes=settings.UPLOAD_MB):
        return _page(request, fresh, template, context, *refusal)
    bound = RenderForm(request.POST, request.FILES, standing=here)
    return _filled(request, bound if request.method == "POST" else fresh, template, context)


@csrf_exempt
@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def adopt(request: HttpRequest, name: str, number: int) -> HttpResponse:
    versions = ModelVersion.objects.select_related("model__project")
    version = access.find(request, versions, model__name=name, number=number)
    here = access.standing(request)
    fresh = AdoptForm(version=version, standing=here)
    template = "listening/registry/adopt.html"
    context = {"section": "models", "version": version}
    if refusal := refused_unread(request, megabytes=settings.UPLOAD_MB):
        return _page(request, fresh, template, context, *refusal)
    bound = AdoptForm(request.POST, request.FILES, version=version, standing=here)
    return _filled(request, bound if request.method == "POST" else fresh, template, context)


@csrf_protect
def _filled(
    request: HttpRequest, form: RenderForm | AdoptForm, template: str, context: dict[str, Any]
) -> HttpResponse:
    if form.is_bound and form.is_valid():
        job = form.queue(actor=request.user.get_username())
        if job is not None:
            return redirect("job", job.pk)
    return _page(request, form, template, context, 422 if form.errors else 200)


def _page(
    request: HttpRequest,
    form: RenderForm | AdoptForm,
    template: str,
    context: dict[str, Any],
    status: int,
    sentence: str = "",
) -> HttpResponse:
    limits = {
        "files": settings.UPLOAD_FILES,
        "megabytes": settings.UPLOAD_MB,
        "minutes": settings.UPLOAD_SECONDS / 60,
    }
    shown = {"form": form, "limits": limits, "sentence": sentence, **context}
    return render(request, template, shown, status=status)
