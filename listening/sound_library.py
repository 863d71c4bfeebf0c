"""The sounds and model versions that a campaign's document may name, by file or by hash, for whoever composes it.

All that takes its time is done here, before anything is stored: sounds are read, anchors are made, items that would
clip are turned down, and what is new is staged (models_registry/staging.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from django.db.models import Q

from listening import access
from listening.anchors import made_anchor
from listening.building import gain_within
from listening.exchange.campaign_document import HASH_PREFIX, MADE, Data
from listening.exchange.documents import Path as Where
from listening.models import Campaign
from listening.plan import Part, not_recorded, recordings
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.models import ModelVersion, Signal
from models_registry.staging import Stage, Staged
from models_registry.teams import Person

Progress = Callable[[float, str], None]
Problems = list[tuple[Where, str]]
Sound = Signal | Staged


class Library:
    """Where a document's sounds and versions come from: files below a folder, read once each, and what is stored.

    Of that, what `person` may know of (none: the operator, everything) and what `campaign` has already. `origin` says
    where the files came from; new sounds are put on the `stage`.
    """

    def __init__(
        self,
        folder: Path | None,
        person: Person,
        campaign: Campaign | None,
        *,
        stage: Stage,
        origin: str = "",
    ) -> None:
        self.folder, self.signals = folder, access.signals(person)
        self.stage, self.origin = stage, origin
        visible = ModelVersion.objects.visible_to(person)
        used = campaign.conditions.values("version") if campaign else []
        self.versions = ModelVersion.objects.filter(Q(pk__in=visible) | Q(pk__in=used))
        self._recorded = recordings(campaign.plan) if campaign else frozenset()
        self.known: dict[str, Sound] = {}

    def sound(self, source: str) -> Sound:
        """Raises `AudioError` for a name that leads to no sound."""
        if source not in self.known:
            self.known[source] = (
                self._stored(source) if source.startswith(HASH_PREFIX) else self._file(source)
            )
        return self.known[source]

    def _stored(self, source: str) -> Signal:
        try:
            return self.signals.get(sha256=source.removeprefix(HASH_PREFIX))
        except Signal.DoesNotExist:
            raise AudioError(
                f"expected the hash of a stored signal, found none of {source}"
            ) from None

    def _file(self, source: str) -> Staged:
        if self.folder is None:
            raise AudioError(
                f"expected a folder of audio to look for {source} in, found none named"
            )
        # paths may begin where another server's root was
        steps = PurePosixPath(source.replace("\\", "/")).parts
        for skipped in range(len(steps)):
            found = self.folder.joinpath(*steps[skipped:])
            inside = found.resolve().is_relative_to(self.folder.resolve())
            if inside and found.is_file():
                provenance = f"{source}, {self.origin}" if self.origin else ""
                return self.stage.add(audio.read(found, name=source), provenance=provenance)
        raise AudioError(f"expected the file {source} in the folder of audio, found none")

    def lacks(self, plan: list[Part]) -> list[str]:
        """A sentence for each recording of the plan that is not there."""
        wanted = recordings(plan) - self._recorded
        there = self.signals.filter(sha256__in=wanted).values_list("sha256", flat=True)
        return [not_recorded(sha256) for sha256 in sorted(wanted.difference(there))]

    def sounds_of(
        self, data: Data, problems: Problems, progress: Progress
    ) -> list[dict[str, Sound]]:
        """For each item its sounds by condition, and its open reference under the empty name; what is wrong goes to
        `problems`, each with its place."""
        of_items = []
        for place, item in enumerate(data["items"]):
            sounds: dict[str, Sound] = {}
            named = {"": item.get("reference")} | item.get("stimuli", {})
            for name, source in named.items():
                if source is None:
                    continue
                path = ("items", place, *(("stimuli", name) if name else ("reference",)))
                try:
                    sounds[name] = self.sound(source)
                except AudioError as error:
                    problems.append((path, str(error)))
            try:
                self._make(sounds, data["conditions"])
            except AudioError as error:
                problems.append((("items", place), f"{item['title']}: {error}"))
            of_items.append(sounds if problems else self._unclipped(item["title"], sounds))
            progress((place + 1) / len(data["items"]), "reading sounds")
        return of_items

    def _make(self, sounds: dict[str, Sound], conditions: list[Data]) -> None:
        """Add what is made from the open reference: the hidden reference, the anchors."""
        reference = sounds.get("")
        if reference is None:
            return
        heard: Audio | None = None
        for condition in conditions:
            name, role = condition["name"], condition.get("role", "system")
            made = condition.get("made", {})
            if name in sounds or not (made or role in MADE):
                continue
            if role == "reference":
                sounds[name] = reference
                continue
            heard = heard or reference.audio()
            kind = f"{made['kind']} at {made['at']:g}" if "at" in made else made.get("kind", role)
            provenance = f"{kind}, made of {reference.sha256}"
            sounds[name] = self.stage.add(made_anchor(heard, role, made), provenance=provenance)

    def _unclipped(self, title: str, sounds: dict[str, Sound]) -> dict[str, Sound]:
        """All sounds of an item turned down alike where any of them would clip; as they are where none would."""
        peaks = {name: _peak(sound) for name, sound in sounds.items()}
        gain = gain_within(max(peaks.values(), default=0.0))
        if gain == 1:
            return sounds
        said = f"at {20 * np.log10(gain):.2f} dB, so that {title} does not clip"
        turned: dict[str, Sound] = {}
        for name, sound in sounds.items():
            heard = sound.audio()
            provenance = f"{sound.sha256} {said}"
            if isinstance(sound, Staged) and sound.provenance:
                provenance = f"{sound.provenance}; {provenance}"
            turned[name] = self.stage.add(
                Audio(heard.samples * gain, heard.rate), provenance=provenance
            )
        return turned


def _peak(sound: Sound) -> float:
    if isinstance(sound, Staged):
        return sound.peak
    return float(np.abs(sound.audio().samples).max())
