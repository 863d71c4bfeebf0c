"""A suite in processes of their own: every probe, block and rung of a version and of its parent is a task.

Conventions: a worker builds the chains once, computes with one thread, and answers tasks in any order; what a task
could not do is in its answer, never raised.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import torch

from models_registry.audio import AudioError
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.probes.rungs import Heard, Place, Truth, heard, places_of, truth_of
from models_registry.engine.probes.running import Kept, Tried, promises, tried
from models_registry.engine.probes.suite import Probe, Suite


@dataclass(frozen=True)
class Model:
    """What a worker builds a chain from: its specification and the path of its weights."""

    spec: dict[str, Any]
    weights: str


@dataclass(frozen=True)
class Asked:
    """The suite, the models (a version, and its parent perhaps) and the recipe and seed that say what is true."""

    suite: Suite
    models: tuple[Model, ...]
    recipe: Mapping[str, Any] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """A probe, the name of a block, or a rung, for the model of this number."""

    model: int
    what: Probe | str | Place


@dataclass(frozen=True)
class Answer:
    """What came of a task: a `Tried`, a list of `Kept` or a `Heard`; None where it could not be done (`reason`)."""

    task: Task
    found: Tried | list[Kept] | Heard | None
    reason: str = ""


@dataclass(frozen=True)
class _Room:
    asked: Asked
    chains: list[Chain]
    truth: Truth


_room: _Room | None = None


def _begin(asked: Asked) -> None:
    global _room
    chains = [Chain.from_spec(one.spec).load(one.weights).double() for one in asked.models]
    _room = _Room(asked, chains, truth_of(asked.recipe, asked.seed))


def _begin_alone(asked: Asked) -> None:
    torch.set_num_threads(1)
    _begin(asked)


def _work(task: Task) -> Answer:
    assert _room is not None
    suite, chain = _room.asked.suite, _room.chains[task.model]
    try:
        with torch.no_grad():
            if isinstance(task.what, Probe):
                return Answer(task, tried(chain, task.what))
            if isinstance(task.what, Place):
                ladder = suite.ladders[task.what.ladder]
                return Answer(task, heard(chain, ladder, task.what, _room.truth))
            return Answer(task, promises(chain, task.what, suite.probes))
    except (AudioError, EngineError) as error:
        return Answer(task, None, str(error))


def tasks_of(asked: Asked, blocks: Sequence[str]) -> list[Task]:
    """Everything that is to be done; the `blocks` are those of the first model."""
    rungs = [
        place
        for number, ladder in enumerate(asked.suite.ladders)
        for place in places_of(number, ladder)
    ]
    whats: list[Probe | str | Place] = [*asked.suite.probes, *rungs]
    found = [Task(model, what) for model in range(len(asked.models)) for what in whats]
    return found + [Task(0, name) for name in blocks if asked.suite.blocks]


def answers(
    asked: Asked, tasks: Sequence[Task], *, processes: int | None = None
) -> Iterator[Answer]:
    """The answers to `tasks` as they come, from so many `processes` (as many as there are cores, otherwise)."""
    count = min(processes or os.cpu_count() or 1, len(tasks))
    if count <= 1:
        _begin(asked)
        yield from map(_work, tasks)
        return
    # spawned: a process that is forked after torch has started threads may hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        count, mp_context=context, initializer=_begin_alone, initargs=(asked,)
    )
    try:
        waiting = [pool.submit(_work, task) for task in tasks]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)
