"""A question about a chain: which number of its output, for which signal; asked as one function of the signal.

Conventions: signals are float64 (channels, frames) at the chain's rate; the function takes rows of them (rows,
channels, frames) and gives one number per row. Everything runs in double precision from the signal's beginning, with
the chain's latency taken out. `listen` hears of every so many rows that are run, and may raise to stop.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.explain.plane import Plane, Tiles
from models_registry.engine.explain.target import Target

# fifty gradients of so much signal are a coffee
LONGEST_S = 20.0
# rows at a time: more take memory and no less time
ROWS = 5
# a grid that can be read, and tried tile by tile
GRID = {"bands": 20, "steps": 20}
# of the signal's largest sample: less is a constant
MOVING = 1e-6


def over(plane: Plane, *, bands: int = GRID["bands"], steps: int = GRID["steps"]) -> Tiles:
    """A grid of about so many over `plane`."""
    return Tiles.over(plane, bands=bands, steps=min(steps, plane.frames // (2 * plane.size)))


def changing(samples: NDArray[np.floating]) -> None:
    """Raise `EngineError` for a constant; resampled it would have edges, so ask before."""
    if np.ptp(samples, axis=-1).max() <= MOVING * max(float(np.abs(samples).max()), MOVING):
        raise EngineError(
            "expected a signal that changes, found a constant: no part of it differs from another"
        )


def unreached(target: Target) -> EngineError:
    """What is said of a number that does not follow the signal by any slope."""
    return EngineError(
        f"expected {target.title} to follow the signal in a way that has a slope, found none: this chain sounds by "
        "itself or hears only such things as a pitch; explain it by occlusion, or explain the parameters"
    )


def nobody(rows: int) -> None:
    """Hears nothing."""


@dataclass
class Question:
    """What `target` tells of `chain`'s output for `signal` (channels, frames)."""

    chain: Chain
    signal: Tensor
    target: Target
    listen: Callable[[int], None] = nobody
    # what is done to the signal before the chain hears it
    front: Callable[[Tensor], Tensor] | None = None

    @classmethod
    def about(
        cls,
        chain: Chain,
        samples: NDArray[np.floating],
        target: Target,
        *,
        listen: Callable[[int], None] = nobody,
    ) -> Question:
        """A question about a copy of `chain` in double precision; raises `EngineError` for a signal that nothing can
        be told of."""
        plane = Plane(chain.rate, samples.shape[-1])
        seconds = plane.frames / plane.rate
        if plane.frames < 4 * plane.size:
            least = 4 * plane.size
            raise EngineError(
                f"expected {least} samples ({least / plane.rate:.2g} s) or more, found {plane.frames}"
            )
        if seconds > LONGEST_S:
            raise EngineError(
                f"expected at most {LONGEST_S:g} s, found {seconds:.1f} s: choose where to begin and how long to go on "
                "(start, seconds)"
            )
        if not np.isfinite(samples).all():
            raise EngineError("expected finite samples, found NaN or infinity")
        changing(samples)
        signal = torch.from_numpy(np.asarray(samples, dtype=np.float64))
        question = cls(copy.deepcopy(chain).double().eval(), signal, target, listen)
        value = question.worth(signal[None])[0].item()
        if not np.isfinite(value):
            raise EngineError(f"expected a number as {target.title}, found {value}")
        if value == 0:
            raise EngineError(
                f"expected {target.title} other than 0, found 0: there is nothing to explain"
            )
        return question

    @property
    def plane(self) -> Plane:
        return Plane(self.chain.rate, self.signal.shape[-1])

    def tiles(self, *, bands: int = GRID["bands"], steps: int = GRID["steps"]) -> Tiles:
        """A grid of about so many; a step is long enough that its windows have a middle of their own."""
        return over(self.plane, bands=bands, steps=steps)

    def differentiable(self) -> None:
        """Raise `EngineError` for a number without a gradient."""
        if not self.target.differentiable:
            raise EngineError(
                f"expected a target with a gradient, found {self.target.title}, which has none: explain it by occlusion"
            )

    def sloping(self) -> Tensor:
        """The signal (1, channels, frames) to take slopes by; raises `EngineError` where the number has none."""
        self.differentiable()
        signal = self.signal[None].clone().requires_grad_()
        number = self(signal).sum()
        slope = None
        if number.requires_grad:
            (slope,) = torch.autograd.grad(number, signal, allow_unused=True)
        if slope is None:
            raise unreached(self.target)
        return signal

    def __call__(self, rows: Tensor) -> Tensor:
        """The number (rows,) of each row (rows, channels, frames), with its gradient."""
        self.listen(len(rows))
        heard = self.front(rows) if self.front else rows
        return self.target.value(*self.heard(heard))

    def heard(self, signal: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The output (rows, channels, frames), or what adapters add where that is what the target is told from."""
        if self.target.of_moves:
            return signal, self.chain.moves(signal)
        return self.chain.aligned(signal)[0], {}

    def worth(self, rows: Tensor) -> NDArray[np.float64]:
        """The number (rows,) of each row, without a gradient, some rows at a time."""
        with torch.no_grad():
            return np.concatenate([self(part).numpy() for part in torch.split(rows, ROWS)])
