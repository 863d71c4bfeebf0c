"""A comb that finds the pitch itself and says band by band how much of each frame is voiced.

Conventions: as in `spectral`; the output is `ahead` frames later than that of a block of gains, so that a period after
each frame is known. Periods are whole samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d

from models_registry.engine.blocks.base import State, Values, register
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.blocks.spectral import (
    BANDS,
    OVERLAP,
    WINDOW,
    WOLA,
    FramedBlock,
    by_row,
)
from models_registry.engine.contract import Card, Option, Parameter, Port
from models_registry.engine.relevance import held
from models_registry.engine.rules import power_of
from models_registry.engine.voicing import Periods

# s of sound in which a period is looked for
PITCH_S = 0.032
# What was found before counts so much within so many candidates to either side (8 %).
LEAK, REACH = 0.6, 4
SILENCE = 1e-12
# a period before, now and a period after, each as much
MOST = 2 / 3
# a band whose voice is as strong as its noise is correlated by 0.6, noise by 0.1
SLOPE, OFFSET = 2.0, 0.25


@register
class PitchFilter(FramedBlock):
    """Each band mixed with itself a period before and after, as far as it is voiced."""

    kind = "pitch-filter"
    card = Card(
        purpose="Take noise out between the harmonics of a voice whose pitch nobody has told, band by band.",
        rationale="A level per band cannot part a voice from noise between its harmonics; what a period before and a "
        "period after have in common with now can. Where the band does not repeat (its correlation with its "
        "neighbours, 0 to 1) nothing is mixed in, so that consonants stay.",
        assumptions="One voice, whose pitch lies between `lowest` and `highest` and moves by less than 8 % from frame "
        "to frame; noise that does not repeat with the period.",
        expected_ranges="Strength 0.5 to 1 in bands of vowels, less where the voice is breathy or unsteady. At 0.75 "
        "what lies half-way between two harmonics of a voiced band is gone, at 1 it is 10 dB down and noise 5 dB.",
        failure_modes="A period that is wrong, or another talker's or an engine's, keeps what it should take out; high "
        "harmonics of a gliding voice are dulled; at 16 kHz a whole number of samples is not quite the period above "
        "4 kHz.",
        expected=SILENT,
        references=(
            WOLA,
            "J.-M. Valin et al., A Perceptually-Motivated Approach for Low-Complexity, Real-Time Enhancement of "
            "Fullband Speech, Interspeech 2020 (pitch filter with a strength per band)",
            "J.-M. Valin, A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement, MMSP 2018 "
            "(pitch correlation per band)",
        ),
    )
    choices = (
        BANDS,
        WINDOW,
        OVERLAP,
        Option("lowest", 70, "lowest pitch, Hz", low=40, high=200),
        Option("highest", 400, "highest pitch, Hz", low=250, high=1_000),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        lowest, highest = (self.options[name] for name in ("lowest", "highest"))
        self.ahead = math.ceil((rate / lowest + 1) / self.hop)
        self.begin = self.ahead * self.hop
        self.span = self.size + 2 * self.begin
        self.outlet = Port(latency=self.size - 1 + self.begin)
        # a frame in which a period is looked for, in the middle
        size = min(self.span, 2 * round(PITCH_S * rate / 2))
        self.edge = (self.span - size) // 2
        self.periods = Periods(rate, size, 2 ** (size - 1).bit_length(), lowest, highest)
        self.tapered = torch.hann_window(size, dtype=torch.float64)

    @classmethod
    def declare(
        cls,
        rate: int,
        *,
        bands: int = 32,
        window: int = 20,
        overlap: int = 2,
        lowest: int = 70,
        highest: int = 400,
    ) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "strength",
                "",
                0,
                1,
                "linear",
                0.5,
                "how much of the mean over three periods stands for what is voiced, by band",
                size=bands,
                time_varying=True,
            ),
        )

    def made(self, frames: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        periods, state = self._tracked(frames, state)
        window = self.window.to(frames.dtype)
        places = self.begin + torch.arange(self.size)
        beside = sum(frames.gather(2, places + side * periods[..., None]) for side in (-1, 1))
        now = torch.fft.rfft(frames[..., self.begin : self.begin + self.size] * window)
        others = torch.fft.rfft(beside * (window / 2))
        share = MOST * by_row(values["strength"]) * self._voiced(now, others)
        kept = held(1 - share @ self.weights.to(share.dtype)).to(now.real.dtype)
        return now + (1 - kept) * (others - now), state

    def _tracked(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Periods in samples (rows, steps) of `frames`, and what was found."""
        with torch.no_grad():
            tapered = self.tapered.to(frames.dtype)
            middle = frames[..., self.edge : self.edge + len(tapered)] * tapered
            spectra = torch.fft.rfft(middle, n=self.periods.points)
            score = self.periods.score(power_of(spectra))
            found = torch.zeros_like(score[:, 0]) if state is None else state
            totals = []
            for new in score.unbind(1):
                lately = max_pool1d(found[:, None], 2 * REACH + 1, 1, REACH)[:, 0]
                found = new + LEAK * lately
                totals.append(found)
            return self.periods.of(torch.stack(totals, 1)).round().long(), found

    def _voiced(self, now: Tensor, others: Tensor) -> Tensor:
        """How far (rows, steps, bands), 0 to 1, each band is correlated with its neighbours."""
        weights = self.weights.T.to(now.real.dtype)
        common, *powers = (
            (a.real * b.real + a.imag * b.imag) @ weights
            for a, b in ((now, others), (now, now), (others, others))
        )
        alike = common / (powers[0] * powers[1] + SILENCE**2).sqrt()
        return 1 - torch.relu(1 - torch.relu(SLOPE * alike - OFFSET))

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        # half-way between two harmonics the neighbours are upside down
        between = (1 - 2 * MOST * values["strength"]).abs()
        return self.centres, {"between the harmonics of a voice": 20 * torch.log10(between + 1e-3)}

    def tail(self, values: Values) -> float:
        return super().tail(values) + 2 * self.begin / self.rate
