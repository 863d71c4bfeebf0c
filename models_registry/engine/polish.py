"""Least squares for a few readable parameters: the last decibels of a recovery, and what the data can tell apart.

Conventions: parameters are moved in logits of their controls; a *standard error* is that of the control, in fractions
of the parameter's range, from the curvature of the squared error (Gauss and Newton's approximation) under the
assumption that what is left is noise, white and of one level. Where it is not, the errors are too small and say so in
proportion.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.chain import MARGIN, Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips, Dataset

# A run of the chain per parameter and step: for a panel of knobs, not for a network.
MOST_PARAMETERS = 100
# Logits: far above rounding in float64, far below the scale on which any response bends.
DIFFERENCE = 1e-5
AT_ONCE = 8
# Marquardt's damping, relative to the curvature's diagonal: where it starts and where there is no way down any more.
DAMPING, GIVEN_UP = 1e-3, 1e8
# A step that takes less than this share off the error was the last.
SETTLED = 1e-6
# Hops descend for a few steps on a few clips, and end where -100 dB are left: nothing remains to be explained.
HOP_STEPS, HOP_CLIPS, EXPLAINED = 6, 2, 1e-10
# Directions in which the error hardly bends are as wide as the range and no wider.
FLATTEST = 1e-14
# One over the variance of a uniform distribution over the range.
UNIFORM = 12.0
# Above this correlation two parameters cannot be told apart by these data.
TRADED = 0.9

Place = NDArray[np.float64]


@dataclass(frozen=True)
class Certainty:
    """How well the data determine one parameter: `error` is the standard error in fractions of the range, `low` and
    `high` the ends of its 95 % interval in the parameter's unit; `partner` is the parameter it trades off against most,
    with their correlation."""

    name: str
    unit: str
    value: float
    low: float
    high: float
    error: float
    partner: str
    correlation: float

    @property
    def statement(self) -> str:
        """One sentence on what may be concluded."""
        unit = f" {self.unit}" if self.unit else ""
        said = f"{self.name} = {self.value:.4g}{unit}, 95 % interval {self.low:.4g} to {self.high:.4g}{unit}"
        if self.error > 0.1:
            said += "; these data do not determine it"
        if abs(self.correlation) > TRADED:
            said += f"; trades off against {self.partner} (r = {self.correlation:.2f})"
        return said


class LeastSquares:
    """The squared error of a chain's waveform as a function of its free parameters (size-one or vectors), or with
    `blocks_alone` of those of its blocks, its networks as they are."""

    def __init__(
        self,
        chain: Chain,
        data: Dataset,
        *,
        blocks_alone: bool = False,
        most: int = MOST_PARAMETERS,
    ) -> None:
        self.chain = copy.deepcopy(chain).double()
        self.clips, self.judged = data.train, data.judged
        self.free = [
            parameter
            for name, parameter in self.chain.named_parameters()
            if not (blocks_alone and name.startswith("adapters."))
        ]
        count = sum(parameter.numel() for parameter in self.free)
        if not 0 < count <= most:
            raise EngineError(
                f"least squares: expected a chain of 1 to {most} free parameters, found {count}"
            )

    def place(self) -> NDArray[np.float64]:
        with torch.no_grad():
            return torch.cat([parameter.reshape(-1) for parameter in self.free]).numpy().copy()

    def move(self, place: Place) -> None:
        """Set the parameters, kept off the flat ends of their ranges."""
        end = np.log((1 - MARGIN) / MARGIN)
        flat, start = torch.from_numpy(np.clip(place, -end, end)), 0
        with torch.no_grad():
            for parameter in self.free:
                part = flat[start : start + parameter.numel()]
                parameter.copy_(part.reshape(parameter.shape))
                start += parameter.numel()

    def _residual(self, place: Place, part: slice) -> Tensor:
        self.move(place)
        with torch.inference_mode():
            estimate = self.judged(self.chain.aligned(self.clips.dry[part].double())[0])
            return (estimate - self.judged(self.clips.wet[part].double())).reshape(-1)

    def _parts(self) -> list[slice]:
        return [slice(n, n + AT_ONCE) for n in range(0, len(self.clips), AT_ONCE)]

    def of_few_clips(self) -> LeastSquares:
        """The same on at most `HOP_CLIPS` clips, spread over all."""
        few = copy.copy(self)
        chosen = torch.linspace(0, len(self.clips) - 1, min(HOP_CLIPS, len(self.clips))).long()
        few.clips = Clips(self.clips.dry[chosen], self.clips.wet[chosen])
        return few

    def energy(self) -> float:
        return self.judged(self.clips.wet.double()).square().sum().item()

    def blocks(self) -> list[NDArray[np.int64]]:
        """Where in a place each block's numbers are."""
        found, start = [], 0
        for group in self.chain.groups().values():
            count = sum(parameter.numel() for parameter in group)
            found.append(np.arange(start, start + count))
            start += count
        return found

    def cost(self, place: Place) -> float:
        return sum(self._residual(place, part).square().sum().item() for part in self._parts())

    def bend(self, place: Place) -> tuple[float, NDArray[np.float64], NDArray[np.float64], int]:
        """The cost, its half gradient JᵀR and half curvature JᵀJ at `place`, and the number of samples."""
        count, cost, samples = place.size, 0.0, 0
        slope, curvature = np.zeros(count), np.zeros((count, count))
        for part in self._parts():
            here = self._residual(place, part)
            columns = []
            for n in range(count):
                moved = place.copy()
                moved[n] += DIFFERENCE if moved[n] < 0 else -DIFFERENCE
                columns.append((self._residual(moved, part) - here) / (moved[n] - place[n]))
            jacobian = torch.stack(columns)
            slope += (jacobian @ here).numpy()
            curvature += (jacobian @ jacobian.T).numpy()
            cost += here.square().sum().item()
            samples += here.numel()
        return cost, slope, curvature, samples


