"""Noise by band: what is left of a sound when its harmonics are taken away.

Conventions: levels are in dB of mean square within each band, one value per frame of `spectral`. The noise is the one
that the option `seed` names, sample by sample, so that a model sounds the same for ever and in whatever blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine.blocks.base import SoundBlock, State, Values, amplitude, register
from models_registry.engine.blocks.spectral import BANDS, OVERLAP, WINDOW, SpectralBlock, by_row
from models_registry.engine.blocks.synthesis import DDSP
from models_registry.engine.contract import Card, Option, Parameter

# Philox makes four numbers at each count
PER_COUNT = 4


def white(seed: int, channels: int, start: int, frames: int) -> Tensor:
    """Samples `start` to `start` + `frames` of white noise (channels, frames), evenly distributed, of unit variance.

    J. K. Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011: any stretch without those before it.
    """
    first = start // PER_COUNT
    count = -(-(start + frames) // PER_COUNT) - first
    rows = []
    for channel in range(channels):
        raw = np.random.Philox(key=[seed, channel], counter=[first, 0, 0, 0]).random_raw(
            PER_COUNT * count
        )
        rows.append((raw >> np.uint64(11)) * 2.0**-53)
    begin = start - PER_COUNT * first
    even = np.stack(rows)[:, begin : begin + frames]
    return torch.from_numpy((2 * even - 1) * np.sqrt(3.0))


@register
class FilteredNoise(SpectralBlock, SoundBlock):
    """Noise with a level for each band."""

    kind = "filtered-noise"
    card = Card(
        purpose="Breath, bow, consonants, rain: the part of a sound that has a spectrum but no period.",
        rationale="The ear hears of noise only its level in each critical band and how that changes within some ten "
        "milliseconds; the samples may be anybody's.",
        assumptions="Gaussian-like noise without fine structure in time; channels independent.",
        expected_ranges="-80 to -30 dB per band beneath harmonics, up to -20 dB for consonants.",
        failure_modes="A waveform loss cannot learn somebody else's noise: use spectral losses; clicks shorter than a "
        "frame are smeared over it; levels within a window's side lobes of a strong neighbour are not met.",
        references=(
            DDSP,
            "X. Serra, J. Smith, Spectral Modeling Synthesis: A Sound Analysis/Synthesis System Based on a "
            "Deterministic Plus Stochastic Decomposition, Computer Music Journal 14(4), 1990",
        ),
    )
    choices = (BANDS, WINDOW, OVERLAP, Option("seed", 0, "which noise", low=0, high=2**31 - 1))

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        # white noise has this mean square in each band; narrow bands at the bottom may hold no bin at all
        self.whole = (self.shares.sum(1) * self.window.square().sum()).clamp_min(1e-9)

    @classmethod
    def declare(
        cls, rate: int, *, bands: int = 32, window: int = 20, overlap: int = 2, seed: int = 0
    ) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "levels", "dB", -120, 6, "dB", -60, "in each band", size=bands, time_varying=True
            ),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        start, inner = (0, None) if state is None else state
        frames = signal.shape[-1]
        drawn = white(self.options["seed"], signal.shape[-2], start, frames).to(signal.dtype)
        output, inner = super().process(drawn.expand(signal.shape), values, inner)
        return output, (start + frames, inner)

    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        factors = amplitude(by_row(values["levels"])) / self.whole.sqrt()
        gains = (factors.square() @ self.weights).sqrt().to(spectra.real.dtype)
        return spectra * gains, None

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        return self.centres, {"noise": values["levels"]}
