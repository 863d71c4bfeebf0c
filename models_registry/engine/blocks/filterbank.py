"""Filter banks whose bands add up to the signal again: ERB, Bark, octaves and thirds of octaves.

Conventions: frequencies in Hz, levels in dB. Every band is a linear-phase response of the same length, so that bands
are aligned with each other and their sum is the signal, later by half that length. Bands meet half-way between their
centres on their own scale, and what one loses there the other gains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from models_registry.engine.auditory import bark, erb_rate
from models_registry.engine.blocks.base import BandBlock, Values, amplitude, register
from models_registry.engine.blocks.convolution import convolved
from models_registry.engine.blocks.fir import FirBlock, linear_phase
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Option, Parameter, Port


def _octaves(frequency: Tensor) -> Tensor:
    return torch.log2(frequency.clamp_min(1e-3) / 1_000)


# a scale, the steps between its bands' centres, and the place of the lowest centre
SCALES: dict[str, tuple[Callable[[Tensor], Tensor], float, float]] = {
    "erb": (erb_rate, 1.0, 2.0),
    "bark": (bark, 1.0, 0.5),
    "octave": (_octaves, 1.0, -5.0),
    "third-octave": (_octaves, 1 / 3, -5.0),
}


def places(scale: str, rate: int) -> Tensor:
    """The bands' centres (bands,) on `scale`, up to the one below 0.45 of `rate`."""
    of, step, lowest = SCALES[scale]
    top = of(torch.tensor(min(20_000.0, 0.45 * rate), dtype=torch.float64)).item()
    return lowest + step * torch.arange(int((top - lowest) / step) + 1, dtype=torch.float64)


def shares(scale: str, rate: int, grid: Tensor) -> Tensor:
    """What of each frequency of `grid` (Hz) is in each band (bands, frequencies): adds to 1 at every frequency.

    A raised cosine over one step to either side; flat beyond the outer centres.
    """
    of, step, _ = SCALES[scale]
    at = places(scale, rate)
    where = ((of(grid.double()) - at[0]) / step).clamp(0, len(at) - 1)
    away = (where[None] - torch.arange(len(at))[:, None]).abs().clamp(max=1)
    return (1 + torch.cos(torch.pi * away)) / 2


@register
class FilterBank(FirBlock, BandBlock):
    """A level for each band of a scale, without a turn of phase."""

    kind = "filter-bank"
    card = Card(
        purpose="Divide a signal by a scale of the ear or of acoustics and weigh the bands, phase untouched.",
        rationale="Bands of equal width on the scale on which masking or measurement works; linear phase and shares "
        "that add to one make the bank transparent when all levels are equal.",
        assumptions="Linear and time-invariant; a latency of half the length does not matter.",
        expected_ranges="Levels within ±12 dB.",
        failure_modes="Bands narrower than four times rate / taps reach into their neighbours (the sum stays exact); "
        "steep levels ring before transients.",
        expected=LINEAR,
        references=(
            "Glasberg, Moore, Hearing Research 47, 1990 (ERB)",
            "E. Zwicker, E. Terhardt, Analytical Expressions for Critical-Band Rate, JASA 68(5), 1980 (Bark)",
            "IEC 61260-1:2014 (octaves; mid-band frequencies here in powers of two)",
        ),
    )
    choices = (
        Option("scale", "erb", "what the bands are even on", tuple(SCALES)),
        Option("taps", 2_047, "length of each response, made odd", low=127, high=32_767),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        half = self.options["taps"] // 2
        self.outlet = Port(latency=half)
        grid = torch.arange(half + 1, dtype=torch.float64) * rate / (2 * half + 1)
        self.shares = shares(self.options["scale"], rate, grid)

    @classmethod
    def declare(cls, rate: int, *, scale: str = "erb", taps: int = 2_047) -> tuple[Parameter, ...]:
        count = len(places(scale, rate))
        return (Parameter("levels", "dB", -60, 24, "dB", 0, "level of each band", size=count),)

    def impulse(self, values: Values) -> Tensor:
        return linear_phase(amplitude(values["levels"].double()) @ self.shares)

    def bands(self, signal: Tensor) -> Tensor:
        """Each band (bands, *signal.shape) of a whole `signal`, without levels, all late by the latency."""
        return torch.stack([convolved(signal, linear_phase(one), None)[0] for one in self.shares])

    def centres(self) -> Tensor:
        """Where each band is heard alone (bands,), Hz, by its scale's inverse read off a fine grid."""
        of, _, _ = SCALES[self.options["scale"]]
        grid = torch.logspace(0, 4.35, 100_000, dtype=torch.float64)
        found = torch.searchsorted(of(grid), places(self.options["scale"], self.rate))
        return grid[found.clamp(max=len(grid) - 1)]

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        return self.centres(), {"level": values["levels"]}
