"""The shape of an adapter, and the register of kinds.

Conventions: an adapter hears the chain's input (batch, channels, frames), each channel on its own, and returns for each
target an offset in fractions of that parameter's range, never beyond the target's `authority`: per sample (batch,
channels, frames) for a parameter that moves at audio rate, per hop that ends within the stretch (batch, channels,
steps, size) for one that moves with a block's frames. It is causal. `condition` is the number of the device, room or
speaker that is modelled, None for none in particular.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from models_registry.engine.contract import Card, Option, Parameter, SpecError

ADAPTERS: dict[str, type[Adapter]] = {}
Moves = dict[str, Tensor]


class Target(NamedTuple):
    """A parameter that is moved: by how much at most (fraction of its range), how many numbers, how often (samples);
    its declaration, and the place in its range from which it is moved."""

    authority: float
    size: int = 1
    hop: int = 1
    parameter: Parameter | None = None
    start: float = 0.5


class Adapter(nn.Module, ABC):
    """A network with targets; `choices` are its options beside them."""

    kind: ClassVar[str]
    card: ClassVar[Card]
    choices: ClassVar[tuple[Option, ...]] = ()
    # whether it can know which of several named devices, rooms or speakers is meant
    conditioned: ClassVar[bool] = False
    moves: ClassVar[str] = "time-varying"
    # samples from step to step, and heard for each, of one that listens
    hop: int
    span: int
    # what makes offsets of its hidden units
    head: nn.Linear

    def __init__(
        self, targets: Mapping[str, Target], *, rate: int, names: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.targets, self.rate, self.names = dict(targets), rate, names
        self.condition: int | None = None
        sizes = [torch.full((target.size,), target.authority) for target in targets.values()]
        self.register_buffer("authority", torch.cat(sizes), persistent=False)
        self.width = int(sum(target.size for target in targets.values()))

    authority: Tensor

    @classmethod
    def movable(cls, parameter: Parameter, hop: int) -> bool:
        """Whether an adapter of this kind can move `parameter` of a block with `hop`."""
        return parameter.time_varying and not parameter.tied_to

    @classmethod
    def fits(cls, targets: Mapping[str, Target], where: str) -> None:
        """Raise `SpecError` where `targets` cannot be moved together."""
        hops = {target.hop for target in targets.values()}
        if len(hops) > 1:
            slow = {path: target.hop for path, target in targets.items()}
            raise SpecError(
                f"{where}: expected targets that move equally often, found hops of "
                f"{', '.join(f'{hop} samples ({path})' for path, hop in slow.items())}; use an adapter for each"
            )

    @abstractmethod
    def forward(self, signal: Tensor, state: Any) -> tuple[Moves, Any]:
        """The offsets by target for `signal`, going on from `state`; and the state after it."""

    def still(self) -> Moves:
        """Offsets that do not depend on the signal, shaped like the parameters."""
        return {}

    @property
    def listens(self) -> bool:
        """Whether what it does depends on the signal."""
        return hasattr(self, "head")

    def insight(self, signal: Tensor) -> Tensor | None:
        """The hidden units (rows, steps, units) from which the offsets for `signal` are made, differentiable; None
        where it does not listen. A row is a channel; step k is over after (k + 1) hops."""
        if not self.listens:
            return None
        seen: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        try:
            self(signal, None)
        finally:
            handle.remove()
        return seen[0]

    def divided(self, offsets: Tensor) -> Moves:
        """Offsets (..., width) by target."""
        parts = torch.split(offsets, [target.size for target in self.targets.values()], dim=-1)
        return dict(zip(self.targets, parts, strict=True))


def register(cls: type[Adapter]) -> type[Adapter]:
    """Make `cls` available to specifications."""
    ADAPTERS[cls.kind] = cls
    return cls
