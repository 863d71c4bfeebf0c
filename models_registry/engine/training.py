"""Training: a recipe and a seed in, a chain with weights out; can be stopped and resumed to the same bits.

The weights kept are the last ones: the test clips are only ever looked at, never used to choose. Everything
random is drawn from the seed and the step's number, so that a checkpoint needs no generator state.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import losses, monitors
from models_registry.engine.baseline import linear_baseline
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips, dataset
from models_registry.engine.recipe import Recipe

Progress = Callable[[float, str, Mapping[str, float]], None]
Row = dict[str, float]

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.safetensors"
# Often enough for a progress bar, too seldom to cost anything when each report is a database row.
REPORT_EVERY_S = 0.5
# Clips judged at a time; more would only cost memory.
JUDGED_AT_ONCE = 16


@dataclass(frozen=True)
class TrainingResult:
    """What a training left: `validation_esr` and `baseline_esr` are error-to-signal ratios on the test clips, of the
    chain and of the best linear FIR filter; both are None for a run stopped early."""

    chain: Chain
    history: list[Row]
    weights: Path
    environment: dict[str, Any]
    stopped: bool
    validation_esr: float | None = None
    baseline_esr: float | None = None


def train(
    recipe: Recipe,
    *,
    seed: int,
    directory: str | Path,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume: bool = True,
) -> TrainingResult:
    """Follow `recipe` in `directory`, from its checkpoint there if `resume`.

    `progress(fraction, message, metrics)` is called a few times a second, `should_stop()` before every step. Raises
    `AudioError` for unusable data, `EngineError` where the loss stops being finite (the last checkpoint
    is kept) or the checkpoint belongs to another recipe or seed.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with _one_thread():
        return _Run(recipe, seed, directory, progress, should_stop).go(resume)


