"""What another team's system made of a benchmark's items: checked whole, then kept whole or not at all.

A submission is hostile until shown otherwise. Its zip is held to the limits of other uploads (CAMPAIGN_MB), every name
has to lead below a folder, and every sound is read to its end before one is kept.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import IO, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from listening.exchange import submission_file
from listening.exchange.errors import ExchangeError
from listening.exchange.submission_file import MANIFEST, MAX_MANIFEST
from listening.freezing import BenchmarkError, said, shape
from listening.models import Benchmark, BenchmarkEntry, BenchmarkItem, BenchmarkOutput
from listening.unpacking import IntakeError, check_directory, check_entry, checked_name, is_litter
from models_registry import audio, audit, jobs
from models_registry.audio import Audio, AudioError
from models_registry.models import Job, Signal

# reasons told at once
TOLD = 20
# what a file may hold beside its samples, and how long one sample may be
HEADER_BYTES, SAMPLE_BYTES = 1 << 16, 8
# sounds beside those asked for, such as a readme
FURTHER = 20
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error, RuntimeError)


class SubmissionError(BenchmarkError):
    """A submission that is refused; `reasons` has one sentence for each fault."""

    def __init__(self, *reasons: str) -> None:
        shown = reasons[:TOLD]
        if len(reasons) > TOLD:
            shown = (*shown, f"and {len(reasons) - TOLD} more")
        super().__init__("; ".join(shown))
        self.reasons = shown


def submit(
    benchmark: Benchmark,
    source: IO[bytes],
    *,
    name: str,
    actor: str,
    begin: Callable[..., Job] = jobs.enqueue,
) -> BenchmarkEntry:
    """Take part with the outputs in the zip `source`: kept, and a job to score them.

    Raises `SubmissionError`, `DocumentError`, `ExchangeError` or `IntakeError`, and keeps nothing then.
    """
    check_directory(source, name)
    try:
        with zipfile.ZipFile(source) as archive:
            files = _files(archive, benchmark, name)
            told = _manifest(archive, files, name)
            items = _checked(archive, files, told, benchmark)
            return _kept(archive, files, told, items, benchmark, actor=actor, begin=begin)
    # a hostile archive's fields lead the reader anywhere
    except (*UNREADABLE, ValueError) as error:
        if isinstance(error, BenchmarkError | IntakeError | ExchangeError):
            raise
        raise SubmissionError(
            f"{name}: expected a zip that can be unpacked, found {error}"
        ) from error


def _files(archive: zipfile.ZipFile, benchmark: Benchmark, name: str) -> dict[str, zipfile.ZipInfo]:
    """The plain files by their names."""
    files: dict[str, zipfile.ZipInfo] = {}
    entries = [one for one in archive.infolist() if not one.is_dir()]
    most = benchmark.items.count() + 1 + FURTHER
    if len(entries) > most:
        raise SubmissionError(f"{name}: expected at most {most} files, found {len(entries)}")
    for entry in entries:
        check_entry(entry, name)
        path = checked_name(entry.filename, inside=name)
        if is_litter(path):
            continue
        if path in files:
            raise SubmissionError(f"{name}: expected each name once, found {path} twice")
        files[path] = entry
    declared = sum(one.file_size for one in files.values())
    if declared > settings.CAMPAIGN_MB * 1e6:
        raise SubmissionError(
            f"{name}: expected at most {settings.CAMPAIGN_MB} MB once unpacked, found {declared / 1e6:.0f} MB declared"
        )
    return files


def _manifest(
    archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo], name: str
) -> dict[str, Any]:
    if MANIFEST not in files:
        raise SubmissionError(f"{name}: expected {MANIFEST}, found none")
    return submission_file.manifest(
        _read(archive, files[MANIFEST], MAX_MANIFEST), name=f"{name}: {MANIFEST}"
    )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """A file's bytes, never more than `most` whatever its entry says."""
    with archive.open(entry) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise SubmissionError(f"{entry.filename}: expected at most {most} bytes, found more")
    return found


