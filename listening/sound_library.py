"""The sounds and model versions that a campaign's document may name, by file or by hash, for whoever composes it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from django.db.models import Q

from listening import access
from listening.exchange.campaign_document import HASH_PREFIX
from listening.models import Campaign
from listening.plan import Part, not_recorded, recordings
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.models import ModelVersion, Signal
from models_registry.teams import Person


class Library:
    """Where a document's sounds and versions come from: files below a folder, read once each, and what is stored.

    Of that, what `person` may know of (none: the operator, everything) and what `campaign` has already.
    """

    def __init__(self, folder: Path | None, person: Person, campaign: Campaign | None) -> None:
        self.folder, self.signals = folder, access.signals(person)
        visible = ModelVersion.objects.visible_to(person)
        used = campaign.conditions.values("version") if campaign else []
        self.versions = ModelVersion.objects.filter(Q(pk__in=visible) | Q(pk__in=used))
        self._recorded = recordings(campaign.plan) if campaign else frozenset()
        self.known: dict[str, Audio | Signal] = {}

    def sound(self, source: str) -> Audio | Signal:
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

    def _file(self, source: str) -> Audio:
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
                return audio.read(found, name=source)
        raise AudioError(f"expected the file {source} in the folder of audio, found none")

    def lacks(self, plan: list[Part]) -> list[str]:
        """A sentence for each recording of the plan that is not there."""
        wanted = recordings(plan) - self._recorded
        there = self.signals.filter(sha256__in=wanted).values_list("sha256", flat=True)
        return [not_recorded(sha256) for sha256 in sorted(wanted.difference(there))]
