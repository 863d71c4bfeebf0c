"""Sounds that a browser sends: all of them checked before one of them is kept.

The limits are the settings UPLOAD_MB, UPLOAD_FILES and UPLOAD_SECONDS. What is not audio, or no audio that can be
measured, is refused by name with one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from metrics.contract import MetricError, check_pair
from metrics.tasks import queue_scores
from models_registry import audit
from models_registry.audio import Audio, AudioError, read
from models_registry.models import Job, Signal
from models_registry.teams import Project

Source = UploadedFile | Signal
Pair = tuple[Source, Source | None]


class UploadError(ValueError):
    """Sounds that cannot be scored as they were sent; `reasons` has a sentence for each fault."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def paired(references: Sequence[Source], sounds: Sequence[Source]) -> list[Pair]:
    """Each of the `sounds` with its reference: the only one, or of several the one of its file name; or none."""
    if not sounds:
        raise UploadError("Expected at least one sound to be scored, found none.")
    if len(references) <= 1:
        return [(sound, next(iter(references), None)) for sound in sounds]
    by_name: dict[str, Source] = {}
    for reference in references:
        if _stem(reference) in by_name:
            raise UploadError(
                f"Expected references of different names, found {_name(reference)} twice."
            )
        by_name[_stem(reference)] = reference
    lacking = [_name(sound) for sound in sounds if _stem(sound) not in by_name]
    if lacking:
        raise UploadError(
            *(
                f"{name}: expected a reference of the same name among the {len(references)} sent, found none."
                for name in lacking
            )
        )
    return [(sound, by_name[_stem(sound)]) for sound in sounds]


def check(pairs: Sequence[Pair], *, align: bool = False) -> None:
    """Read everything once and refuse, with all reasons at once, what cannot be kept or laid over its reference.

    To `align` them sound and reference may differ in length.
    """
    reasons, shapes = [], {}
    for source in _sources(pairs):
        try:
            audio = _audio(source)
        except AudioError as error:
            reasons.append(f"{error}.")
            continue
        # of many long sounds only what is needed to compare them stays in memory
        shapes[id(source)] = audio.samples.shape, audio.rate
    for sound, reference in pairs:
        if reference is None or not {id(sound), id(reference)} <= shapes.keys():
            continue
        (shape, rate), (expected, expected_rate) = shapes[id(sound)], shapes[id(reference)]
        if align:
            shape, expected = (shape[0], 0), (expected[0], 0)
        try:
            check_pair(expected, shape, expected_rate, rate, name=_name(sound))
        except MetricError as error:
            reasons.append(f"{error}.")
    if reasons:
        raise UploadError(*reasons)


def queue(
    pairs: Sequence[Pair],
    names: Sequence[str],
    *,
    align: bool = False,
    actor: str,
    project: Project,
) -> Job:
    """Keep the sounds and queue a job that scores them, with `align` their lag undone.

    Nothing is kept where one is refused (`UploadError`).
    """
    check(pairs, align=align)
    with transaction.atomic():
        kept = {id(source): _kept(source, actor) for source in _sources(pairs)}
        sent = [kept[id(one)].sha256 for one in _sources(pairs) if isinstance(one, UploadedFile)]
        if sent:
            project.signals.add(*kept.values())
            audit.record(
                "upload",
                f"{len(sent)} sound(s)",
                actor=actor,
                content={"signals": sent},
                project=project,
            )
        signals = [(kept[id(one)], kept[id(other)] if other else None) for one, other in pairs]
        return queue_scores(signals, names, align=align, actor=actor, project=project)


def keep_all(sources: Sequence[Source], *, actor: str, project: Project) -> list[Signal]:
    """Signals for what was sent and what is here already; nothing is kept where one is refused (`UploadError`)."""
    check([(source, None) for source in sources])
    with transaction.atomic():
        kept = [_kept(source, actor) for source in sources]
        sent = [
            signal.sha256
            for signal, source in zip(kept, sources, strict=True)
            if isinstance(source, UploadedFile)
        ]
        if sent:
            project.signals.add(*kept)
            what, content = f"{len(sent)} sound(s)", {"signals": sent}
            audit.record("upload", what, actor=actor, content=content, project=project)
    return kept


def keep(file: UploadedFile, *, title: str = "", actor: str, project: Project) -> Signal:
    """One sound by itself; raises `AudioError` where it cannot be kept."""
    sound = _audio(file)
    with transaction.atomic():
        signal = Signal.objects.store(
            sound, title=title or _name(file), provenance=f"{_name(file)}, uploaded by {actor}"
        )
        project.signals.add(signal)
        content = {"signals": [signal.sha256]}
        audit.record("upload", "1 sound(s)", actor=actor, content=content, project=project)
    return signal


def _sources(pairs: Sequence[Pair]) -> Iterator[Source]:
    """Every sound once, though it may be the reference of many."""
    unique = {id(source): source for pair in pairs for source in pair if source is not None}
    yield from unique.values()


def _audio(source: Source) -> Audio:
    if isinstance(source, Signal):
        return source.audio()
    source.seek(0)
    return read(
        cast(BinaryIO, source.file),
        name=_name(source),
        max_duration=settings.UPLOAD_SECONDS,
        max_bytes=settings.UPLOAD_MB * 1e6,
    )


def _kept(source: Source, actor: str) -> Signal:
    if isinstance(source, Signal):
        return source
    return Signal.objects.store(
        _audio(source), title=_name(source), provenance=f"uploaded by {actor}"
    )


def _name(source: Source) -> str:
    return source.title if isinstance(source, Signal) else PurePath(source.name or "a file").name


def _stem(source: Source) -> str:
    return PurePath(_name(source)).stem.lower()
