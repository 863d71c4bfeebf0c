"""Forms of the researcher's pages."""

from __future__ import annotations

from typing import Any

from django import forms

from listening.access import Standing
from listening.admission import groups
from listening.models import Campaign
from models_registry import training
from models_registry.models import Job
from models_registry.teams import Project


class RoomForm(forms.Form):
    """A form that makes something in a project: asked for where the person may do so in several."""

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._standing = standing
        room = standing.room()
        if len(standing.rooms()) > 1:
            self.fields["project"] = forms.ChoiceField(
                choices=[(one.slug, one.name) for one in standing.rooms()],
                initial=room.slug,
                help_text="Whose it is to be: its members will see it.",
            )

    @property
    def room(self) -> Project:
        """The project chosen; of a form that is valid."""
        return self._standing.room(self.cleaned_data.get("project", ""))


class ReasonForm(forms.Form):
    """Why a campaign is closed."""

    reason = forms.CharField(
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="It goes into the record. Nobody new can begin after that; who is in the middle may finish.",
    )


def _moment(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(required=False, label=f"{label} (UTC)", widget=widget)


class ChangeForm(forms.Form):
    """What may change of a campaign that runs, and why; for each of its groups a quota of its own."""

    quota = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label="Listeners wanted",
        help_text="Empty: no end.",
    )
    opens_at = _moment("Takes listeners from")
    closes_at = _moment("and until")
    reason = forms.CharField(
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="It goes into the record, with what was before.",
    )

    def __init__(self, data: Any = None, *, campaign: Campaign, **kwargs: Any) -> None:
        now = {key: getattr(campaign, key) for key in ("quota", "opens_at", "closes_at")}
        super().__init__(data, initial=now, **kwargs)
        self._groups = {f"group-{place}": name for place, name in enumerate(groups(campaign))}
        for field, name in self._groups.items():
            self.fields[field] = forms.IntegerField(
                min_value=0,
                max_value=1_000_000,
                required=False,
                label=f"Listeners wanted of {name}",
                initial=campaign.group_quotas.get(name),
                help_text="Empty: all are taken.",
            )
        self.order_fields(["quota", *self._groups])

    @property
    def asked(self) -> dict[str, Any]:
        """What `revising.change` is to do; of a form that is valid."""
        found = dict(self.cleaned_data)
        of_groups = {name: found.pop(field) for field, name in self._groups.items()}
        return found | ({"group_quotas": of_groups} if of_groups else {})


class InvitationForm(forms.Form):
    """Links that are each for one session."""

    count = forms.IntegerField(min_value=1, max_value=10_000, initial=20, label="How many")
    days = forms.FloatField(
        min_value=0.01,
        max_value=3650,
        required=False,
        label="Days until an unused one expires",
        help_text="Empty: never.",
    )
    group = forms.CharField(
        max_length=80,
        required=False,
        label="Group",
        help_text="Whose quota they count for, where the campaign has groups by invitation.",
    )
    only = forms.BooleanField(
        required=False, label="Take listeners by such links alone from now on"
    )


def shipped_recipes() -> list[tuple[str, str]]:
    return [(name, name) for name in training.shipped()]


class TrainForm(RoomForm):
    """A recipe, a seed and the reason for training it once more."""

    # by name only: on the command line a recipe may also be a path, which is nothing to take from a browser
    recipe = forms.ChoiceField(choices=shipped_recipes)
    settings = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "training.steps=300"}),
        help_text="Where it should differ from the recipe: one key=value a line.",
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What should sound different, or which physics was missing: “the low shelf had no room below 80 Hz”, "
        "not “tried again”. It stays with the version.",
    )

    def clean_settings(self) -> dict[str, str]:
        settings = {}
        for line in filter(None, map(str.strip, self.cleaned_data["settings"].splitlines())):
            key, equals, value = (part.strip() for part in line.partition("="))
            if not (key and equals and value):
                raise forms.ValidationError(f"expected key=value, found {line!r}")
            settings[key] = value
        return settings

    def queue(self, *, actor: str) -> Job | None:
        """Queue the training; None, with an error on the form, where the recipe or a setting is refused."""
        asked: dict[str, Any] = self.cleaned_data
        try:
            run = training.queue(
                asked["recipe"],
                asked["settings"],
                seed=asked["seed"],
                reason=asked["reason"],
                actor=actor,
                project=self.room,
            )
        except ValueError as error:
            self.add_error(None, str(error))
            return None
        return run.job
