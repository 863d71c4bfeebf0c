"""How a bank's bands lie beside those of hearing: their places and widths on the ear's scales.

Conventions: frequencies in Hz; a warped distance is the root mean square difference between the places of a bank's
centres on a scale and places evenly spread between the outer two, in units of that scale (Cams, Bark, octaves), and
relative to the mean step so that scales can be held against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from models_registry.engine import auditory
from models_registry.engine.adapters.controllers import Controller
from models_registry.engine.blocks import BandBlock, Block, FilterBank, GraphicEqualiser
from models_registry.engine.blocks.spectral import FramedBlock
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]

# two outer centres are always where they are
FEWEST = 4
# below it a logarithm says nothing about hearing
LOWEST = 10.0


def erb_rate(frequency: ArrayLike) -> Array:
    """Cams at `frequency`."""
    return auditory.erb_rate(torch.as_tensor(np.asarray(frequency, dtype=np.float64))).numpy()


def erb(frequency: ArrayLike) -> Array:
    """Equivalent rectangular bandwidth (Hz) of the auditory filter at `frequency` (Glasberg, Moore, Hearing Research
    47, 1990, eq. 3)."""
    return 24.7 * (0.00437 * np.asarray(frequency, dtype=np.float64) + 1)


def bark(frequency: ArrayLike) -> Array:
    """Critical-band rate at `frequency` (Traunmüller, J. Acoust. Soc. Am. 88(1), 1990, eq. 6, with the corrections
    below 2 and above 20.1 Bark): within 0.05 Bark of Zwicker's table from 200 to 6700 Hz."""
    hertz = np.asarray(frequency, dtype=np.float64)
    z = 26.81 * hertz / (1_960 + hertz) - 0.53
    z = np.where(z < 2, z + 0.15 * (2 - z), z)
    return np.where(z > 20.1, z + 0.22 * (z - 20.1), z)


def _octaves(frequency: ArrayLike) -> Array:
    return np.log2(np.maximum(np.asarray(frequency, dtype=np.float64), LOWEST))


def _hertz(frequency: ArrayLike) -> Array:
    return np.asarray(frequency, dtype=np.float64)


SCALES: Mapping[str, tuple[str, Callable[[ArrayLike], Array]]] = {
    "erb": ("Cam", erb_rate),
    "bark": ("Bark", bark),
    "octave": ("octaves", _octaves),
    "linear": ("Hz", _hertz),
}


@dataclass(frozen=True)
class Distance:
    """How evenly centres lie on a scale: the root mean square distance from even places in units of the scale, over the
    mean step, and that step."""

    scale: str
    unit: str
    distance: float
    relative: float
    step: float


@dataclass(frozen=True)
class Layout:
    """The bands of one part of a chain: centres (Hz), widths (Hz; None where the part does not say), distances by
    scale, and the scale on which they lie most evenly. `coarse` counts the bands that the part's spectrum cannot tell
    from their neighbours, being narrower than a bin."""

    part: str
    centres: tuple[float, ...]
    widths: tuple[float, ...] | None
    distances: tuple[Distance, ...]
    nearest: str
    coarse: int | None

    @property
    def width_in_erb(self) -> float | None:
        """Geometric mean of the widths over the ear's own at the same place."""
        if self.widths is None:
            return None
        ratio = np.asarray(self.widths) / erb(self.centres)
        return float(np.exp(np.log(ratio).mean()))


def distance(centres: ArrayLike, scale: str) -> Distance:
    """How far `centres` (bands,), rising, are from evenly spread on `scale`; raises `EngineError`."""
    at = np.asarray(centres, dtype=np.float64)
    if at.ndim != 1 or at.size < FEWEST or not np.isfinite(at).all() or not (np.diff(at) > 0).all():
        raise EngineError(
            f"expected the centres of at least {FEWEST} bands in rising order, found {at.size} values"
        )
    unit, of = SCALES[scale]
    places = of(at)
    even = np.linspace(places[0], places[-1], at.size)
    step = float(even[1] - even[0])
    off = float(np.sqrt(np.square(places - even).mean()))
    return Distance(scale, unit, off, off / step, step)


def layout(
    part: str, centres: ArrayLike, *, weights: ArrayLike | None = None, spacing: float | None = None
) -> Layout:
    """The layout of bands at `centres` (Hz), whose `weights` (bands, bins) lie on a grid `spacing` Hz apart.

    A band's width is its area over its peak, the equivalent rectangle.
    """
    at = tuple(float(one) for one in np.asarray(centres, dtype=np.float64))
    distances = tuple(distance(at, scale) for scale in SCALES)
    widths = coarse = None
    if weights is not None and spacing is not None:
        table = np.asarray(weights, dtype=np.float64)
        peaks = table.max(axis=1)
        found = table.sum(axis=1) * spacing / np.where(peaks > 0, peaks, 1)
        # what is narrower than a bin hears a bin
        widths = tuple(float(max(one, spacing)) for one in found)
        coarse = int((np.diff(at, append=2 * at[-1] - at[-2]) < spacing).sum())
    nearest = min(distances, key=lambda one: one.relative).scale
    return Layout(part, at, widths, distances, nearest, coarse)


def layouts(chain: Chain) -> list[Layout]:
    """The layout of every part of `chain` that divides the spectrum into `FEWEST` bands or more: banks and masks, and
    what adapters listen through ("adapter 1" …). Empty where no part does."""
    found = []
    for name, block in chain.blocks.items():
        if isinstance(block, BandBlock):
            places = np.sort(chain.profile(name)[0])
        elif isinstance(block, GraphicEqualiser):
            places = np.array(block.centres(chain.rate))
        else:
            continue
        if len(places) >= FEWEST:
            found.append(layout(name, places, **_weights(block)))
    for number, adapter in enumerate(chain.adapters, start=1):
        if isinstance(adapter, Controller) and adapter.weights.shape[1] >= FEWEST:
            bands = adapter.weights.shape[1]
            found.append(
                layout(
                    f"adapter {number}",
                    auditory.centres(chain.rate, bands).numpy(),
                    weights=adapter.weights.T.numpy(),
                    spacing=chain.rate / (2 * adapter.hop),
                )
            )
    return found


def _weights(block: Block) -> dict[str, Any]:
    if isinstance(block, FramedBlock):
        return {"weights": block.weights.numpy(), "spacing": block.rate / block.size}
    if isinstance(block, FilterBank):
        bins = block.shares.shape[1]
        return {"weights": block.shares.numpy(), "spacing": block.rate / (2 * (bins - 1) + 1)}
    return {}
