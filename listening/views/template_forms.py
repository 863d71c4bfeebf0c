"""The forms of templates: which values are opened, a file to take in, and the form that a template's fields make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import slugify

from listening import templating
from listening.access import Standing
from listening.exchange import template_file
from listening.exchange.documents import decoded
from listening.exchange.errors import ExchangeError
from listening.exchange.template_file import CAMPAIGN, RECIPE, REVIEW, Answer, Data
from listening.making import free_slug
from listening.models import Campaign, Review, Template
from listening.views.forms import RoomForm
from models_registry import standing as marks
from models_registry.models import Job, ModelVersion
from models_registry.models import Standing as Mark
from models_registry.teams import Project

MOST_BYTES = 2 << 20
# of a recipe, what is most often another next time
USUAL = (
    "training.steps",
    "training.learning_rate",
    "data.seconds",
    "repetitions",
    "quota",
    "title",
    "due_days",
    "decisions",
    "interval_days",
)
# of those that one may choose from
SHOWN = 200
POINT = re.compile(r"agenda\.(\d+)\.(\w+)")


class ImportForm(RoomForm):
    """A template's file."""

    file = forms.FileField(
        label="A template’s file",
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json"}),
    )

    def kept(self, *, actor: str) -> Template | None:
        """The template; None, with the reason on the form, where it is refused."""
        given: UploadedFile = self.cleaned_data["file"]
        name = given.name or "the file"
        try:
            if (given.size or 0) > MOST_BYTES:
                raise templating.TemplateError(
                    f"{name}: expected at most {MOST_BYTES >> 20} MiB, found {given.size} bytes"
                )
            data = template_file.parse(decoded(given.read(), name=name), name=name)
            return templating.keep(data, source=f"the file {name}", project=self.room, actor=actor)
        except ValueError as error:
            self.add_error(None, str(error))
            return None


class OpenForm(forms.Form):
    """What a template is called, and which of its values are opened, with a label and help for each."""

    name = forms.SlugField(max_length=80, label="Name in commands")
    title = forms.CharField(max_length=200)
    purpose = forms.CharField(
        required=False,
        label="When to take it",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any = None, *, kind: str, source: Any, content: Data) -> None:
        title = content.get("title", "") or getattr(source, "title", "")
        about = {
            "name": content.get("name", "") or getattr(source, "slug", "") or slugify(title)[:80],
            "title": title,
            "purpose": content.get("purpose", ""),
        }
        super().__init__(data, initial=about)
        self.kind, self.source, self.content = kind, source, content
        self.leaves = list(template_file.leaves(content))
        for place, (path, _) in enumerate(self.leaves):
            self.fields[f"open-{place}"] = forms.BooleanField(
                required=False, initial=path in USUAL, label=f"Open {path}"
            )
            self.fields[f"label-{place}"] = forms.CharField(
                required=False, max_length=200, label=f"Label of {path}", initial=_usual_label(path)
            )
            self.fields[f"help-{place}"] = forms.CharField(
                required=False, max_length=1000, label=f"Help for {path}"
            )

    @property
    def about(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "title", "purpose")]

    @property
    def rows(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Each value that may be opened: its path, what it is, and its three fields."""
        return [
            (
                path,
                template_file.shown(value),
                [self[f"{part}-{place}"] for part in ("open", "label", "help")],
            )
            for place, (path, value) in enumerate(self.leaves)
        ]

    def kept(self, *, project: Project, actor: str) -> Template | None:
        """The template; None, with the reason on the form, where it is refused."""
        given: dict[str, Any] = self.cleaned_data
        opened = []
        for place, (path, value) in enumerate(self.leaves):
            if given[f"open-{place}"]:
                said = {"label": given[f"label-{place}"], "help": given[f"help-{place}"]}
                opened.append(
                    {"path": path, "default": value, **{k: v for k, v in said.items() if v}}
                )
        data = templating.written(
            self.kind,
            self.content,
            name=given["name"],
            title=given["title"],
            purpose=given["purpose"],
            fields=opened,
        )
        try:
            source = str(self.source or "the standard agenda")
            return templating.keep(data, source=source, project=project, actor=actor)
        except ValueError as error:
            self.add_error(None, str(error))
            return None


class AnswerForm(forms.Form):
    """What a template's fields ask."""

    template: Template | None = None

    def ask(self, template: Template) -> None:
        self.template = template
        for place, field in enumerate(template.fields):
            self.fields[f"field-{place}"] = _asked(field)

    @property
    def asked(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("field-")]

    @property
    def answers(self) -> dict[str, Answer]:
        """By path; of a form that is valid."""
        found: dict[str, Answer] = {}
        for place, field in enumerate(self.template.fields if self.template else []):
            value = self.cleaned_data[f"field-{place}"]
            whole = isinstance(field["default"], int) and isinstance(value, float)
            found[field["path"]] = int(value) if whole and value.is_integer() else value
            if "choices" in field and not isinstance(field["default"], list):
                found[field["path"]] = field["choices"][int(value)]
        return found


def _usual_label(path: str) -> str:
    """What a value of a review's agenda is called where nobody calls it otherwise."""
    usual = {
        "due_days": "Days until it should be done",
        "decisions": "Signatures that an approval takes",
        "interval_days": "Days from approval to the next review",
    }
    if point := POINT.fullmatch(path):
        of = {"do": "what to do", "look_for": "what to look for"}.get(point[2], point[2])
        return f"Point {int(point[1]) + 1}: {of}"
    return usual.get(path, "")


class UseForm(RoomForm, AnswerForm):
    """A form made from a template's fields, and what else it takes to use it."""

    template: Template

    def __init__(self, *args: Any, template: Template, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, standing=standing, **kwargs)
        self.ask(template)

    def used(self, *, owner: User) -> Any:
        """What was made; None, with the reason on the form, where it is refused."""
        try:
            return self.make(owner=owner)
        except ValueError as error:
            self.add_error(None, str(error))
            return None

    def make(self, *, owner: User) -> Any:
        raise NotImplementedError


def _asked(field: Data) -> forms.Field:
    """The form's field for one of a template's."""
    default = field["default"]
    said = {"label": field.get("label", field["path"]), "help_text": field.get("help", "")}
    if isinstance(default, list):
        return ListField(field, initial=template_file.shown(default), **said)
    if "choices" in field:
        choices = [(str(n), str(one)) for n, one in enumerate(field["choices"])]
        place = str(field["choices"].index(default))
        return forms.ChoiceField(choices=choices, initial=place, **said)
    if isinstance(default, bool):
        return forms.BooleanField(required=False, initial=default, **said)
    if isinstance(default, int | float):
        return forms.FloatField(
            initial=default, min_value=field.get("least"), max_value=field.get("most"), **said
        )
    widget = forms.Textarea(attrs={"rows": 4}) if "\n" in default or len(default) > 80 else None
    return forms.CharField(required=False, initial=default, widget=widget, strip=False, **said)


class ListField(forms.CharField):
    """A list of a template's: text by lines, numbers behind commas."""

    def __init__(self, field: Data, **kwargs: Any) -> None:
        of_text = isinstance(field["default"][0], str)
        how = "One entry a line." if of_text else "Numbers behind commas."
        kwargs["help_text"] = f"{kwargs['help_text']} {how}".strip()
        rows = min(len(field["default"]) + 1, 10) if of_text else 2
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)
        self.field = field

    def clean(self, value: Any) -> Any:
        try:
            return template_file.read_answer(self.field, super().clean(value))
        except ExchangeError as error:
            raise forms.ValidationError(str(error)) from error


