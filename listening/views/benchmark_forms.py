"""The forms of a benchmark's pages: freezing one, entering it, sending outputs, having them rated."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from listening import benchmarking, submissions, uploads
from listening.access import Standing
from listening.freezing import MOST_WATTS, RULES, STUDIES, BenchmarkError, Item, freeze
from listening.making import free_slug
from listening.methods import methods
from listening.models import Benchmark, BenchmarkEntry, Campaign
from listening.views.forms import RoomForm
from listening.views.uploads import ManyFilesField
from metrics import catalogue
from metrics.catalogue import Direction
from models_registry import standing as marks
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.teams import Role


class FreezeForm(RoomForm):
    """What a benchmark is for, its items and its rules."""

    name = forms.SlugField(max_length=80, label="Name in addresses and commands")
    title = forms.CharField(max_length=200)
    purpose = forms.CharField(
        label="What it is meant to tell, and for which sounds",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    inputs = ManyFilesField(
        required=False,
        label="Inputs",
        help_text="What goes into every system: a file for each item.",
    )
    references = ManyFilesField(
        required=False,
        label="References",
        help_text="What ideally comes out: a file of the same name, rate, channels and length for each.",
    )
    metrics = forms.MultipleChoiceField(
        initial=RULES["metrics"], help_text="Each entry’s outputs are scored by all of them."
    )
    ranked_by = forms.ChoiceField(
        initial=RULES["ranked_by"],
        label="Ranked by",
        help_text="Until people have rated: one of the metrics above.",
    )
    studies = forms.MultipleChoiceField(
        choices=[(one, one) for one in STUDIES],
        initial=RULES["studies"],
        required=False,
        label="Asked of each version",
        widget=forms.CheckboxSelectMultiple,
    )
    suite = forms.ChoiceField(label="Suite of the validation")
    method = forms.ChoiceField(
        label="Rated by", help_text="The method of the campaigns that are drafted for it."
    )
    watts = forms.FloatField(
        min_value=0.1,
        max_value=MOST_WATTS,
        initial=RULES["watts"],
        label="Watts of a busy core",
        help_text="The assumption behind the estimate of energy.",
    )

    def __init__(
        self, *args: Any, standing: Standing, before: Benchmark | None = None, **kwargs: Any
    ) -> None:
        initial = {"method": "mushra"}
        if before:
            design = before.rules["campaign"] or {}
            initial = {
                "name": before.slug,
                "title": before.title,
                "purpose": before.purpose,
                **before.rules,
                "method": design.get("method", "mushra"),
            }
        super().__init__(*args, standing=standing, initial=initial, **kwargs)
        self.before = before
        fields: dict[str, Any] = self.fields
        families: dict[str, list[tuple[str, str]]] = {}
        for metric in catalogue.all():
            families.setdefault(metric.family, []).append((metric.name, metric.title))
        fields["metrics"].choices = list(families.items())
        fields["ranked_by"].choices = [
            (one.name, one.title) for one in catalogue.all() if one.direction is not Direction.NONE
        ]
        fields["suite"].choices = [(one, one) for one in engine().probes.suite.shipped()]
        fields["method"].choices = [(name, one.title) for name, one in methods().items()]
        if before:
            fields["name"].disabled = True
            fields["inputs"].help_text = f"None sent: the items of {before}."
            fields.pop("project", None)

    @property
    def room(self) -> Any:
        return self.before.project if self.before else super().room

    def frozen(self, *, actor: str) -> Benchmark | None:
        """The benchmark; None, with the reasons on the form, where it is refused, and then nothing is kept."""
        given: dict[str, Any] = self.cleaned_data
        rules = {
            **(self.before.rules if self.before else {}),
            **{name: given[name] for name in ("metrics", "ranked_by", "studies", "suite", "watts")},
        }
        rules["campaign"] = {**(rules.get("campaign") or {}), "method": given["method"]}
        try:
            with transaction.atomic():
                return freeze(
                    given["name"],
                    title=given["title"],
                    purpose=given["purpose"],
                    items=self._items(actor),
                    rules=rules,
                    project=self.room,
                    actor=actor,
                )
        except ValueError as error:
            self.add_error(None, str(error))
            return None

    def _items(self, actor: str) -> list[Item]:
        """What was sent, paired by name; of another edition where nothing was, its items."""
        inputs, references = self.cleaned_data["inputs"], self.cleaned_data["references"]
        if not inputs and self.before:
            rows = self.before.items.select_related("input", "reference")
            return [(one.title, one.input, one.reference) for one in rows]
        if not inputs:
            raise BenchmarkError("expected sounds that go in, found none")
        pairs = uploads.paired(references, inputs) if references else [(i, None) for i in inputs]
        if len(references) == 1 < len(inputs):
            raise BenchmarkError(
                f"expected a reference for each of {len(inputs)} inputs, found one"
            )
        files = [one for pair in pairs for one in pair if one is not None]
        kept = iter(uploads.keep_all(files, actor=actor, project=self.room))
        return [
            (_title(given), next(kept), next(kept) if ideal is not None else None)
            for given, ideal in pairs
        ]


def _title(source: Any) -> str:
    assert isinstance(source, UploadedFile)
    return PurePath(source.name or "").stem[:200]


class EnterForm(forms.Form):
    """The version that is to take part."""

    prefix = "enter"

    version = forms.ModelChoiceField(ModelVersion.objects.none(), empty_label="choose a version")
    condition = forms.CharField(
        max_length=100,
        required=False,
        label="As",
        help_text="A device, room or speaker that it knows; empty: none.",
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = ModelVersion.objects.with_standing()
        fields: dict[str, Any] = self.fields
        rooms = [one for one, role in standing.roles.items() if role.includes(Role.EDITOR)]
        fields["version"].queryset = known.filter(model__project__in=rooms).order_by("-pk")
        fields["version"].label_from_instance = marks.named

    def entered(self, benchmark: Benchmark, *, actor: str) -> BenchmarkEntry | None:
        """The entry, its job and its questions queued together; None, with the reason on the form, where refused."""
        condition = self.cleaned_data["condition"]
        name = str(self.cleaned_data["version"]) + (f":{condition}" if condition else "")
        try:
            with transaction.atomic():
                entry = benchmarking.enter(benchmark, name, actor=actor)
                for kind in benchmark.rules["studies"]:
                    benchmarking.ask(entry, kind, actor=actor)
                return entry
        except ValueError as error:
            self.add_error(None, str(error))
            return None


class SendForm(forms.Form):
    """A zip of outputs."""

    prefix = "send"

    outputs = forms.FileField(
        label="Outputs with their manifest, a zip",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip"}),
    )

    def submitted(self, benchmark: Benchmark, *, actor: str) -> BenchmarkEntry | None:
        file: UploadedFile = self.cleaned_data["outputs"]
        assert file.file is not None
        try:
            return submissions.submit(benchmark, file.file, name=file.name or "", actor=actor)
        except ValueError as error:
            for reason in getattr(error, "reasons", (str(error),)):
                self.add_error(None, str(reason))
            return None


class RateForm(forms.Form):
    """Where people rate the entries."""

    prefix = "rate"

    campaign = forms.ModelChoiceField(
        Campaign.objects.none(),
        required=False,
        empty_label="a new draft of all entries",
        help_text="Its ratings of the entries’ outputs count. A draft can be edited before it is launched.",
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["campaign"].queryset = Campaign.objects.visible_to(standing.user)

    def rated(self, benchmark: Benchmark, *, owner: User) -> Campaign | None:
        """The campaign, taken in or drafted; None, with the reason on the form, where it is refused."""
        chosen: Campaign | None = self.cleaned_data["campaign"]
        actor = owner.get_username()
        try:
            if chosen is None:
                slug = free_slug(f"{benchmark.slug} {benchmark.edition}")
                return benchmarking.draft(benchmark, slug, owner=owner, actor=actor)
            benchmarking.link(benchmark, chosen, actor=actor)
        except ValueError as error:
            self.add_error(None, str(error))
            return None
        return chosen
