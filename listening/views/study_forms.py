"""The forms that ask for a study of a version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django import forms

from listening.views.rendering import SoundsForm
from listening.views.uploads import ManyFilesField
from models_registry import studying
from models_registry.models import Job, ModelVersion, Signal, Study

# how the choice of an earlier study's own material begins
BEFORE = "study:"


class StudyForm(SoundsForm):
    """Fields of a kind are its own; `settings` says what they come to, as the kind's function reads it.

    Raise `ValueError` in `settings` where the fields do not go together: the form says the sentence.
    """

    kind: ClassVar[str]
    here: ClassVar[Sequence[str]] = ()

    def __init__(self, *args: Any, version: ModelVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version

    def settings(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @classmethod
    def again(cls, study: Study) -> dict[str, Any]:
        """The fields as they would have been filled in to ask what `study` was asked."""
        asked = dict(study.settings)
        for name in cls.here:
            if name in asked:
                named = asked[name] if isinstance(asked[name], list) else [asked[name]]
                found = Signal.objects.filter(sha256__in=named).values_list("pk", flat=True)
                asked[name] = list(found)
                if not isinstance(study.settings[name], list):
                    asked[name] = next(iter(found), None)
        return asked

    def asked_before(self) -> list[tuple[str, Study]]:
        """Studies of this kind and version, as the value of a choice and the study, the newest first."""
        before = self.version.studies.filter(kind=self.kind).defer("result")
        return [(f"{BEFORE}{one.pk}", one) for one in before]

    def before(self, chosen: str) -> Study:
        """The study that such a choice names."""
        return self.version.studies.get(kind=self.kind, pk=int(chosen.removeprefix(BEFORE)))

    def queue(self, *, actor: str) -> Job | None:
        return self.queued(partial(self._ask, actor))

    def _ask(self, actor: str) -> Job:
        return studying.queue(
            self.version, self.kind, {**self.settings(), **self.sounds(actor)}, actor=actor
        ).job

    def sounds(self, actor: str) -> dict[str, Any]:
        return {}


class SoundStudyForm(StudyForm):
    """A study of what the version does to sounds: `signals` among its settings are their hashes, perhaps none."""

    here: ClassVar[Sequence[str]] = ("signals",)

    signals = forms.ModelMultipleChoiceField(
        Signal.objects.none(), required=False, label="Sounds that are here already"
    )
    sent = ManyFilesField(required=False, label="Sounds to send")

    def settings(self) -> dict[str, Any]:
        own = set(self.cleaned_data) - {"signals", "sent"}
        return {name: self.cleaned_data[name] for name in own}

    def sounds(self, actor: str) -> dict[str, Any]:
        kept = self.stored("sent", "signals", actor=actor, project=self.version.project)
        return {"signals": [one.sha256 for one in kept]}
