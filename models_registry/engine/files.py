"""Files through chains, of any length and many at once: read, rendered, measured and written piece by piece.

Conventions: outputs are WAV of 32-bit floats (RF64 beyond 4 GB) at the input's rate. A file is written under another
name and takes its own when it is complete: a refusal leaves nothing behind.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from models_registry.audio import (
    MAX_CHANNELS,
    MAX_RATE,
    MIN_RATE,
    SILENCE_PEAK,
    AudioError,
    Samples,
)
from models_registry.engine.chain import Chain
from models_registry.engine.metering import Meter, Report
from models_registry.engine.rendering import WHOLE, Stream

# frames read at a time
PIECE = 65_536
# where the sizes in a WAV file's header end
LARGEST_WAV = 2**32 - 2**12


@dataclass(frozen=True)
class Task:
    """One file by one version: the chain's specification and weights file, from where, to where, as which of the
    devices that it knows."""

    spec: dict[str, Any]
    weights: Path
    source: Path
    target: Path
    stems: bool = False
    tail: bool = False
    condition: str | None = None


def stem_path(target: Path, block: str) -> Path:
    """Where the stem of `block` lies beside the output `target`."""
    return target.with_name(f"{target.stem}.{block}{target.suffix}")


def render_file(
    chain: Chain, source: Path, target: Path, *, stems: bool = False, tail: bool = False
) -> Report:
    """Write `source` after `chain` to `target` and, with `stems`, what left each block beside it.

    Raises `AudioError` for a file that is no audio and `EngineError` for a chain that loses the signal.
    """
    try:
        with soundfile.SoundFile(source) as file:
            _check(file, source)
            stream = Stream(chain, file.channels, file.samplerate, stems=stems, tail=tail)
            paths = {
                name: stem_path(target, name) if name != WHOLE else target
                for name in stream.outlets
            }
            return _write(file, source, stream, paths)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioError(
            f"{source}: expected an audio file (WAV, FLAC, OGG, MP3, AIFF) and room to write, found: {error}"
        ) from error


def _check(file: soundfile.SoundFile, source: Path) -> None:
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        raise AudioError(
            f"{source}: expected a sample rate of {MIN_RATE} to {MAX_RATE} Hz, found {file.samplerate} Hz"
        )
    if not 1 <= file.channels <= MAX_CHANNELS or file.frames == 0:
        raise AudioError(
            f"{source}: expected 1 to {MAX_CHANNELS} channels of samples, found {file.channels} of {file.frames}"
        )


def _write(
    file: soundfile.SoundFile, source: Path, stream: Stream, paths: dict[str, Path]
) -> Report:
    rate, channels = file.samplerate, file.channels
    size = 4 * channels * (file.frames + stream.tail * rate)
    meter, peak = Meter(channels, rate), 0.0
    parts = {name: path.with_name(f"{path.name}.part") for name, path in paths.items()}
    try:
        with ExitStack() as stack:
            outputs = {
                name: stack.enter_context(
                    soundfile.SoundFile(
                        part,
                        "w",
                        rate,
                        channels,
                        "FLOAT",
                        format="RF64" if size > LARGEST_WAV else "WAV",
                    )
                )
                for name, part in parts.items()
            }
            for samples in _pieces(file):
                peak = max(peak, float(np.abs(samples).max(initial=0)))
                _append(outputs, stream.push(samples), meter)
            if stream.frames != file.frames:
                raise AudioError(
                    f"{source}: its header declares {file.frames} frames, found {stream.frames} (a broken file)"
                )
            if peak < SILENCE_PEAK:
                raise AudioError(
                    f"{source}: expected an audible signal, found silence (peak below −96 dBFS)"
                )
            _append(outputs, stream.finish(), meter)
        for name, part in parts.items():
            os.replace(part, paths[name])
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    return meter.report()


def _pieces(file: soundfile.SoundFile) -> Iterator[Samples]:
    while (samples := file.read(PIECE, dtype="float32", always_2d=True)).size:
        yield samples.T


def _append(
    outputs: dict[str, soundfile.SoundFile], ready: dict[str, Samples], meter: Meter
) -> None:
    for name, samples in ready.items():
        outputs[name].write(samples.T)
    meter.add(ready[WHOLE])


def _done(task: Task) -> Report:
    torch.set_num_threads(1)
    chain = Chain.from_spec(task.spec).load(task.weights).under(task.condition)
    return render_file(chain, task.source, task.target, stems=task.stems, tail=task.tail)


def render_files(
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    told: Callable[[int, Task, Report], None] = lambda number, task, report: None,
) -> list[Report]:
    """The reports of all `tasks`, in their order, `jobs` at a time in processes of their own.

    `told` hears of each that is done. The first that is refused ends all with its error.
    """
    found: list[Report] = []
    if jobs <= 1 or len(tasks) == 1:
        results: Iterator[Report] = map(_done, tasks)
        for task, report in zip(tasks, results, strict=True):
            found.append(report)
            told(len(found), task, report)
        return found
    # spawned: a process that is forked after torch has started threads may hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context) as pool:
        for task, report in zip(tasks, pool.map(_done, tasks), strict=True):
            found.append(report)
            told(len(found), task, report)
    return found
