"""A version and a signal give a signal: rendered once, kept for good.

Conventions: a version that knows devices, rooms or speakers renders as one of them where a condition is named, and as
none in particular without. `MODEL[@N][:CONDITION]` names both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from django.db import transaction

from models_registry import audit, jobs
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.models import Job, ModelVersion, Rendering, Signal
from models_registry.teams import Project


class RenderError(ValueError):
    """What cannot be rendered: a condition that a version does not know, or nothing chosen."""


def chosen(name: str) -> tuple[ModelVersion, str]:
    """The version and the condition that `name` (`MODEL[@N][:CONDITION]`) names, the condition empty without one.

    Raises `ModelVersion.DoesNotExist` or `RenderError`.
    """
    model, _, condition = name.partition(":")
    version = ModelVersion.objects.named(model)
    if condition and condition not in version.knows:
        known = ", ".join(version.knows) or "none"
        raise RenderError(
            f"expected a condition that {version} knows, found {condition!r}; known: {known}"
        )
    return version, condition


def named(version: ModelVersion, condition: str) -> str:
    """The name that `chosen` reads."""
    return f"{version}:{condition}" if condition else str(version)


def load(version: ModelVersion, condition: str) -> Any:
    """The version's chain as `condition`; imports torch."""
    return version.load().under(condition or None)


def render(version: ModelVersion, source: Signal, *, condition: str = "", actor: str) -> Rendering:
    """The version's output for `source`; an earlier rendering of the same input is returned as it is."""
    return _rendered(version, condition, source, lambda: load(version, condition), actor)


def render_many(
    names: Sequence[str],
    signals: Sequence[Signal],
    *,
    actor: str,
    told: Callable[[int, str], object],
) -> Iterator[Rendering]:
    """Every version among `names` (see `chosen`) for every signal, one after the other; what is there already is not
    made again. `told(number, what)` hears of each before it begins."""
    wanted = [chosen(name) for name in names]
    for place, (version, condition) in enumerate(wanted):
        # read once for all signals, and only where one is missing
        loaded = cache(partial(load, version, condition))
        for number, source in enumerate(signals):
            told(place * len(signals) + number, f"{named(version, condition)} of {source.title}")
            yield _rendered(version, condition, source, loaded, actor)


def _rendered(
    version: ModelVersion,
    condition: str,
    source: Signal,
    loaded: Callable[[], Any],
    actor: str,
) -> Rendering:
    there = version.renderings.filter(input=source, condition=condition)
    if existing := there.select_related("output").first():
        return existing
    sound = source.audio()
    samples = engine().render(loaded(), sound.samples, sound.rate)
    return keep(version, source, Audio(samples, sound.rate), condition=condition, actor=actor)


def keep(
    version: ModelVersion, source: Signal, sound: Audio, *, condition: str = "", actor: str
) -> Rendering:
    """`sound` as the version's output for `source`; an earlier rendering of the same input stays."""
    name = named(version, condition)
    output = Signal.objects.store(
        sound,
        title=f"{source.title} by {name}",
        provenance=f"rendered from {source.sha256} by {name} ({version.sha256})",
    )
    with transaction.atomic():
        rendering, created = Rendering.objects.get_or_create(
            version=version, input=source, condition=condition, defaults={"output": output}
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
                    **({"condition": condition} if condition else {}),
                },
            )
    return rendering


def queue(names: Sequence[str], signals: Sequence[Signal], *, actor: str, project: Project) -> Job:
    """Ask a worker for every signal by every version among `names` (see `chosen`); refused before it is queued."""
    engine()
    if not names or not signals:
        raise RenderError("expected at least one model version and one signal, found none")
    versions = list(dict.fromkeys(named(*chosen(name)) for name in names))
    hashes = list(dict.fromkeys(signal.sha256 for signal in signals))
    asked = {"versions": versions, "signals": hashes, "actor": actor}
    return jobs.enqueue("render", asked, project=project)
