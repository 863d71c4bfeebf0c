"""Which figure shows a block best: by what the block can answer about itself.

Conventions: frequencies in Hz, levels in dB; `chain` is a `models_registry.engine.Chain`, which is not imported, since
the site runs without PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from listening import chain_figures

POINTS = 600
# levels (dB) between which a block whose gain takes its time is shown
SOFT, LOUD = -36.0, -12.0
# the level (dB) at which a curve of levels begins
SOFTEST = -80.0
# a tone that shows what a block does that nothing else shows
TONE_HZ, TONE_LEVEL, TONE_SECONDS = 440.0, 0.5, 0.01


class Picture(NamedTuple):
    """A figure for blocks that have the method `answer`; `shows` completes the sentence "the block's …"."""

    answer: str
    shows: str
    draw: Callable[[Any, str], Figure]


def _response(chain: Any, block: str) -> Figure:
    frequencies = np.geomspace(chain_figures.LOWEST_HZ, chain.rate / 2, POINTS)
    shared = chain.response(block, frequencies)
    under = {one: chain.under(one).response(block, frequencies) for one in chain.conditions}
    chain.under(None)
    moved = any(not np.array_equal(one, shared) for one in under.values())
    return chain_figures.frequency_response(
        frequencies, shared, name=block, under=under if moved else None
    )


def _curve(chain: Any, block: str) -> Figure:
    if chain.blocks[block].by_level:
        given = np.linspace(SOFTEST, 0, POINTS)
        output = np.abs(chain.curve(block, 10 ** (given / 20)))
        # a gate that is shut lets nothing out, which has no level
        shown = 20 * np.log10(np.maximum(output, 10 ** (2 * SOFTEST / 20)))
        return chain_figures.characteristic(given, shown, name=block)
    levels = np.linspace(-1, 1, POINTS)
    return chain_figures.curve(levels, chain.curve(block, levels), name=block)


def _profile(chain: Any, block: str) -> Figure:
    return chain_figures.band_levels(*chain.profile(block), name=block)


def _sound(chain: Any, block: str) -> Figure:
    return chain_figures.excerpt(chain.sound(block, chain.rate), chain.rate, name=block)


def _decay(chain: Any, block: str) -> Figure:
    return chain_figures.energy_decay(chain.decay(block), chain.rate, name=block)


def _reaction(chain: Any, block: str) -> Figure:
    frames = round(chain.blocks[block].course * chain.rate)
    levels = np.full(frames, SOFT)
    levels[frames // 5 : frames // 2] = LOUD
    gain = chain.reaction(block, levels)
    return chain_figures.reaction(levels, gain, chain.rate, name=block)


def _tone(chain: Any, block: str) -> Figure:
    time = np.arange(round(TONE_SECONDS * chain.rate)) / chain.rate
    given = TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * time)
    return chain_figures.tone(given, chain.passed(block, given), chain.rate, name=block)


# the first that fits
PICTURES = (
    Picture("profile", "levels by band", _profile),
    Picture("decay", "energy decay", _decay),
    Picture("response", "frequency response", _response),
    Picture("curve", "curve", _curve),
    Picture("reaction", "gain over time", _reaction),
    Picture("sound", "sound", _sound),
    Picture("process", "waveform of a tone", _tone),
)


def picture_of(chain: Any, block: str) -> Picture | None:
    """The picture of `block` in `chain`; None where there is no such block or nothing to draw."""
    found = chain.blocks.get(block)
    return next((picture for picture in PICTURES if hasattr(found, picture.answer)), None)
