"""Studies: one question to a version, asked by one function, answered by one row.

A kind of study is a function registered by `@study` in a module that an app's `tasks.py` imports. It takes the version,
the settings (plain JSON; sounds are named in them by their hashes) and `told(share, message)`, which shows how far it
is and raises where the work is to stop; it returns plain JSON. What it makes to be heard it keeps by `keep_sound` and
names by the hash that it gets back.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.module_loading import autodiscover_modules

from models_registry import audio, audit, jobs, rendering
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.models import Job, ModelVersion, Signal, Study, canonical_json

Found = dict[str, Any]
Told = Callable[[float, str], None]
Run = Callable[[ModelVersion, dict[str, Any], Told], Found]
Check = Callable[[ModelVersion, dict[str, Any]], None]
HASH = re.compile(r"[0-9a-f]{64}")
RELIED_ON = ("torch", "numpy", "scipy")


class StudyError(ValueError):
    """A question that cannot be asked, or not of this version; the message says why and what to do."""


@dataclass(frozen=True)
class Kind:
    """A kind of study: its name in addresses, its title, what it tells, its settings as they are where nobody says
    otherwise, the function that answers it, and one that raises `StudyError` for what can be seen at once not to be
    answered."""

    name: str
    title: str
    purpose: str
    settings: Found
    run: Run
    check: Check = lambda version, settings: None

    def complete(self, asked: Found) -> Found:
        """The settings asked for over the defaults; raises `StudyError` at one that is unknown or of another type."""
        for name, value in asked.items():
            if name not in self.settings:
                known = ", ".join(sorted(self.settings)) or "none"
                raise StudyError(f"expected settings among {known}, found {name!r}")
            default = self.settings[name]
            # whole numbers do where any number does; None stands for "not said"
            fits = float | int if isinstance(default, float) else type(default)
            if default is not None and (
                not isinstance(value, fits) or isinstance(value, bool) > isinstance(default, bool)
            ):
                raise StudyError(
                    f"expected {name} to be a {type(default).__name__}, found {str(value)[:80]!r}"
                )
        return {**self.settings, **asked}


KINDS: dict[str, Kind] = {}


def study(
    name: str,
    *,
    title: str,
    purpose: str,
    settings: Found,
    check: Check = lambda version, settings: None,
) -> Callable[[Run], Run]:
    """Register the function that answers studies of this kind; `settings` are its defaults, and say which there are."""

    def register(run: Run) -> Run:
        KINDS[name] = Kind(name, title, purpose, settings, run, check)
        return run

    return register


def kinds() -> dict[str, Kind]:
    """All that can be asked, by name."""
    autodiscover_modules("tasks")
    return KINDS


def kind_named(name: str) -> Kind:
    """Raises `StudyError` where there is none."""
    known = kinds()
    if name not in known:
        raise StudyError(f"expected one of {', '.join(sorted(known))}, found the study {name!r}")
    return known[name]


def queue(version: ModelVersion, kind: str, settings: Found, *, actor: str) -> Study:
    """Ask a worker; raises `StudyError`, and `EngineMissing` where the engine is not installed."""
    return _asked(version, kind, settings, actor, jobs.enqueue)


def here(version: ModelVersion, kind: str, settings: Found, *, actor: str) -> Study:
    """A study that this process holds, for `jobs.work_here`."""
    return _asked(version, kind, settings, actor, jobs.hold)


def _asked(
    version: ModelVersion, kind: str, settings: Found, actor: str, begin: Callable[..., Job]
) -> Study:
    engine()
    known = kind_named(kind)
    complete = known.complete(settings)
    known.check(version, complete)
    with transaction.atomic():
        arguments = {"kind": known.name, "version": str(version), "actor": actor}
        job = begin("study", arguments, project=version.project)
        return Study.objects.create(version=version, kind=known.name, settings=complete, job=job)


@jobs.handles("study")
def answer(lease: jobs.Lease) -> str:
    """Arguments: kind, version, actor, to be read; the study is the job's own."""
    asked: Study = lease.job.study
    known = kind_named(asked.kind)
    result = known.run(asked.version, asked.settings, partial(_told, lease))
    lease.report(1.0, "writing down what was found")
    # refuses NaN, which no reader of JSON takes
    text = canonical_json(result)
    with transaction.atomic():
        Study.objects.filter(pk=asked.pk).update(result=result, environment=_environment())
        asked.signals.set(Signal.objects.filter(sha256__in=set(hashes_in(result))))
        audit.record(
            "study",
            asked,
            actor=lease.job.arguments["actor"],
            content={
                "kind": asked.kind,
                "version": asked.version.sha256,
                "settings": asked.settings,
                "result": hashlib.sha256(text.encode()).hexdigest(),
            },
            project=asked.project,
        )
    return f"{known.title.lower()} of {asked.version}"


def _told(lease: jobs.Lease, share: float, message: str) -> None:
    if lease.should_stop():
        raise jobs.Stopped("stopped; nothing was kept")
    lease.report(share, message)


def part_of(told: Told, start: float, end: float) -> Told:
    """What a part of the work tells, as from `start` to `end` of the whole."""
    return lambda share, message: told(start + share * (end - start), message)


def _environment() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: installed(name) for name in RELIED_ON}}


def chain_of(version: ModelVersion, condition: str = "") -> Any:
    """The version's chain as `condition`; raises `StudyError` where its weights are gone or it knows no such device."""
    if condition and condition not in version.knows:
        known = ", ".join(version.knows) or "none"
        raise StudyError(
            f"expected a condition that {version} knows, found {condition!r}; known: {known}"
        )
    try:
        return rendering.load(version, condition)
    except (OSError, engine().EngineError) as error:
        raise StudyError(
            f"expected the weights of {version}, found none that can be read: restore their file, or train it again"
        ) from error


# sounds


def keep_sound(version: ModelVersion, sound: Audio, *, title: str, how: str) -> str:
    """Store what a study of `version` makes to be heard and give its hash; `how` it came about completes "made by"."""
    provenance = f"made by {how} from {version} ({version.sha256})"
    return Signal.objects.store(sound, title=title, provenance=provenance).sha256


def keep_files(
    version: ModelVersion, paths: Iterable[Path], *, read: Callable[[Path], Audio] = audio.read
) -> list[str]:
    """Store sounds from the disk for a study's settings and give their hashes; raises `AudioError`, keeping none."""
    sounds = [(path, read(path)) for path in paths]
    with transaction.atomic():
        kept = [
            Signal.objects.store(sound, title=path.stem, provenance=f"from {path.name}")
            for path, sound in sounds
        ]
        for signal in kept:
            signal.holders.add(version.project)
    return [signal.sha256 for signal in kept]


def sounds_of(hashes: Iterable[str]) -> list[Signal]:
    """The signals that a study's settings name, in their order; raises `StudyError` where one is gone."""
    wanted = list(hashes)
    known = Signal.objects.in_bulk(wanted, field_name="sha256")
    if gone := [sha256[:12] for sha256 in wanted if sha256 not in known]:
        raise StudyError(f"expected stored signals, found none of hash {', '.join(gone)}")
    return [known[sha256] for sha256 in wanted]


def hashes_in(found: Any) -> Iterator[str]:
    """The signals' hashes that a result names, wherever it does."""
    if isinstance(found, dict):
        for value in found.values():
            yield from hashes_in(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from hashes_in(value)
    elif isinstance(found, str) and HASH.fullmatch(found):
        yield found
