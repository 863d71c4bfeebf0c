"""One second-order filter of a chosen shape, and a crossover made of such filters.

Conventions: frequencies in Hz, gains in dB, Q dimensionless (√½ is Butterworth's).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import (
    LinearBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.cascade import (
    RAISED,
    SHAPES,
    CascadeBlock,
    filtered,
    largest_pole,
    response_of,
    section,
)
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Option, Parameter


def highest(rate: int) -> float:
    """The highest corner frequency (Hz) that the bilinear transform still serves at `rate`."""
    return min(20_000.0, 0.45 * rate)


@register
class Biquad(CascadeBlock):
    """Low-, high- or band-pass, notch, all-pass, peak or shelf."""

    kind = "biquad"
    card = Card(
        purpose="One filter that does one thing: cut rumble, take out a hum, set a resonance, turn the phase.",
        rationale="The second-order section is the unit in which engineers think of filters; the shape is chosen, "
        "the corner, Q and gain are learned.",
        assumptions="Linear and time-invariant; every channel alike; 12 dB per octave at most.",
        expected_ranges="Q 0.5 to 1.4 for passes and shelves, 1 to 30 for a notch; a corner at the "
        "end of its range means that the filter is not needed.",
        failure_modes="A pass filter whose corner starts far from the signal's energy gets no gradient; the bilinear "
        "transform puts a zero of the low-pass at half the sample rate.",
        expected=LINEAR,
        references=(
            "R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients "
            "(W3C Working Group Note, 2021)",
        ),
    )
    choices = (Option("shape", "peak", "what the filter does", words=SHAPES),)

    @classmethod
    def declare(cls, rate: int, *, shape: str = "peak") -> tuple[Parameter, ...]:
        top = highest(rate)
        declared = [
            Parameter("frequency", "Hz", 10, top, "log", 1_000, "corner or centre"),
            Parameter("q", "", 0.1, 40, "log", math.sqrt(0.5), "quality factor"),
        ]
        if shape in RAISED:
            declared.append(Parameter("gain", "dB", -24, 24, "dB", 0, "gain of the peak or shelf"))
        return tuple(declared)

    def sections(self, values: Values) -> Tensor:
        shape = self.options["shape"]
        return section(shape, values["frequency"], values["q"], self.rate, values.get("gain"))


def linkwitz_riley(crossings: list[Tensor], rate: int) -> list[Tensor]:
    """The sections of each band between `crossings` (Hz, rising), from the lowest; their sum is an all-pass."""
    q = torch.tensor(math.sqrt(0.5), dtype=torch.float64)
    parts: list[list[Tensor]] = [[] for _ in range(len(crossings) + 1)]
    for n, crossing in enumerate(crossings):
        low, high, turn = (
            section(shape, crossing, q, rate) for shape in ("low-pass", "high-pass", "all-pass")
        )
        for band, part in enumerate(parts):
            # bands already divided off are turned as the low and high part's sum is
            part += [turn] if band < n else [low, low] if band == n else [high, high]
    return [torch.cat(part) for part in parts]


def crossing_parameters(rate: int, bands: int) -> tuple[Parameter, ...]:
    """The frequencies between `bands` bands, at first evenly spaced on a logarithmic axis."""
    top = highest(rate)
    places = [80 * (0.6 * top / 80) ** (n / bands) for n in range(1, bands)]
    return tuple(
        Parameter(f"crossing{n}", "Hz", 20, top, "log", f, f"between bands {n} and {n + 1}")
        for n, f in enumerate(places, start=1)
    )


@register
class Crossover(LinearBlock):
    """Linkwitz-Riley bands of fourth order, each with a level, added up again."""

    kind = "crossover"
    card = Card(
        purpose="Weigh a few broad bands against each other without a ripple where they meet.",
        rationale="Fourth-order Linkwitz-Riley bands are in phase at their crossing and add to an all-pass, so equal "
        "levels change no magnitude; loudspeakers and multiband processors divide the spectrum so.",
        assumptions="Linear and time-invariant; crossing frequencies in rising order are the useful case.",
        expected_ranges="Levels within ±12 dB; crossings at least an octave apart.",
        failure_modes="The sum of equal levels turns the phase (an all-pass, up to 360° a crossing); crossings that "
        "change their order leave a band empty.",
        expected=LINEAR,
        references=(
            "S. P. Lipshitz, J. Vanderkooy, In-Phase Crossover Network Design, "
            "J. Audio Eng. Soc. 34(11), 1986",
        ),
    )
    choices = (Option("bands", 3, "number of bands", low=2, high=8),)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, bands: int = 3) -> tuple[Parameter, ...]:
        return (
            *crossing_parameters(rate, bands),
            *(
                Parameter(f"level{n}", "dB", -48, 24, "dB", 0, f"level of band {n}")
                for n in range(1, bands + 1)
            ),
        )

    def bands(self, values: Values) -> list[Tensor]:
        """The sections of each band, from the lowest, without its level."""
        count = self.options["bands"]
        return linkwitz_riley([values[f"crossing{n}"] for n in range(1, count)], self.rate)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        output, following = torch.zeros_like(signal), []
        for n, sections in enumerate(designed(values, "bands", lambda: self.bands(values))):
            before = None if state is None else state[n]
            band, after = filtered(signal, sections, before, self.backend)
            output = output + band * amplitude(values[f"level{n + 1}"]).to(signal.dtype)
            following.append(after)
        return output, following

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return torch.stack(
            [
                response_of(sections, frequencies, self.rate) * amplitude(values[f"level{n}"])
                for n, sections in enumerate(self.bands(values), start=1)
            ]
        ).sum(0)

    def pole_radius(self, values: Values) -> float:
        return max(largest_pole(sections) for sections in self.bands(values))
