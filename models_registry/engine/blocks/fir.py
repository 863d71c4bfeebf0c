"""Finite impulse responses: free taps, levels at evenly spaced frequencies, a graphic equaliser.

Conventions: frequencies in Hz, levels in dB. A linear-phase response of 2P + 1 taps lags by P samples, which its outlet
declares; a minimum-phase one has no latency.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models_registry.engine.blocks.base import (
    LinearBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.convolution import convolved, response_of
from models_registry.engine.blocks.promises import LINEAR
from models_registry.engine.contract import Card, Option, Parameter, Port

# The cepstrum of a response is longer than the response; folding it back aliases what does not fit.
CEPSTRUM = 4
THIRD_OCTAVES = tuple(1_000 * 10 ** (n / 10) for n in range(-17, 14))


class FirBlock(LinearBlock):
    """A linear block that is one impulse response."""

    @abstractmethod
    def impulse(self, values: Values) -> Tensor:
        """The impulse response (taps,) float64."""

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        return convolved(signal, designed(values, "impulse", lambda: self.impulse(values)), state)

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return response_of(self.impulse(values), frequencies, self.rate)

    def tail(self, values: Values) -> float:
        return (len(self.impulse(values)) - 1) / self.rate


@register
class Fir(FirBlock):
    """Free taps."""

    kind = "fir"
    card = Card(
        purpose="Any linear coloration up to a length: a cabinet, a microphone, an unknown filter.",
        rationale="The response whose error surface is convex: least squares knows its best value, so it is the "
        "yardstick for every other linear block.",
        assumptions="Linear and time-invariant; over after the last tap; every channel alike.",
        expected_ranges="Taps within ±1 that fade towards the end; a large last tap asks for more taps.",
        failure_modes="Bass below rate / taps is out of reach; taps fit the noise of short recordings; a gain beside "
        "it is not identifiable.",
        expected=LINEAR,
        references=("Oppenheim, Schafer, Discrete-Time Signal Processing, 3rd ed., 2010, ch. 7",),
    )
    choices = (Option("taps", 64, "length of the impulse response", low=1, high=8_192),)

    @classmethod
    def declare(cls, rate: int, *, taps: int = 64) -> tuple[Parameter, ...]:
        unit = (1.0, *[0.0] * (taps - 1))
        start = unit if taps > 1 else 1.0
        return (Parameter("taps", "", -2, 2, "linear", start, "the impulse response", size=taps),)

    def impulse(self, values: Values) -> Tensor:
        return values["taps"].double().reshape(-1)


def linear_phase(magnitude: Tensor) -> Tensor:
    """The 2P + 1 taps with these P + 1 magnitudes at k · rate / (2P + 1), symmetric about tap P."""
    half = magnitude.shape[0] - 1
    return torch.fft.irfft(magnitude.to(torch.complex128), n=2 * half + 1).roll(half)


def minimum_phase(magnitude: Tensor, taps: int) -> Tensor:
    """The first `taps` of the causal response of least delay with these magnitudes at 0 … half the rate.

    Oppenheim and Schafer 2010, ch. 13: the cepstrum of a minimum-phase response is zero at negative times.
    """
    size = 2 * (magnitude.shape[0] - 1)
    cepstrum = torch.fft.irfft(torch.log(magnitude).to(torch.complex128), n=size)
    fold = torch.zeros(size, dtype=torch.float64)
    fold[0] = fold[size // 2] = 1
    fold[1 : size // 2] = 2
    return torch.fft.irfft(torch.exp(torch.fft.rfft(cepstrum * fold)), n=size)[:taps]


@register
class SampledFir(FirBlock):
    """A linear-phase response given by its levels at evenly spaced frequencies."""

    kind = "sampled-fir"
    card = Card(
        purpose="Shape the magnitude on a linear frequency axis and leave the phase alone.",
        rationale="Frequency sampling meets the level at each frequency exactly with as many taps as needed, so the "
        "parameters are the response that is heard.",
        assumptions="Linear phase; linear and time-invariant; every channel alike.",
        expected_ranges="Levels within ±24 dB that change smoothly from point to point.",
        failure_modes="Ripples between the points where neighbours differ much; rings before a transient; one point "
        "covers octaves at low frequencies.",
        expected=LINEAR,
        references=(
            "Rabiner, Gold, McGonegal, An Approach to the Approximation Problem for Nonrecursive "
            "Digital Filters, IEEE Trans. Audio Electroacoust. 18(2), 1970",
        ),
    )
    choices = (Option("points", 33, "levels from 0 Hz up", low=2, high=2_049),)

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.outlet = Port(latency=self.options["points"] - 1)

    @classmethod
    def declare(cls, rate: int, *, points: int = 33) -> tuple[Parameter, ...]:
        return (
            Parameter("levels", "dB", -60, 24, "dB", 0, "level at each frequency", size=points),
        )

    def frequencies(self) -> Tensor:
        """Where the levels hold (points,), Hz."""
        points = self.options["points"]
        return torch.arange(points, dtype=torch.float64) * self.rate / (2 * points - 1)

    def impulse(self, values: Values) -> Tensor:
        return linear_phase(amplitude(values["levels"].double()))


@register
class GraphicEqualiser(FirBlock):
    """A level for each third of an octave."""

    kind = "graphic-equaliser"
    card = Card(
        purpose="Match a long-term spectrum: a room, a loudspeaker, a microphone, a voice to another.",
        rationale="Third octaves are near the ear's critical bands above 500 Hz and the customary resolution of "
        "measurements; levels between them are interpolated on a logarithmic frequency axis.",
        assumptions="Linear and time-invariant; smooth in level over log frequency; flat beyond the outer bands.",
        expected_ranges="Levels within ±12 dB, neighbours within 6 dB of each other.",
        failure_modes="Bands below rate / taps (23 Hz at 48 kHz and 2047 taps) share their taps; minimum phase is "
        "shortened to the taps, which rounds deep and narrow notches; linear phase rings before transients.",
        expected=LINEAR,
        references=(
            "IEC 61260-1:2014 (exact mid-band frequencies, base ten)",
            "Välimäki, Reiss, All About Audio Equalization, Applied Sciences 6(5):129, 2016",
        ),
    )
    choices = (
        Option("phase", "minimum", "phase of the response", words=("minimum", "linear")),
        Option("taps", 2_047, "length of the response, made odd", low=127, high=32_767),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        if self.options["phase"] == "linear":
            self.outlet = Port(latency=self.options["taps"] // 2)
        half = self.options["taps"] // 2
        if self.options["phase"] == "linear":
            grid = torch.arange(half + 1, dtype=torch.float64) / (2 * half + 1)
        else:
            size = CEPSTRUM * 2 ** (2 * half).bit_length()
            grid = torch.arange(size // 2 + 1, dtype=torch.float64) / size
        self.weights = _interpolation(grid * rate, self.centres(rate))

    @staticmethod
    def centres(rate: int) -> tuple[float, ...]:
        """The mid-band frequencies (Hz) at `rate`."""
        return tuple(f for f in THIRD_OCTAVES if f <= 0.45 * rate)

    @classmethod
    def declare(
        cls, rate: int, *, phase: str = "minimum", taps: int = 2_047
    ) -> tuple[Parameter, ...]:
        count = len(cls.centres(rate))
        return (
            Parameter("levels", "dB", -24, 24, "dB", 0, "level of each third octave", size=count),
        )

    def impulse(self, values: Values) -> Tensor:
        first, share = self.weights
        levels = values["levels"].double()
        magnitude = amplitude(levels[first] * (1 - share) + levels[first + 1] * share)
        if self.options["phase"] == "linear":
            return linear_phase(magnitude)
        return minimum_phase(magnitude, 2 * (self.options["taps"] // 2) + 1)


def _interpolation(grid: Tensor, centres: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """For each frequency of `grid` the lower of its two bands, and the upper one's share."""
    places = torch.log(torch.tensor(centres, dtype=torch.float64))
    at = torch.log(grid.clamp(min=centres[0], max=centres[-1]))
    first = (torch.searchsorted(places, at, right=True) - 1).clamp(0, len(centres) - 2)
    return first, (at - places[first]) / (places[first + 1] - places[first])
