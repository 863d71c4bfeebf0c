"""Occlusion: what of the number goes when a tile of ERB band and time is taken out of the signal.

Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014. It needs no gradient, so any number can
be explained; what two tiles do only together is missed or counted twice, and the parts need not add up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.contract import EngineError
from models_registry.engine.explain.plane import Tiles
from models_registry.engine.explain.question import ROWS, Question


def kept(question: Question, tiles: Tiles, masks: NDArray[np.floating]) -> Tensor:
    """The signal (rows, channels, frames) with what `masks` (rows, bands, steps) leave of each tile, 0 to 1."""
    spectra = tiles.plane.spectra(question.signal)
    return tiles.plane.signal(spectra * tiles.spread(masks)[:, None])


def occluded(question: Question, tiles: Tiles) -> NDArray[np.float64]:
    """(bands, steps): the number for the whole signal less that without the tile."""
    whole = question.worth(question.signal[None])[0]
    found = np.empty(tiles.count)
    for first in range(0, tiles.count, ROWS):
        places = np.arange(first, min(first + ROWS, tiles.count))
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
