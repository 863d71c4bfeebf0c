"""The forms of templates: which values are opened, a file to take in, and the form that a template's fields make."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile

from listening import templating
from listening.access import Standing
from listening.exchange import template_file
from listening.exchange.documents import decoded
from listening.exchange.template_file import CAMPAIGN, RECIPE, Answer, Data
from listening.making import free_slug
from listening.models import Campaign, Template
from listening.views.forms import RoomForm
from models_registry.models import Job
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
)


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
        about = {
            "name": content.get("name", "") or getattr(source, "slug", ""),
            "title": content.get("title", ""),
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
                required=False, max_length=200, label=f"Label of {path}"
            )
            self.fields[f"help-{place}"] = forms.CharField(
                required=False, max_length=1000, label=f"Help for {path}"
            )

    @property
    def about(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "title", "purpose")]

    @property
    def rows(self) -> list[tuple[str, Answer, list[forms.BoundField]]]:
        """Each value that may be opened: its path, what it is, and its three fields."""
        return [
            (path, value, [self[f"{part}-{place}"] for part in ("open", "label", "help")])
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
            return templating.keep(data, source=str(self.source), project=project, actor=actor)
        except ValueError as error:
            self.add_error(None, str(error))
            return None


class UseForm(RoomForm):
    """A form made from a template's fields."""

    def __init__(self, *args: Any, template: Template, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, standing=standing, **kwargs)
        self.template = template
        for place, field in enumerate(template.fields):
            self.fields[f"field-{place}"] = _asked(field)

    @property
    def answers(self) -> dict[str, Answer]:
        """By path; of a form that is valid."""
        found: dict[str, Answer] = {}
        for place, field in enumerate(self.template.fields):
            value = self.cleaned_data[f"field-{place}"]
            whole = isinstance(field["default"], int) and isinstance(value, float)
            found[field["path"]] = int(value) if whole and value.is_integer() else value
            if "choices" in field:
                found[field["path"]] = field["choices"][int(value)]
        return found

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


USES: dict[str, type[UseForm]] = {RECIPE: TrainByTemplate, CAMPAIGN: DraftByTemplate}