def _checked(
    archive: zipfile.ZipFile,
    files: dict[str, zipfile.ZipInfo],
    told: dict[str, Any],
    benchmark: Benchmark,
) -> Sequence[BenchmarkItem]:
    """The benchmark's items, once there is one sound as it should be for each; all reasons at once."""
    if (told["benchmark"], told["sha256"]) != (str(benchmark), benchmark.sha256):
        raise SubmissionError(
            f"expected outputs for {benchmark} ({benchmark.sha256[:12]}…), found {told['benchmark']} "
            f"({told['sha256'][:12]}…): an edition's items and rules are its own"
        )
    items = list(benchmark.items.select_related("input"))
    named, wanted = told["outputs"], {one.input.sha256 for one in items}
    reasons = [
        f"{one[:12]}…: expected the hash of an item's input, found another"
        for one in named
        if one not in wanted
    ]
    for item in items:
        sha256 = item.input.sha256
        if sha256 not in named:
            reasons.append(f"{item.title} ({sha256[:12]}…): expected an output, found none named")
        elif named[sha256] not in files:
            reasons.append(
                f"{item.title}: expected the file {named[sha256]}, found none in the zip"
            )
        else:
            reasons += _faults(archive, files[named[sha256]], item)
    if reasons:
        raise SubmissionError(*reasons)
    return items


def _faults(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, item: BenchmarkItem) -> list[str]:
    try:
        sound = _sound(archive, entry, item)
    except (AudioError, SubmissionError) as error:
        return [str(error)]
    if (sound.rate, sound.channels, sound.frames) != shape(item.input):
        return [f"{item.title}: expected {said(item.input)}, as its input, found {said(sound)}"]
    return []


def _sound(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, item: BenchmarkItem) -> Audio:
    _, channels, frames = shape(item.input)
    # twice what it can need: a wrong length is to be told as such
    most = 2 * SAMPLE_BYTES * channels * frames + HEADER_BYTES
    source = io.BytesIO(_read(archive, entry, most))
    return audio.read(
        source, name=f"{item.title} ({entry.filename})", max_duration=2 * item.input.duration + 1
    )


def _kept(
    archive: zipfile.ZipFile,
    files: dict[str, zipfile.ZipInfo],
    told: dict[str, Any],
    items: Sequence[BenchmarkItem],
    benchmark: Benchmark,
    *,
    actor: str,
    begin: Callable[..., Job],
) -> BenchmarkEntry:
    full = told["system"]
    arguments = {"benchmark": str(benchmark), "entry": full, "actor": actor}
    try:
        with transaction.atomic():
            entry = BenchmarkEntry.objects.create(
                benchmark=benchmark,
                name=full,
                team=told["team"],
                licence=told["licence"],
                description=told.get("description", ""),
                job=begin("benchmark", arguments, project=benchmark.project),
                actor=actor,
            )
            made = {}
            for item in items:
                sound = _sound(archive, files[told["outputs"][item.input.sha256]], item)
                made[item.input.sha256] = signal = Signal.objects.store(
                    sound,
                    title=f"{item.title} by {full}",
                    provenance=f"made from {item.input.sha256} by {full} of {told['team']}, {told['licence']}, "
                    f"sent for {benchmark}",
                )
                BenchmarkOutput.objects.create(entry=entry, item=item, signal=signal)
            benchmark.project.signals.add(*made.values())
            audit.record(
                "submit",
                benchmark,
                actor=actor,
                reason=f"outputs of {full} by {told['team']}",
                content={
                    "entry": full,
                    "team": told["team"],
                    "licence": told["licence"],
                    "benchmark": benchmark.sha256,
                    "outputs": {given: signal.sha256 for given, signal in made.items()},
                },
            )
    except IntegrityError as error:
        raise SubmissionError(
            f"expected a system that is not in {benchmark} yet, found {full!r}, which is: give this one another name"
        ) from error
    return entry


def kit(benchmark: Benchmark) -> bytes:
    """A zip of the items' inputs and a manifest to fill in."""
    buffer = io.BytesIO()
    items = list(benchmark.items.select_related("input"))
    hashes = [one.input.sha256 for one in items]
    wanted = submission_file.template(str(benchmark), benchmark.sha256, hashes)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", submission_file.README.format(benchmark=benchmark))
        archive.writestr(MANIFEST, json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
        for item in items:
            with item.input.file.open("rb") as file:
                archive.writestr(f"inputs/{item.input.sha256}.wav", file.read())
    return buffer.getvalue()