class TrainByTemplate(UseForm):
    """A training run."""

    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why, in terms of sound or physics. It stays with the version.",
    )

    def make(self, *, owner: User) -> Job:
        run = templating.train(
            self.template,
            self.answers,
            seed=self.cleaned_data["seed"],
            reason=self.cleaned_data["reason"],
            project=self.room,
            actor=owner.get_username(),
        )
        return run.job


class DraftByTemplate(UseForm):
    """A draft of a campaign."""

    sounds_of = forms.ModelChoiceField(
        Campaign.objects.none(),
        label="Conditions and items of",
        help_text="A campaign whose sounds it is to play; a draft made of uploaded sounds will do.",
    )

    def __init__(self, *args: Any, template: Template, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, template=template, standing=standing, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["sounds_of"].queryset = Campaign.objects.visible_to(standing.user)

    def make(self, *, owner: User) -> Campaign:
        return templating.draft(
            self.template,
            self.answers,
            slug=free_slug(self.template.title),
            sounds_of=self.cleaned_data["sounds_of"],
            owner=owner,
            project=self.room,
            actor=owner.get_username(),
        )


class ReviewByTemplate(UseForm):
    """A review."""

    subject = forms.ChoiceField(
        label="Of what",
        help_text="A candidate, an approved version or a campaign that was launched, of which no review is open.",
    )
    title = forms.CharField(
        required=False, max_length=200, help_text="Empty: made of what is reviewed."
    )

    def __init__(self, *args: Any, template: Template, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, template=template, standing=standing, **kwargs)
        # it belongs where what is reviewed does
        self.fields.pop("project", None)
        rooms = standing.rooms()
        self.subjects: dict[str, ModelVersion | Campaign] = {
            **{str(one): one for one in _reviewable_versions(rooms)},
            **{one.slug: one for one in _reviewable_campaigns(rooms)},
        }
        fields: dict[str, Any] = self.fields
        fields["subject"].choices = [
            (key, f"{key} ({marks.of(one).label})" if isinstance(one, ModelVersion) else one.title)
            for key, one in self.subjects.items()
        ]

    def make(self, *, owner: User) -> Review:
        return templating.begin_review(
            self.template,
            self.answers,
            subject=self.subjects[self.cleaned_data["subject"]],
            title=self.cleaned_data["title"],
            actor=owner.get_username(),
        )


def _reviewable_versions(rooms: Sequence[Project]) -> list[ModelVersion]:
    open_ones = Review.objects.open().filter(version__isnull=False)
    found = ModelVersion.objects.with_standing().select_related("model__project")
    found = found.filter(model__project__in=rooms).exclude(pk__in=open_ones.values("version"))
    states = (Mark.State.CANDIDATE, Mark.State.APPROVED)
    begun = found.filter(standings__isnull=False).distinct().order_by("-pk")[:SHOWN]
    return [one for one in begun if marks.of(one).state in states]


def _reviewable_campaigns(rooms: Sequence[Project]) -> list[Campaign]:
    open_ones = Review.objects.open().filter(campaign__isnull=False)
    found = Campaign.objects.select_related("project").filter(project__in=rooms, preview_of=None)
    found = found.exclude(state=Campaign.State.DRAFT).exclude(pk__in=open_ones.values("campaign"))
    return list(found.order_by("-pk")[:SHOWN])


USES: dict[str, type[UseForm]] = {
    RECIPE: TrainByTemplate,
    CAMPAIGN: DraftByTemplate,
    REVIEW: ReviewByTemplate,
}
