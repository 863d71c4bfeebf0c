"""What a training writes down: its checkpoints, each whole or not at all, where it ran, and what went wrong in it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips
from models_registry.engine.objective import Objective
from models_registry.engine.recipe import Recipe

# beside the engine, what makes the sound that recipes learn from where no recordings are given
MATERIAL = ("audio", "devices", "instruments", "noises")


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make `path`; where it fails, what was there before stays. Raises `EngineError`."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        write(unfinished)
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:
        unfinished.unlink(missing_ok=True)
        free = shutil.disk_usage(path.parent).free // 1_024
        raise EngineError(
            f"{path}: expected room for a checkpoint, found {error} ({free} KiB are free there; what was saved before "
            "is kept, and training goes on from it once there is room)"
        ) from error


def read(path: Path, *, recipe: str, seed: int) -> dict[str, Any]:
    """The checkpoint at `path` of the recipe with hash `recipe`; raises `EngineError`."""
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True)
    except Exception as error:
        raise EngineError(f"{path}: expected a checkpoint, found a broken file") from error
    owner = (content.get("recipe"), content.get("seed"))
    if owner != (recipe, seed):
        raise EngineError(
            f"{path}: expected a checkpoint of recipe {recipe[:12]} with seed {seed}, "
            f"found one of recipe {str(owner[0])[:12]} with seed {owner[1]}; use another directory"
        )
    return content


def culprit(chain: Chain, clips: Clips, objective: Objective, share: float) -> str:
    """The block in which a signal first stops being finite or, where all are finite on their way there, the gradient
    of `objective` at `share` of the training on its way back; with its parameters."""
    for name, signal in chain.stems(clips.dry).items():
        if not signal.isfinite().all():
            return f", first in block {chain.described(name)}"
    left: dict[str, Tensor] = {}

    def keep(name: str, signal: Tensor) -> None:
        if signal.requires_grad:
            signal.retain_grad()
            left[name] = signal

    chain.zero_grad()
    with chain.overheard(keep):
        loss = objective.total(objective.terms(chain, clips), share)
    loss.backward()  # type: ignore[no-untyped-call]
    groups, after = chain.groups(), "in the loss"
    for name, signal in reversed(left.items()):
        # what it was given on the way back was finite, what it passed on is not
        if not _finite(signal.grad):
            break
        after = f"in block {chain.described(name)}"
        if not all(_finite(parameter.grad) for parameter in groups.get(name, ())):
            break
    else:
        return ""
    return f", the gradient first {after}"


def _finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(gradient.isfinite().all())


def settings_error(chain: Chain, truth: Chain) -> float:
    """Mean distance of the learned single parameters from those that made the data, in fractions of their ranges."""
    with torch.no_grad():
        distances = [
            (control - truth.controls(name)[key]).abs().item()
            for name, block in chain.blocks.items()
            for key, control in chain.controls(name).items()
            if control.dim() == 0 and not block.parameters[key].frozen
        ]
    return float(np.mean(distances))


def environment(recipe: Recipe, seed: int) -> dict[str, Any]:
    """What a training depended on besides its data."""
    found: dict[str, Any] = {
        "recipe": recipe.name,
        "recipe_hash": recipe.hash,
        "seed": seed,
        "code": code(),
        "weights_kept": "last",
        "device": "cpu",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }
    for package in ("earwitness", "torch", "numpy", "scipy", "numba", "safetensors", "soxr"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


@cache
def code() -> str:
    """SHA-256 (hex) of the sources that a training's numbers come from: between two releases the package's version does
    not tell them apart."""
    engine = Path(__file__).parent
    files = [*engine.rglob("*.py"), *(engine.parent / f"{name}.py" for name in MATERIAL)]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(engine.parent).as_posix(), path) for path in files):
        digest.update(f"{name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def other_code(content: dict[str, Any]) -> list[str]:
    """The sentence that is due where other code goes on from a checkpoint's `content`."""
    before = content.get("code")
    if before == code():
        return []
    return [
        f"goes on from step {content['step']} with other code (sources {code()[:12]}) than before "
        f"({before[:12] if before else 'not recorded'}): not the result of one run by either"
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread: two on a shared machine have been seen to run many times slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
