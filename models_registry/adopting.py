"""A new device for a version that knows several: some seconds of its sound make the next version of the model.

Importing this module does not import torch; running it does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from models_registry import audit, jobs
from models_registry.extra import engine
from models_registry.models import Job, ModelVersion, NoReason, Signal
from models_registry.teams import Project

LONGEST_NAME = 100


class AdoptionError(ValueError):
    """A version that knows no devices, a name that cannot be given, or no recordings."""


def ask(
    version: ModelVersion,
    name: str,
    *,
    dry: Sequence[Signal],
    wet: Sequence[Signal],
    reason: str = "",
    actor: str,
) -> dict[str, Any]:
    """The arguments of a job that adopts the device `name`; raises `AdoptionError` for what cannot be adopted.

    `dry` is what was played to the device, or another programme of the same kind; `wet` is what it recorded.
    """
    name = name.strip()
    if not version.knows:
        raise AdoptionError(
            f"expected a version that knows devices by name, such as the recipe device makes, found {version}, "
            "which knows none"
        )
    if not 0 < len(name) <= LONGEST_NAME or set(name) & set(":,/\\"):
        raise AdoptionError(
            f"expected a name of 1 to {LONGEST_NAME} characters without colon, comma and slash, found {name!r}"
        )
    if name in version.knows:
        raise AdoptionError(f"expected a new name, found {name!r}, which {version} knows already")
    if not dry or not wet:
        raise AdoptionError(
            "expected recordings and what was played (or other sound of the same kind), found "
            f"{len(wet)} and {len(dry)}"
        )
    if not reason.strip():
        raise NoReason(f"a version that knows {name}")
    return {
        "version": str(version),
        "name": name,
        "dry": [one.sha256 for one in dry],
        "wet": [one.sha256 for one in wet],
        "reason": reason.strip(),
        "actor": actor,
    }


def queue(arguments: dict[str, Any], *, project: Project) -> Job:
    """Ask a worker for what `ask` has checked; refused at once where the engine is not installed."""
    engine()
    return jobs.enqueue("adopt", arguments, project=project)


@jobs.handles("adopt")
def adopt(lease: jobs.Lease) -> str:
    """Arguments: as `ask` gives them."""
    given = lease.job.arguments
    version = ModelVersion.objects.named(given["version"])
    made = version.children.filter(card__adopted__job=lease.job.pk).first()
    if made is not None:
        return f"{made} was already registered"
    room = engine()
    lease.report(0.1, f"reading {len(given['dry']) + len(given['wet'])} recording(s)")
    sounds = {
        side: [Signal.objects.get(sha256=sha256).audio() for sha256 in given[side]]
        for side in ("dry", "wet")
    }
    chain, name = version.load(), given["name"]
    clips = room.clips_of(chain, **sounds)
    lease.report(0.3, f"finding what sets {name} apart")
    grown = room.adopted(chain, name, clips)
    adopted = {
        "name": name,
        "seconds": sum(sound.duration for sound in sounds["wet"]),
        "levels_before_db": room.level_difference(chain, clips, None),
        "levels_after_db": room.level_difference(grown, clips, name),
        "job": lease.job.pk,
    }
    after = _register(version, grown, adopted, given)
    return (
        f"registered {after}, which knows {name}: its levels by band are {adopted['levels_after_db']:.2f} dB from the "
        f"recording's, were {adopted['levels_before_db']:.2f} dB"
    )


def _register(
    version: ModelVersion, grown: Any, adopted: dict[str, Any], given: dict[str, Any]
) -> ModelVersion:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        grown.save(path)
        weights = path.read_bytes()
    with transaction.atomic():
        after = ModelVersion.objects.register(
            version.model,
            chain=grown.spec(),
            weights=weights,
            card=version.card | {"conditions": engine().told_apart(grown), "adopted": adopted},
            reason=given["reason"],
            parent=version,
        )
        audit.record(
            "adopt",
            after,
            actor=given["actor"],
            reason=given["reason"],
            content={
                "sha256": after.sha256,
                "weights_sha256": after.weights_sha256,
                "parent": version.sha256,
                "name": given["name"],
                "dry": given["dry"],
                "wet": given["wet"],
            },
        )
    return after
