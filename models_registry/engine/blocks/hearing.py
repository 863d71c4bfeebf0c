"""The ear's own filters: its outer and middle part, and one place along the cochlea.

Conventions: frequencies in Hz, widths as multiples of the equivalent rectangular bandwidth of normal hearing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models_registry.engine.blocks.base import Values, register
from models_registry.engine.blocks.biquad import highest
from models_registry.engine.blocks.cascade import CascadeBlock, response_of
from models_registry.engine.blocks.fir import CEPSTRUM, FirBlock, minimum_phase
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Option, Parameter
from models_registry.engine.ear import weighting

# what the ear weakens by more than this (dB) is not heard at all
DEAF = -60.0
# t³ e^−t has fallen by 60 dB from its highest at t = 14.8, e^−t at 6.9
FOURFOLD = 14.8 / 6.9


@register
class EarWeighting(FirBlock):
    """The outer and middle ear as a filter of minimum phase."""

    kind = "ear-weighting"
    card = Card(
        purpose="Weigh a signal as the ear does before it is compared, detected or learned from.",
        rationale="The ear canal lifts 2 to 5 kHz and the middle ear takes bass away; an error that is weighed so "
        "counts where it is heard.",
        assumptions="An average ear, a sound field from the front, moderate levels.",
        expected_ranges="An amount of 1 is the ear, 0 nothing.",
        failure_modes="Bass below rate / taps is weighed by what fits in the taps; nothing is lowered by more than 60 "
        "dB; not a loudness by itself.",
        expected=LINEAR,
        references=(
            "ITU-R BS.1387-2, annex 2, eq. 7",
            "E. Terhardt, Calculating Virtual Pitch, Hearing Research 1, 1979 (threshold in quiet)",
        ),
    )
    choices = (Option("taps", 1_023, "length of the response, made odd", low=127, high=8_191),)

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        size = CEPSTRUM * 2 ** self.options["taps"].bit_length()
        grid = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
        level = 10 * torch.log10(weighting(grid[1:]))
        self.level = torch.cat([level[:1], level]).clamp_min(DEAF)

    @classmethod
    def declare(cls, rate: int, *, taps: int = 1_023) -> tuple[Parameter, ...]:
        return (Parameter("amount", "", 0, 1, "linear", 1, "share of the ear's weight in dB"),)

    def impulse(self, values: Values) -> Tensor:
        magnitude = torch.pow(10.0, values["amount"].double() * self.level / 20)
        return minimum_phase(magnitude, 2 * (self.options["taps"] // 2) + 1)


def gammatone(frequency: Tensor, width: Tensor, rate: int) -> Tensor:
    """The sections (4, 5) of a gammatone filter of fourth order with 0 dB at its centre.

    M. Slaney, An Efficient Implementation of the Patterson-Holdsworth Auditory Filter Bank, Apple TR 35, 1993.
    """
    bandwidth = 24.7 * (4.37e-3 * frequency.double() + 1)
    decay = torch.exp(-2 * math.pi * 1.019 * width.double() * bandwidth / rate)
    turn = 2 * math.pi * frequency.double() / rate
    one, nothing = torch.ones_like(turn), torch.zeros_like(turn)
    sections = torch.stack(
        [
            torch.stack(
                [
                    one,
                    -decay
                    * (torch.cos(turn) + sign * math.sqrt(3 + side * 2**1.5) * torch.sin(turn)),
                    nothing,
                    -2 * decay * torch.cos(turn),
                    decay.square(),
                ]
            )
            for side in (1, -1)
            for sign in (1, -1)
        ]
    )
    gain = response_of(sections, frequency.double().reshape(1), rate).abs().pow(0.25)
    return torch.cat([sections[:, :3] / gain, sections[:, 3:]], dim=1)


@register
class Gammatone(CascadeBlock):
    """One place of the cochlea."""

    kind = "gammatone"
    card = Card(
        purpose="Hear through one auditory filter: a detector's band, a band of a bank (in parallel branches), a model "
        "of widened hearing.",
        rationale="The impulse response of an auditory nerve fibre is a tone under a gamma envelope; its width in ERB "
        "is what hearing loss changes.",
        assumptions="Linear: the ear's own filters are wider and more skewed at high levels.",
        expected_ranges="Width 1 for normal hearing, 2 to 4 with impaired hearing.",
        failure_modes="A filter far from the signal's energy gets no gradient; symmetric where the ear spreads "
        "upwards.",
        expected=LINEAR,
        references=(
            "R. D. Patterson et al., Complex Sounds and Auditory Images, Auditory Physiology and Perception, 1992",
            "M. Slaney, Apple Technical Report 35, 1993",
        ),
    )

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        top = highest(rate)
        return (
            Parameter("frequency", "Hz", 50, top, "log", 1_000, "best frequency"),
            Parameter("width", "ERB", 0.5, 6, "log", 1, "bandwidth, in those of normal hearing"),
        )

    def sections(self, values: Values) -> Tensor:
        return gammatone(values["frequency"], values["width"], self.rate)

    def tail(self, values: Values) -> float:
        """Longer than that of one pole, since four in one place rise before they fall."""
        return FOURFOLD * super().tail(values)