def polish(
    chain: Chain,
    data: Dataset,
    *,
    steps: int,
    hops: int = 0,
    seed: int = 0,
    told: Callable[[str], None] = lambda message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Certainty]:
    """Move the free parameters of `chain` to the least squared error over all training clips, in at most `steps` steps.

    Levenberg and Marquardt's method (Marquardt, J. SIAM 11(2), 1963), after `hops` hops out of the valley where it
    stands (Wales, Doye, J. Phys. Chem. A 101(28), 1997). `told` hears of every step. Returns how certain each
    parameter is. Raises `EngineError` for a chain with too many parameters.
    """
    squares = LeastSquares(chain, data)
    place = squares.place()
    if hops:
        place = _hopped(squares, place, hops, seed, told, should_stop)
    place, _ = descended(squares, place, steps, told, should_stop)
    squares.move(place)
    chain.load_state_dict(
        {
            key: value.to(chain.state_dict()[key].dtype)
            for key, value in squares.chain.state_dict().items()
        }
    )
    return certainty(squares)


def descended(
    squares: LeastSquares,
    place: Place,
    steps: int,
    told: Callable[[str], None] = lambda message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Place, float]:
    """Go down from `place` in at most `steps` steps; where that ends, and the squared error there."""
    damping, cost = DAMPING, math.inf
    for step in range(steps):
        if should_stop():
            break
        cost, slope, curvature, _ = squares.bend(place)
        scale = np.diag(np.diag(curvature) + FLATTEST * np.trace(curvature))
        while damping < GIVEN_UP:
            found = squares.cost(
                place + np.linalg.lstsq(curvature + damping * scale, -slope, rcond=None)[0]
            )
            if found < cost:
                break
            damping *= 4
        else:
            break
        # where the last trial was put, kept off the flat ends of the ranges
        place, damping, before, cost = squares.place(), damping / 9, cost, found
        told(f"least squares step {step + 1} of at most {steps}")
        if before - cost < SETTLED * before:
            break
    return place, cost


def _hopped(
    squares: LeastSquares,
    place: Place,
    hops: int,
    seed: int,
    told: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> Place:
    """Draw one block's parameters afresh and descend; keep what is deeper; block after block, on a few clips."""
    few = squares.of_few_clips()
    draw = np.random.default_rng([seed, hops])
    place, deepest = descended(few, place, HOP_STEPS, should_stop=should_stop)
    blocks = squares.blocks()
    for hop in range(hops):
        if should_stop() or deepest < EXPLAINED * few.energy():
            break
        told(f"hop {hop + 1} of {hops}")
        trial, where = place.copy(), blocks[hop % len(blocks)]
        controls = draw.uniform(0.1, 0.9, len(where))
        trial[where] = np.log(controls / (1 - controls))
        trial, cost = descended(few, trial, HOP_STEPS, should_stop=should_stop)
        if cost < deepest:
            place, deepest = trial, cost
    return place


def certainty(squares: LeastSquares) -> list[Certainty]:
    """How well the data determine each free parameter where `squares` stands now."""
    place = squares.place()
    cost, _, curvature, samples = squares.bend(place)
    controls = 1 / (1 + np.exp(-place))
    per_control = controls * (1 - controls)
    curvature = curvature / np.outer(per_control, per_control)
    variance = cost / max(1, samples - place.size)
    # a flat prior over the range bounds what the data leave open
    bends, ways = np.linalg.eigh(curvature)
    covariance = (ways / (np.maximum(bends, 0) / max(variance, 1e-300) + UNIFORM)) @ ways.T
    errors = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(errors, errors)
    np.fill_diagonal(correlation, 0)
    found, names, readings = [], _names(squares.chain), squares.chain.readings()
    for n, (name, key, place_in) in enumerate(names):
        parameter = readings[key].parameter
        ends = [np.clip(controls[n] + 1.96 * sign * errors[n], 0, 1) for sign in (-1, 1)]
        low, high = (float(parameter.physical(float(end))) for end in ends)
        value = readings[key].value
        partner = int(np.abs(correlation[n]).argmax())
        found.append(
            Certainty(
                name=name,
                unit=parameter.unit,
                value=value[place_in] if isinstance(value, tuple) else value,
                low=low,
                high=high,
                error=float(errors[n]),
                partner=names[partner][0] if place.size > 1 else "",
                correlation=float(correlation[n, partner]),
            )
        )
    return found


def _names(chain: Chain) -> list[tuple[str, str, int]]:
    """Name, path and place within it of every number in `chain.parameters()`, in their order."""
    named = []
    for key, parameter in chain.named_parameters():
        path = key.replace("/", ".")
        single = parameter.dim() == 0
        named += [(path if single else f"{path}[{n}]", path, n) for n in range(parameter.numel())]
    return named
