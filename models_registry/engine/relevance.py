"""Relevance: how much each sample of the input contributes to what comes out, added up without a remainder.

Under `relevance()` every nonlinearity is a gain that is taken as given, so that a chain is linear in its input and
gradient times input is the whole answer (layer-wise relevance propagation's rule for gates and nonlinearities that
take all: Arras et al., Explaining and Interpreting LSTMs, 2019; Montavon et al., Layer-Wise Relevance Propagation: An
Overview, 2019). Outputs are the same numbers as without it. What a block adds by itself (a transient, a sound) and what
is carried from an earlier stretch belong to no sample: `Attribution.bias`. Biases and the like are `own`, so that
whoever asks (`owned`) can tell what they take from what is lost. The rules of networks are in rules.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from models_registry.engine.chain import Chain

_ON: ContextVar[bool] = ContextVar("relevance", default=False)
_LISTENER: ContextVar[Callable[[Tensor], None] | None] = ContextVar("gains", default=None)
_OWNED: ContextVar[list[Tensor] | None] = ContextVar("owned", default=None)


@contextmanager
def relevance() -> Iterator[None]:
    """Within this context blocks and chains are linear in their input, with the gains that the input calls for."""
    before = _ON.set(True)
    try:
        yield
    finally:
        _ON.reset(before)


@contextmanager
def gains_overheard(listener: Callable[[Tensor], None]) -> Iterator[None]:
    """Within this context `listener` is told every gain (a factor) that a block makes of its signal, as it is used."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def given(value: Tensor) -> Tensor:
    """`value`, which no relevance goes through: what an adapter makes of the signal."""
    return value.detach() if _ON.get() else value


def is_on() -> bool:
    """Whether this is within `relevance()`."""
    return _ON.get()


@contextmanager
def owned() -> Iterator[list[Tensor]]:
    """What is added within this context that no sample has made, as it comes: leaves to take gradients by."""
    found: list[Tensor] = []
    before = _OWNED.set(found)
    try:
        yield found
    finally:
        _OWNED.reset(before)


def own(part: Tensor) -> Tensor:
    """`part`, a bias or the like: under `relevance()` as something that no sample has made."""
    if not _ON.get():
        return part
    found = _OWNED.get()
    part = part.detach()
    if found is not None:
        found.append(part.requires_grad_())
    return part


def held(gain: Tensor) -> Tensor:
    """`gain`, which no relevance goes through: the factor that a detector or a mask makes of the signal."""
    if (listener := _LISTENER.get()) is not None:
        listener(gain)
    return given(gain)


def as_gain(signal: Tensor, output: Tensor) -> Tensor:
    """`output`, a curve over `signal`; under `relevance()` as the gain that it is at each sample."""
    if not _ON.get():
        return output
    silent = signal == 0
    gain = (output / torch.where(silent, 1.0, signal)).detach()
    return torch.where(silent, own(torch.where(silent, output, 0.0)), signal * gain)


@dataclass(frozen=True)
class Attribution:
    """`relevance`, shaped like the signal, adds up to `total` less `bias`, the part that no sample has made."""

    relevance: Tensor
    total: float
    bias: float


def attributed(
    chain: Chain, signal: Tensor, measure: Callable[[Tensor], Tensor] | None = None
) -> Attribution:
    """What of `measure` (a number, linear in the output) each sample of `signal` (batch, channels, frames) makes.

    Without a measure the output's energy is explained, as the output weighed by itself. Energies are what adds up:
    explain those, and turn the parts into decibels afterwards.
    """
    given = signal.detach().clone().requires_grad_()
    with relevance(), torch.enable_grad():
        output, _ = chain(given)
        total = measure(output) if measure else (output * output.detach()).sum()
        slope = None
        # a chain that only sounds by itself does not hear its input
        if total.requires_grad:
            (slope,) = torch.autograd.grad(total, given, allow_unused=True)
    parts = torch.zeros_like(signal) if slope is None else signal * slope
    return Attribution(parts, total.item(), total.item() - parts.sum().item())
