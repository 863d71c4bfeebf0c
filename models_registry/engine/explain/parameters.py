"""Physical parameters instead of samples: what each learned value makes of the number, from where it started.

Conventions: a way goes straight through the controls (0 to 1 of a parameter's range, on its own scale) from those that
the chain began with to those that it has; parts are in the target's unit. A parameter of many numbers is one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from models_registry.engine.chain import MARGIN
from models_registry.engine.contract import EngineError
from models_registry.engine.explain import integrated_gradients, smoothgrad
from models_registry.engine.explain.methods import GRADIENT, INTEGRATED, OCCLUSION, SMOOTH
from models_registry.engine.explain.question import Question

# of a parameter's range
NOISE = 0.02


@dataclass(frozen=True)
class Turned:
    """A parameter: where it began and what it is now, in `unit` (one number, or the mean of `size`), and its part."""

    parameter: str
    unit: str
    size: int
    start: float
    value: float
    part: float


@dataclass(frozen=True)
class FoundTurned:
    """Every learned parameter, the largest part first. The number is `value`, and `start` with all of them where they
    began; `error` is how far the parts are from adding up to the difference, relative to it (None where nothing is
    promised)."""

    method: str
    value: float
    start: float
    error: float | None
    parts: tuple[Turned, ...]


class _Settings(nn.Module):
    """The question as a function of the chain's controls (rows, numbers): one number per row."""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question, self.chain = question, question.chain
        self.paths = list(question.chain.starts)
        self.sizes = [question.chain.starts[path].numel() for path in self.paths]

    def controls(self) -> Tensor:
        """Those that the chain has (numbers,)."""
        return torch.cat(
            [torch.sigmoid(getattr(self.chain, path.replace(".", "/")).detach()).reshape(-1) for path in self.paths]
        )  # fmt: skip

    def starts(self) -> Tensor:
        """Those that it began with."""
        return torch.cat(
            [self.chain.starts[path].detach().double().reshape(-1) for path in self.paths]
        )

    def told(self, rows: Tensor) -> Tensor:
        return torch.cat([self.one(row) for row in rows])

    def one(self, row: Tensor) -> Tensor:
        given = {
            f"chain.{path.replace('.', '/')}": torch.logit(part.clamp(MARGIN, 1 - MARGIN)).reshape(
                self.chain.starts[path].shape
            )
            for path, part in zip(self.paths, torch.split(row, self.sizes), strict=True)
        }
        self.question.listen(1)
        found: Tensor = functional_call(self, given, ())
        return found

    def forward(self) -> Tensor:
        question = self.question
        return question.target.value(*question.heard(question.signal[None]))


def of_parameters(question: Question, method: str) -> FoundTurned:
    """What each learned parameter makes of the number; raises `EngineError`."""
    settings = _Settings(question)
    if not settings.paths:
        raise EngineError("expected a chain with parameters that are learned, found none")
    now, began = settings.controls(), settings.starts()
    with torch.no_grad():
        value, start = settings.told(torch.stack([now, began])).tolist()
    found = _parts(settings, method, now, began, value)
    error = None
    if method == INTEGRATED:
        error = abs(float(found.sum()) - (value - start)) / (abs(value - start) or abs(value))
    rows = []
    for path, part, own, first in zip(
        settings.paths,
        np.split(found, np.cumsum(settings.sizes)[:-1]),
        torch.split(now, settings.sizes),
        torch.split(began, settings.sizes),
        strict=True,
    ):
        block, _, name = path.partition(".")
        parameter = question.chain.blocks[block].parameters[name]
        before, after = (parameter.physical(one.detach()).mean().item() for one in (first, own))
        rows.append(Turned(path, parameter.unit, len(part), before, after, float(part.sum())))
    rows.sort(key=lambda row: -abs(row.part))
    return FoundTurned(method, value, start, error, tuple(rows))


def _parts(
    settings: _Settings, method: str, now: Tensor, began: Tensor, value: float
) -> NDArray[np.float64]:
    """The part of each number (numbers,)."""
    if method == OCCLUSION:
        found = np.zeros(len(now))
        ends = np.cumsum(settings.sizes)
        for size, end in zip(settings.sizes, ends, strict=True):
            row = now.clone()
            row[end - size : end] = began[end - size : end]
            with torch.no_grad():
                # a parameter of many numbers goes back as a whole
                found[end - size] = value - settings.one(row).item()
        return found
    settings.question.differentiable()
    at = now[None].clone().requires_grad_()
    slope: Tensor
    if method == INTEGRATED:
        slope = IntegratedGradients(settings.told, multiply_by_inputs=False).attribute(
            at, began[None], n_steps=integrated_gradients.STEPS, internal_batch_size=1
        )
    elif method == GRADIENT:
        slope = Saliency(settings.told).attribute(at, abs=False)
    elif method == SMOOTH:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            slope = NoiseTunnel(Saliency(settings.told)).attribute(
                at,
                nt_type="smoothgrad",
                nt_samples=smoothgrad.DRAWS,
                nt_samples_batch_size=1,
                stdevs=NOISE,
                abs=False,
            )
    else:
        raise EngineError(
            f"expected {INTEGRATED}, {GRADIENT}, {SMOOTH} or {OCCLUSION} of parameters, found {method}, "
            "which is of the signal alone"
        )
    parts: NDArray[np.float64] = ((now - began) * slope[0].detach()).numpy()
    return parts
