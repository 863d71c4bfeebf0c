"""Sounds: kept once, under the hash of their samples."""

from __future__ import annotations

import io

import soundfile
from django.core.files.base import ContentFile, File
from django.db import models

from models_registry import audio
from models_registry.audio import Audio
from models_registry.teams import Project
from models_registry.written_once import WrittenOnce


class SignalQuerySet(WrittenOnce, models.QuerySet["Signal"]):
    def store(self, sound: Audio, *, title: str, provenance: str = "") -> Signal:
        """Keep `sound` under the hash of its samples; the same samples are kept once, under their first title."""
        sha256 = audio.content_hash(sound)
        if existing := self.filter(sha256=sha256).first():
            return existing
        buffer = io.BytesIO()
        soundfile.write(buffer, sound.samples.T, sound.rate, subtype="FLOAT", format="WAV")
        stored, _ = self.keep(
            ContentFile(buffer.getvalue()),
            sha256=sha256,
            title=title,
            provenance=provenance,
            rate=sound.rate,
            channels=sound.channels,
            frames=sound.frames,
        )
        return stored

    def keep(
        self,
        content: File[bytes],
        *,
        sha256: str,
        title: str,
        provenance: str,
        rate: int,
        channels: int,
        frames: int,
    ) -> tuple[Signal, bool]:
        """The signal of this hash, with `content` as its file where it is new; whether it is."""
        signal = self.model(
            sha256=sha256,
            title=title[:200],
            provenance=provenance,
            rate=rate,
            channels=channels,
            frames=frames,
        )
        # The file is complete before the row that names it exists.
        signal.file.save(f"{sha256}.wav", content, save=False)
        stored, created = self.get_or_create(
            sha256=sha256,
            defaults={
                field: getattr(signal, field)
                for field in ("title", "provenance", "rate", "channels", "frames", "file")
            },
        )
        if not created:
            signal.file.delete(save=False)
        return stored, created


def signal_path(instance: Signal, filename: str) -> str:
    return f"signals/{instance.sha256[:2]}/{filename}"


class Signal(models.Model):
    """An immutable audio file, named by the SHA-256 of its samples and format."""

    sha256 = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    provenance = models.TextField(blank=True)
    rate = models.PositiveIntegerField(help_text="Hz")
    channels = models.PositiveSmallIntegerField()
    frames = models.PositiveIntegerField()
    file = models.FileField(upload_to=signal_path, max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    # sounds are kept once for all; who may hear one follows from these and from what it is used in
    holders = models.ManyToManyField(
        Project,
        related_name="signals",
        blank=True,
        help_text="the projects that it was given to by itself",
    )

    objects = SignalQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.title} ({self.sha256[:12]})"

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate

    def audio(self) -> Audio:
        """Read the samples; float32 WAV gives back exactly what was stored."""
        with self.file.open("rb") as file:
            samples, rate = soundfile.read(io.BytesIO(file.read()), dtype="float32", always_2d=True)
        return Audio(samples.T.copy(), rate)
