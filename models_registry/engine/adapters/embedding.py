"""One point per device, room or speaker, and the directions in which they differ.

Conventions: as in `base`; the offsets are static, the same for every signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models_registry.engine.adapters.base import Adapter, Moves, Target, register
from models_registry.engine.contract import Card, Option, Parameter


@register
class Embedding(Adapter):
    """offset = authority · tanh(basis · point)."""

    kind = "embedding"
    card = Card(
        purpose="One chain for many devices, rooms or speakers: what they share is in the chain, what sets each "
        "apart is a "
        "point of a few numbers.",
        rationale="Microphones and rooms of a kind differ in few ways; directions that are learned from many of "
        "them let "
        "a new one be found from seconds of sound.",
        assumptions="Each differs from the others by static settings; the differences are of the kinds seen in "
        "training.",
        expected_ranges="Points within ±3; fewer numbers than parameters moved.",
        failure_modes="A device unlike all others lies outside the directions; with few devices the directions are "
        "theirs "
        "alone; the mean of all and the chain's own setting share one degree of freedom.",
        references=(
            "Nercessian, Sarroff, Werner, Lightweight and Interpretable Neural Modeling of an Audio Distortion Effect "
            "Using Hyperconditioned Differentiable Biquads, ICASSP 2021",
        ),
    )
    choices = (Option("size", 8, "numbers that make a point", low=1, high=256),)
    conditioned = True
    moves = "free"

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        rate: int,
        names: tuple[str, ...] = (),
        size: int = 8,
    ) -> None:
        super().__init__(targets, rate=rate, names=names)
        self.points = nn.Parameter(torch.zeros(len(names), size))
        self.basis = nn.Parameter(torch.randn(self.width, size) / size**0.5)

    @classmethod
    def movable(cls, parameter: Parameter, hop: int) -> bool:
        return not parameter.tied_to

    @classmethod
    def fits(cls, targets: Mapping[str, Target], where: str) -> None:
        pass

    def still(self) -> Moves:
        if self.condition is None:
            return {}
        offsets = torch.tanh(self.basis @ self.points[self.condition]) * self.authority
        sizes = self.targets.values()
        return {
            path: part.reshape(()) if target.size == 1 else part
            for (path, part), target in zip(self.divided(offsets).items(), sizes, strict=True)
        }

    def forward(self, signal: Tensor, state: Any) -> tuple[Moves, Any]:
        return {}, None
