"""Occlusion: what of the number goes when a tile of ERB band and time is taken out of the signal.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014. It needs no gradient, so any number can
be explained; what two tiles do only together is missed or counted twice, and the parts need not add up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.contract import EngineError
from models_registry.engine.explain.plane import Plane, Tiles
from models_registry.engine.explain.question import GRID, ROWS, Question, over

# tiles times seconds: as much sound as is rendered for a map at most, while a side has this many tiles or more
MOST_S, FEWEST = 600.0, 10


def grid(plane: Plane) -> Tiles:
    """Tiles over `plane`, each of which is one rendering: the fewer, the longer it is."""
    side = round(math.sqrt(MOST_S * plane.rate / plane.frames))
    side = min(max(side, FEWEST), *GRID.values())
    return over(plane, bands=side, steps=side)


def kept(question: Question, tiles: Tiles, masks: NDArray[np.floating]) -> Tensor:
    """The signal (rows, channels, frames) with what `masks` (rows, bands, steps) leave of each tile, 0 to 1."""
    spectra = tiles.plane.spectra(question.signal)
    return tiles.plane.signal(spectra * tiles.spread(masks)[:, None])


def occluded(
    question: Question, tiles: Tiles, only: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """(bands, steps): the number for the whole signal less that without the tile; of the tiles `only` (flat; None:
    all), the others being 0."""
    whole = question.worth(question.signal[None])[0]
    found = np.zeros(tiles.count)
    asked = np.arange(tiles.count) if only is None else only
    for first in range(0, len(asked), ROWS):
        places = asked[first : first + ROWS]
        masks = np.ones((len(places), tiles.count))
        masks[np.arange(len(places)), places] = 0
        found[places] = whole - question.worth(
            kept(question, tiles, masks.reshape(-1, *tiles.shape))
        )
    if unknown := int(np.isnan(found).sum()):
        raise EngineError(
            f"expected {question.target.title} of the signal with any tile taken out, found none for {unknown} of "
            f"{tiles.count}"
        )
    return found.reshape(tiles.shape)
