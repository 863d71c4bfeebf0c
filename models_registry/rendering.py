"""A version and a signal give a signal: rendered once, kept for good."""

from __future__ import annotations

from django.db import transaction

from models_registry import audit
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.models import ModelVersion, Rendering, Signal


def render(version: ModelVersion, source: Signal, *, actor: str) -> Rendering:
    """The version's output for `source`; an earlier rendering of the same input is returned as it is."""
    if existing := version.renderings.filter(input=source).select_related("output").first():
        return existing
    sound = source.audio()
    samples = engine().render(version.load(), sound.samples, sound.rate)
    return keep(version, source, Audio(samples, sound.rate), actor=actor)


def keep(version: ModelVersion, source: Signal, sound: Audio, *, actor: str) -> Rendering:
    """`sound` as the version's output for `source`; an earlier rendering of the same input stays."""
    output = Signal.objects.store(
        sound,
        title=f"{source.title} by {version}",
        provenance=f"rendered from {source.sha256} by {version} ({version.sha256})",
    )
    with transaction.atomic():
        rendering, created = Rendering.objects.get_or_create(
            version=version, input=source, defaults={"output": output}
        )
        if created:
            audit.record(
                "render",
                version,
                actor=actor,
                content={
                    "input": source.sha256,
                    "output": output.sha256,
                    "version": version.sha256,
                },
            )
    return rendering
