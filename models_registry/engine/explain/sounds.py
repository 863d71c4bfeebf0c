"""The relevant part alone, as sound.

Conventions: a bin is let through by the more, the more it makes of the number: by nine tenths where all bins that make
at least as much hold `SHARE` of what is made. What is relevant and the rest add up to the signal.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.explain.methods import Found
from models_registry.engine.explain.plane import Tiles
from models_registry.engine.explain.question import Question

SHARE = 0.95
# −80 dB of the loudest
FAINTEST = 1e-8


def mask(parts: Tensor) -> Tensor:
    """What is let through (windows, bins), 0 to 1, of bins that make `parts`; negative ones are not."""
    # a window's neighbours hold the same sound, by turns with more and with less of it
    smooth = torch.nn.functional.avg_pool2d(
        parts.clamp_min(0)[None, None], (3, 1), stride=1, padding=(1, 0), count_include_pad=False
    )[0, 0]
    ranked = smooth.flatten().sort(descending=True).values
    total = ranked.cumsum(0)
    if not total[-1] > 0:
        return torch.zeros_like(smooth)
    least = ranked[int(torch.searchsorted(total, SHARE * total[-1]).clamp(max=len(ranked) - 1))]
    return smooth.square() / (smooth.square() + least.square() / 9)


def levels(question: Question, tiles: Tiles) -> NDArray[np.float64]:
    """What is there: the level (bands, steps) of each tile in dB of the loudest, per bin, not below −80."""
    plane = question.plane
    power = tiles.summed(plane.spectra(question.signal).abs().square())
    power /= np.outer(np.diff(tiles.bins), np.diff(tiles.windows))
    level: NDArray[np.float64] = 10 * np.log10(power / power.max() + FAINTEST)
    return level


def relevant(question: Question, found: Found, tiles: Tiles) -> NDArray[np.float64]:
    """What of the signal (channels, frames) makes the number what it is."""
    sign = 1 if found.value >= found.silent else -1
    plane = question.plane
    if found.parts is not None:
        let = mask(sign * found.parts)
    else:
        # the number of bins in a tile is no merit
        sizes = np.outer(np.diff(tiles.bins), np.diff(tiles.windows))
        let = mask(tiles.spread(sign * found.tiles / sizes))
    return plane.signal(plane.spectra(question.signal) * let).numpy()
