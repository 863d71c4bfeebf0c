"""Training: a recipe and a seed in, a chain with weights out; can be stopped and resumed to the same bits.

The weights kept are the last ones: the test clips are only ever looked at, never used to choose. Everything
random is drawn from the seed and the step's number, so that a checkpoint needs no generator state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models_registry import watch
from models_registry.engine import checkpoints, memory
from models_registry.engine.baseline import linear_baseline
from models_registry.engine.chain import Chain
from models_registry.engine.composition import composition
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips
from models_registry.engine.material import data_of
from models_registry.engine.measures import TABLE
from models_registry.engine.objective import Objective
from models_registry.engine.polish import Certainty, polish
from models_registry.engine.recipe import Recipe
from models_registry.engine.starts import race, scattered
from models_registry.engine.validation import validation

Progress = Callable[[float, str, Mapping[str, Any]], None]
Row = dict[str, Any]

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.safetensors"
# Often enough for a progress bar, too seldom to cost anything when each report is a database row.
REPORT_EVERY_S = 0.5
RACE_STEPS = 20
# A loss that has fallen by less than this share has not fallen.
PROGRESS = 1e-3
# How often a training may go back to a checkpoint at half the learning rate before it gives up.
RETURNS = 3


@dataclass(frozen=True)
class TrainingResult:
    """What a training left: `validation` and `baseline` are the recipe's measure on the test clips, of the chain and of
    what it is compared with; both are None for a run stopped early. `certainty` says how well the data determine each
    parameter, where the recipe polishes; `material` what was learned from (see `composition`)."""

    chain: Chain
    history: list[Row]
    weights: Path
    environment: dict[str, Any]
    stopped: bool
    measure: str
    validation: float | None = None
    baseline: float | None = None
    certainty: list[Certainty] = field(default_factory=list)
    material: dict[str, Any] = field(default_factory=dict)


def train(
    recipe: Recipe,
    *,
    seed: int = 0,
    directory: str | Path | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    resume: bool = True,
) -> TrainingResult:
    """Follow `recipe` in `directory`, from its checkpoint there if `resume`; without a directory in one of its own for
    each recipe and seed, within `training` where one stands.

    `progress(fraction, message, metrics)` is called a few times a second and at every validation, `should_stop()`
    before every step. Raises `AudioError` for unusable data, `EngineError` where the loss stops being finite (the last
    checkpoint is kept), the checkpoint belongs to another recipe or seed, or the directory cannot be made.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise EngineError(f"expected a seed of a whole number from 0, found {seed!r}")
    own = Path("training", f"{recipe.hash[:12]}-{seed}")
    directory = Path(own if directory is None else directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"{directory}: expected a directory to train in, found {error}"
        ) from error
    # asked for around the call, it would reach losses and networks
    with checkpoints.one_thread(), memory.kept(), torch.autocast("cpu", enabled=False):
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
        self.data = data_of(recipe, seed=seed)
        self.objective = Objective(recipe.loss, self.data)
        self.limits = watch.limits(recipe.limits)
        self.chain = self._start(0)
        self.optimiser = self._adam(self.chain)
        self.step = 0
        # halved at every return to a checkpoint
        self.pace, self.returns = 1.0, 0
        self.certainty: list[Certainty] | None = None
        self.history: list[Row] = []
        self.recent: list[Row] = []

    def _start(self, number: int) -> Chain:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            chain = Chain.from_spec(self.recipe.chain)
        return scattered(chain, seed=self.seed, number=number)

    def _adam(self, chain: Chain) -> torch.optim.Adam:
        return torch.optim.Adam(chain.parameters(), lr=self.recipe.training["learning_rate"])

    def go(self, resume: bool) -> TrainingResult:
        checkpoint = self.directory / CHECKPOINT
        if resume and checkpoint.is_file():
            self._restore(checkpoint)
        training = self.recipe.training
        steps, began, first, told = training["steps"], time.monotonic(), self.step, -math.inf
        if not self.history:
            if training.get("starts", 1) > 1 and not self._race():
                return self._result(stopped=True)
            clips = self._batch(0)
            with torch.no_grad():
                terms = {
                    key: term.item()
                    for key, term in self.objective.terms(self.chain, clips).items()
                }
                total = sum(
                    weight * terms[key] for key, weight in self.objective.weights(0).items()
                )
            self.history.append(self._validated({"loss": total, **terms}))
            began = time.monotonic()
        while self.step < steps:
            if self.should_stop():
                self._save(checkpoint)
                return self._result(stopped=True)
            try:
                self._advance()
            except EngineError as error:
                self._return(checkpoint, str(error))
                continue
            judged = self.step % training["validate_every"] == 0 or self.step == steps
            if judged:
                keys = self.recent[0]
                means = {key: float(np.mean([row[key] for row in self.recent])) for key in keys}
                self.history.append(self._validated(means))
                self.recent = []
                if trouble := self._new_trouble():
                    self._return(checkpoint, trouble)
                    continue
                if self._is_over():
                    break
            if self.step % training["checkpoint_every"] == 0 or self.step == steps:
                self._save(checkpoint)
            now = time.monotonic()
            if judged or now - told >= REPORT_EVERY_S:
                done = max(1, self.step - first)
                rate = done / (now - began)
                row, measure = self.history[-1], self.recipe.measure
                message = (
                    f"step {self.step} of {steps}, loss {row['loss']:.4f}, "
                    f"{TABLE[measure].title} {row[f'validation_{measure}']:.4f}{_unit(measure)}, "
                    f"{rate:.1f} steps a second, {(steps - self.step) / rate:.0f} s left"
                )
                self.report(self.step / steps, message, row)
                told = now
        if training.get("polish") and self.certainty is None and not self._polish(checkpoint):
            return self._result(stopped=True)
        return self._result(stopped=False)

    def _race(self) -> bool:
        """Take over the best of several starts; False where asked to stop before it was found."""
        training = self.recipe.training
        clips = self._batch(0)

        def judge(chain: Chain) -> float:
            with torch.no_grad():
                return self.objective.total(self.objective.terms(chain, clips), 0).item()

        told_at = -math.inf

        def told(step: int, of: int, left: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= REPORT_EVERY_S:
                self.report(0.0, f"step {step} of {of} of a race, {left} starts left", {})
                told_at = time.monotonic()

        best = race(
            training["starts"],
            make=self._start,
            advance=lambda chain, optimiser, step: self._move(chain, optimiser, step, 0.0),
            judge=judge,
            optimiser=self._adam,
            steps=training.get("race_steps", RACE_STEPS),
            told=told,
            should_stop=self.should_stop,
        )
        if best is None:
            return False
        self.chain, self.optimiser = best  # type: ignore[assignment]
        return True

    def _polish(self, checkpoint: Path) -> bool:
        """Move to the least squared error and learn how certain each parameter is; False where asked to stop."""
        stopped = False

        def should_stop() -> bool:
            nonlocal stopped
            stopped = stopped or self.should_stop()
            return stopped

        found = polish(
            self.chain,
            self.data,
            steps=self.recipe.training["polish"],
            hops=self.recipe.training.get("hops", 0),
            seed=self.seed,
            told=lambda message: self.report(1.0, message, {}),
            should_stop=should_stop,
        )
        if stopped:
            return False
        self.certainty = found
        self.step += 1
        last = self.history[-1]
        self.history.append(
            self._validated({key: last[key] for key in ("loss", *self.objective.schedule)})
        )
        self._save(checkpoint)
        self.report(1.0, "least squares done", self.history[-1])
        return True

    def _batch(self, step: int) -> Clips:
        size = self.recipe.training["batch"]
        return self.data.batch(size=size, seed=self.seed, step=step)

    def _advance(self) -> None:
        row = self._move(
            self.chain, self.optimiser, self.step, self.step / self.recipe.training["steps"]
        )
        self.step += 1
        self.recent.append(row)

    def _move(self, chain: Chain, optimiser: torch.optim.Optimizer, step: int, share: float) -> Row:
        """One step of `chain` on the clips of `step` at `share` (0 to 1) of the training."""
        training = self.recipe.training
        for group in optimiser.param_groups:
            # cosine decay: large steps find the basin, small ones its bottom
            group["lr"] = (
                self.pace * training["learning_rate"] * (1 + math.cos(math.pi * share)) / 2
            )
        clips = self._batch(step)
        optimiser.zero_grad()
        terms = self.objective.terms(chain, clips)
        loss = self.objective.total(terms, share)
        loss.backward()  # type: ignore[no-untyped-call]
        norms = {
            name: torch.nn.utils.clip_grad_norm_(group, training["gradient_clip"])
            for name, group in chain.groups().items()
        }
        row = {"loss": loss.item(), **{name: term.item() for name, term in terms.items()}}
        norm = math.sqrt(sum(one.item() ** 2 for one in norms.values()))
        if not (math.isfinite(row["loss"]) and math.isfinite(norm)):
            blocks = ", ".join(name for name, one in norms.items() if not one.isfinite())
            found = checkpoints.culprit(chain, clips, self.objective, share)
            raise EngineError(
                f"training: expected a finite loss and gradient, found a loss of {row['loss']:g} and a "
                f"gradient norm of {norm:g}{f' (in {blocks})' if blocks else ''} at step {step + 1}"
                f"{found}; the last checkpoint is kept (a lower training.learning_rate may help)"
            )
        optimiser.step()
        return row | {"gradient_norm": norm}

    def _new_trouble(self) -> str:
        """What has left its limits since the validation before, where the recipe wants that acted upon."""
        if self.recipe.training.get("policy", "go on") == "go on" or len(self.history) < 3:
            return ""
        before, now = (watch.outside(row, self.limits) for row in self.history[-2:])
        return "; ".join(sentence for name, sentence in now.items() if name not in before)

    def _return(self, checkpoint: Path, trouble: str) -> None:
        """Go back to the last checkpoint at half the learning rate, or end the training with `trouble`."""
        back = self.recipe.training.get("policy") == "roll back" and checkpoint.is_file()
        if not back or self.returns == RETURNS:
            raise EngineError(trouble)
        returns, pace = self.returns + 1, self.pace / 2
        step = self.step
        self._restore(checkpoint)
        self.returns, self.pace = returns, pace
        self.history[-1]["warnings"] = [
            *self.history[-1].get("warnings", []),
            f"went back from step {step} to step {self.step} at {pace:g} of the learning rate: {trouble}",
        ]
        self._save(checkpoint)

    def _is_over(self) -> bool:
        """Whether the training loss has not fallen for as many validations as the recipe is patient."""
        patience = self.recipe.training.get("patience")
        if not patience or len(self.history) <= patience + 1:
            return False
        before = min(row["loss"] for row in self.history[1:-patience])
        recent = min(row["loss"] for row in self.history[-patience:])
        return bool(recent > (1 - PROGRESS) * before)

    def _validated(self, terms: Row) -> Row:
        row = {"step": self.step, **terms}
        row |= validation(self.chain, self.data, self.recipe.measure)
        share = min(1.0, self.step / self.recipe.training["steps"])
        row |= self.objective.shares(self.chain, self._batch(self.step), share)
        row |= {
            f"weight.{name}": weight
            for name, weight in self.objective.weights(share).items()
            if weight != self.recipe.loss[name]
        }
        if self.data.truth is not None:
            row["monitor.settings_error"] = checkpoints.settings_error(self.chain, self.data.truth)
        if warnings := list(watch.outside(row, self.limits).values()):
            row["warnings"] = warnings
        return row

    def _save(self, path: Path) -> None:
        content = {
            "recipe": self.recipe.hash,
            "seed": self.seed,
            "code": checkpoints.code(),
            "step": self.step,
            "history": self.history,
            "recent": self.recent,
            "pace": self.pace,
            "returns": self.returns,
            "certainty": None
            if self.certainty is None
            else [asdict(one) for one in self.certainty],
            "chain": self.chain.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        checkpoints.whole(path, lambda to: torch.save(content, to))
        checkpoints.whole(self.directory / WEIGHTS, self.chain.save)

    def _restore(self, path: Path) -> None:
        content = checkpoints.read(path, recipe=self.recipe.hash, seed=self.seed)
        self.chain.load_state_dict(content["chain"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.step = content["step"]
        self.history, self.recent = content["history"], content["recent"]
        self.pace, self.returns = content["pace"], content["returns"]
        if content["certainty"] is not None:
            self.certainty = [Certainty(**one) for one in content["certainty"]]
        if told := checkpoints.other_code(content):
            self.history[-1].setdefault("warnings", []).extend(told)

    def _result(self, *, stopped: bool) -> TrainingResult:
        measure = self.recipe.measure
        validation = baseline = None
        if not stopped:
            validation = self.history[-1][f"validation_{measure}"]
            untrained = self.history[0][f"validation_{measure}"]
            baseline = linear_baseline(self.data) if measure == "esr" else untrained
        return TrainingResult(
            chain=self.chain.under(None),
            history=self.history,
            weights=self.directory / WEIGHTS,
            environment=checkpoints.environment(self.recipe, self.seed),
            stopped=stopped,
            measure=measure,
            validation=validation,
            baseline=baseline,
            certainty=self.certainty or [],
            material={} if stopped else composition(self.recipe, self.data),
        )


def _unit(measure: str) -> str:
    unit = TABLE[measure].unit
    return f" {unit}" if unit else ""
