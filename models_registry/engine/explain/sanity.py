"""Whether an explanation can be believed: does it follow the model, and does the number fall with what it points at?

Random parameters: Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018. A map that stays the same when the
model is another one tells of the signal, not of the model. Compared is what a tile makes per energy that it has, since
any map is loud where the signal is. Deletion and insertion: Petsiuk, Das, Saenko, RISE, BMVC 2018; Samek et al.,
Evaluating the Visualization of What a Deep Neural Network Has Learned, 2017. Tiles are taken away, or put back, the
most relevant first, and the area under the number's course is held against that of random orders.

Conventions: courses go from the number of the whole signal, 1, to that of silence, 0; areas are means over the course.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.explain.methods import OCCLUSION, explain
from models_registry.engine.explain.occlusion import kept
from models_registry.engine.explain.plane import Tiles
from models_registry.engine.explain.question import Question

DRAWS, ORDERS, POINTS = 5, 20, 12
# maps of a higher rank correlation are the same map
SAME = 0.9
# standard errors by which a curve is to be better than random
BEYOND = 5.0
# of the loudest tile's energy, −60 dB, and of the largest part: less is rounding
LEAST_ENERGY, LEAST_PART = 1e-6, 1e-9
# of fewer tiles nothing is told
FEWEST = 8
# of more, where each costs a rendering, so many drawn at random tell the rank correlation well enough
DRAWN = 24

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Randomised:
    """Mean rank correlation of the map with those of `n` chains with random parameters, and its standard error; NaN
    where a map is the same everywhere, so that nothing can be told."""

    correlation: float
    error: float
    n: int

    @property
    def passed(self) -> bool | None:
        return None if math.isnan(self.correlation) else self.correlation < SAME


@dataclass(frozen=True)
class Curves:
    """The number's course over `shares` of the tiles, 0 to 1: with the most relevant taken away first, put back first,
    and the mean of `orders` random orders. `*_z` are the standard errors of that mean by which each is better."""

    shares: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    random: tuple[float, ...]
    deletion_area: float
    insertion_area: float
    random_area: float
    random_error: float
    orders: int
    deletion_z: float
    insertion_z: float

    @property
    def passed(self) -> bool:
        return self.deletion_z >= BEYOND


def scrambled(chain: Chain, seed: int) -> Chain:
    """`chain` with every learned control anywhere in its range and every weight from its tensor's own spread."""
    draw = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(chain)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if name.startswith("adapters."):
                spread = parameter.std() if parameter.numel() > 1 else parameter.abs()
                noise = torch.randn(parameter.shape, generator=draw, dtype=parameter.dtype)
                parameter.copy_(parameter.mean() + spread * noise)
            else:
                place = torch.rand(parameter.shape, generator=draw, dtype=parameter.dtype)
                parameter.copy_(torch.logit(0.05 + 0.9 * place))
    return other


def randomised(
    question: Question,
    method: str,
    tiles: Tiles,
    found: NDArray[np.float64],
    *,
    draws: int = DRAWS,
    progress: Progress = lambda share, message: None,
) -> Randomised:
    """How much alike the map `found` and those of random chains are."""
    energy = tiles.summed(
        question.plane.spectra(question.signal).abs().square() * question.plane.weights()
    )
    loud = energy > LEAST_ENERGY * energy.max()
    only = None
    if method == OCCLUSION:
        only = np.flatnonzero(loud)
        if len(only) > DRAWN:
            only = np.random.default_rng(0).choice(only, DRAWN, replace=False)
        loud = np.isin(np.arange(tiles.count), only).reshape(tiles.shape)
    alike = []
    for seed in range(draws):
        progress(seed / draws, f"random parameters {seed + 1} of {draws}")
        other = replace(question, chain=scrambled(question.chain, seed))
        try:
            map_ = explain(other, method, tiles=tiles, only=only).tiles
        except EngineError:
            # a random chain may be silent in all that is asked about
            continue
        if np.isfinite(map_).all():
            alike.append(_alike(found, map_, energy, loud))
    told = np.array([one for one in alike if not math.isnan(one)])
    if not len(told):
        return Randomised(math.nan, math.nan, 0)
    error = float(told.std(ddof=1) / math.sqrt(len(told))) if len(told) > 1 else math.nan
    return Randomised(float(told.mean()), error, len(told))


def _alike(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    energy: NDArray[np.float64],
    loud: NDArray[np.bool_],
) -> float:
    """Spearman's rank correlation of two maps per energy, over tiles that are loud and count in one of them."""
    counts = loud & (
        (np.abs(one) > LEAST_PART * np.abs(one).max())
        | (np.abs(other) > LEAST_PART * np.abs(other).max())
    )
    if counts.sum() < FEWEST:
        return math.nan
    # rounded to six digits of the largest: a chain that does the same to every tile has no order
    ranked = [map_[counts] / energy[counts] for map_ in (one, other)]
    rounded = [np.round(map_ / np.abs(map_).max(), 6) for map_ in ranked]
    if any(np.ptp(map_) == 0 for map_ in rounded):
        return math.nan
    return float(stats.spearmanr(*rounded).statistic)


def curves(
    question: Question,
    tiles: Tiles,
    found: NDArray[np.float64],
    *,
    orders: int = ORDERS,
    points: int = POINTS,
    seed: int = 0,
    progress: Progress = lambda share, message: None,
) -> Curves:
    """The number while tiles go and come in the order of `found`, against random orders."""
    silence = torch.zeros_like(question.signal)
    value, silent = question.worth(torch.stack([question.signal, silence]))
    change = value - silent
    if change == 0:
        raise EngineError(
            f"expected {question.target.title} to be another for silence, found {value:.4g} for both: "
            "nothing can be taken away"
        )
    counts = np.unique(np.round(np.linspace(0, tiles.count, points + 1)).astype(int))

    def course(order: NDArray[np.intp]) -> NDArray[np.float64]:
        masks = np.ones((len(counts), tiles.count))
        for mask, count in zip(masks, counts, strict=True):
            mask[order[:count]] = 0
        rows = kept(question, tiles, masks.reshape(-1, *tiles.shape))
        return (question.worth(rows) - silent) / change

    ranked = np.argsort(-np.sign(change) * found.ravel(), kind="stable")
    deletion = course(ranked)
    # what is there when the least relevant have gone is what the most relevant put back
    insertion = course(ranked[::-1])[::-1]
    draw = np.random.default_rng(seed)
    random = []
    for number in range(orders):
        progress(number / orders, f"random order {number + 1} of {orders}")
        random.append(course(draw.permutation(tiles.count)))
    shares = counts / tiles.count
    areas = np.array([np.trapezoid(one, shares) for one in random])
    mean, error = float(areas.mean()), float(areas.std(ddof=1) / math.sqrt(orders))
    down, up = float(np.trapezoid(deletion, shares)), float(np.trapezoid(insertion, shares))
    return Curves(
        tuple(shares),
        tuple(deletion),
        tuple(insertion),
        tuple(np.mean(random, axis=0)),
        down,
        up,
        mean,
        error,
        orders,
        deletion_z=(mean - down) / error,
        insertion_z=(up - mean) / error,
    )
