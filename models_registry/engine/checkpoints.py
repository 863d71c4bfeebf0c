"""What a training writes down: its checkpoints, each whole or not at all, where it ran, and what went wrong in it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips
from models_registry.engine.recipe import Recipe


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make `path`; where it fails, what was there before stays. Raises `EngineError`."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        write(unfinished)
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:
        unfinished.unlink(missing_ok=True)
        raise EngineError(f"{path}: expected room for a checkpoint, found {error}") from error


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


def culprit(chain: Chain, clips: Clips) -> str:
    """The block in which a signal first stops being finite, with its parameters."""
    for name, signal in chain.stems(clips.dry).items():
        if not signal.isfinite().all():
            values = ", ".join(
                f"{key} {value.item():.4g}"
                for key, value in chain.values(name).items()
                if value.dim() == 0
            )
            return f", first in block '{name}' ({values})"
    return ""


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


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread: two on a shared machine have been seen to run many times slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