class _Run:
    """One training: the chain, its optimiser and how far it has come."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        directory: Path,
        progress: Progress | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.recipe, self.seed, self.directory = recipe, seed, directory
        self.report = progress or (lambda fraction, message, metrics: None)
        self.should_stop = should_stop or (lambda: False)
        self.report(0.0, "preparing the data", {})
        training = recipe.training
        self.data = dataset(
            recipe.data, rate=recipe.chain["rate"], segment=training["segment"], seed=seed
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.chain = Chain.from_spec(recipe.chain)
        self.optimiser = torch.optim.Adam(self.chain.parameters(), lr=training["learning_rate"])
        self.step = 0
        self.history: list[Row] = []
        self.recent: list[Row] = []

    def go(self, resume: bool) -> TrainingResult:
        checkpoint = self.directory / CHECKPOINT
        if resume and checkpoint.is_file():
            self._restore(checkpoint)
        training = self.recipe.training
        steps, began, first, told = training["steps"], time.monotonic(), self.step, -math.inf
        if not self.history:
            self.history.append(self._validated(self._loss(self._batch(0))[1]))
        while self.step < steps:
            if self.should_stop():
                self._save(checkpoint)
                return self._result(stopped=True)
            self._advance()
            if self.step % training["validate_every"] == 0 or self.step == steps:
                means = {
                    key: float(np.mean([row[key] for row in self.recent])) for key in self.recent[0]
                }
                self.history.append(self._validated(means))
                self.recent = []
            if self.step % training["checkpoint_every"] == 0 or self.step == steps:
                self._save(checkpoint)
            now = time.monotonic()
            if now - told >= REPORT_EVERY_S or self.step == steps:
                left = (now - began) / (self.step - first) * (steps - self.step)
                row = self.history[-1]
                message = (
                    f"step {self.step} of {steps}, loss {row['loss']:.4f}, "
                    f"validation ESR {row['validation_esr']:.4f}, {left:.0f} s left"
                )
                self.report(self.step / steps, message, row)
                told = now
        return self._result(stopped=False)

    def _batch(self, step: int) -> Clips:
        clips = self.data.train
        draw = np.random.default_rng([self.seed, step])
        size = min(self.recipe.training["batch"], len(clips))
        chosen = torch.from_numpy(draw.choice(len(clips), size, replace=False))
        return Clips(clips.dry[chosen], clips.wet[chosen])

    def _loss(self, clips: Clips) -> tuple[Tensor, Row]:
        weights = self.recipe.loss
        estimate = self.data.judged(self.chain(clips.dry)[0])
        target = self.data.judged(clips.wet)
        terms = {"esr": losses.error_to_signal(estimate, target)}
        if weights["stft"]:
            terms["stft"] = losses.spectral_distance(estimate, target, sizes=weights["stft_sizes"])
        if weights["smoothness"]:
            terms["smoothness"] = losses.response_roughness(self.chain)
        if weights["curvature"]:
            terms["curvature"] = losses.curve_roughness(self.chain)
        if weights.get("erb"):
            terms["erb"] = losses.band_distance(estimate, target, rate=self.data.rate)
        if weights.get("passivity"):
            terms["passivity"] = losses.amplification(self.chain)
        total = torch.stack([weights[name] * term.double() for name, term in terms.items()]).sum()
        return total, {"loss": total.item(), **{name: term.item() for name, term in terms.items()}}

    def _advance(self) -> None:
        training = self.recipe.training
        for group in self.optimiser.param_groups:
            # cosine decay: large steps find the basin, small ones its bottom
            group["lr"] = (
                training["learning_rate"]
                * (1 + math.cos(math.pi * self.step / training["steps"]))
                / 2
            )
        clips = self._batch(self.step)
        self.optimiser.zero_grad()
        loss, row = self._loss(clips)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.chain.parameters(), training["gradient_clip"])
        if not (np.isfinite(row["loss"]) and norm.isfinite()):
            raise EngineError(
                f"training: expected a finite loss and gradient, found a loss of {row['loss']:g} and a "
                f"gradient norm of {norm.item():g} at step {self.step + 1}{self._culprit(clips)}; "
                "the last checkpoint is kept (a lower training.learning_rate may help)"
            )
        self.optimiser.step()
        self.step += 1
        self.recent.append(row | {"gradient_norm": norm.item()})

    def _culprit(self, clips: Clips) -> str:
        for name, signal in self.chain.stems(clips.dry).items():
            if not signal.isfinite().all():
                return f", first in block '{name}'"
        return ""

    def _validated(self, terms: Row) -> Row:
        error = energy = 0.0
        test = self.data.test
        watched: Row = {}
        with torch.no_grad():
            for start in range(0, len(test), JUDGED_AT_ONCE):
                part = slice(start, start + JUDGED_AT_ONCE)
                target = self.data.judged(test.wet[part]).double()
                whole = self.chain(test.dry[part])[0]
                estimate = self.data.judged(whole).double()
                error += (estimate - target).square().sum().item()
                energy += target.square().sum().item()
                if start == 0:  # the first clips are enough to watch
                    raw = test.wet[part][..., self.data.skip :]
                    watched |= monitors.drift(whole[..., self.data.skip :], raw)
                    watched |= monitors.spectral(estimate, target, rate=self.data.rate)
        watched |= monitors.margins(self.chain)
        return {"step": self.step, **terms, "validation_esr": error / energy, **watched}

    def _save(self, checkpoint: Path) -> None:
        """Write the checkpoint and the weights, each whole or not at all."""
        content = {
            "recipe": self.recipe.hash,
            "seed": self.seed,
            "step": self.step,
            "history": self.history,
            "recent": self.recent,
            "chain": self.chain.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        for path, write in (
            (checkpoint, lambda to: torch.save(content, to)),
            (self.directory / WEIGHTS, self.chain.save),
        ):
            unfinished = path.with_name(f"{path.name}.part")
            try:
                write(unfinished)
                os.replace(unfinished, path)
            except (OSError, RuntimeError) as error:
                unfinished.unlink(missing_ok=True)
                raise EngineError(
                    f"{path}: expected room for a checkpoint, found {error}"
                ) from error

    def _restore(self, checkpoint: Path) -> None:
        try:
            content = torch.load(checkpoint, weights_only=True)
        except Exception as error:
            raise EngineError(
                f"{checkpoint}: expected a checkpoint, found a broken file"
            ) from error
        owner = (content.get("recipe"), content.get("seed"))
        if owner != (self.recipe.hash, self.seed):
            raise EngineError(
                f"{checkpoint}: expected a checkpoint of recipe {self.recipe.hash[:12]} with seed {self.seed}, "
                f"found one of recipe {str(owner[0])[:12]} with seed {owner[1]}; use another directory"
            )
        self.chain.load_state_dict(content["chain"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.step = content["step"]
        self.history, self.recent = content["history"], content["recent"]

    def _result(self, *, stopped: bool) -> TrainingResult:
        return TrainingResult(
            chain=self.chain,
            history=self.history,
            weights=self.directory / WEIGHTS,
            environment=environment(self.recipe, self.seed),
            stopped=stopped,
            validation_esr=None if stopped else self.history[-1]["validation_esr"],
            baseline_esr=None if stopped else linear_baseline(self.data),
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: two on a shared machine have been seen to run many times slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
