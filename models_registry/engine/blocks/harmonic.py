"""A comb that follows the pitch: what repeats with each period stays, what lies between its harmonics goes.

Conventions: frequency is the fundamental in Hz; periods between samples are read by the cubic of `delay`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models_registry.engine.blocks.base import LinearBlock, State, Values, register
from models_registry.engine.blocks.delay import delay_response, divided, lagrange, read, with_past
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter, Port

# The voices of children and singers included; a period of the lowest is the latency of one period to either side.
LOWEST, HIGHEST = 50.0, 1_000.0


@register
class HarmonicFilter(LinearBlock):
    """y[n] = (1 − strength) · x[n] + strength · Σ w[k] · x[n − k · period]."""

    kind = "harmonic-filter"
    card = Card(
        purpose="Clean a voiced sound between its harmonics, where a level per band cannot reach.",
        rationale="A voice or a string repeats with its period, noise does not: averaged over neighbouring periods the "
        "harmonics stay and noise between them falls by up to the number of periods.",
        assumptions="The frequency is known or follows an adapter and hardly changes within the periods averaged.",
        expected_ranges="Strength 0 in noise and consonants, 0.5 to 0.9 in vowels; one or two periods to either side.",
        failure_modes="A wrong frequency takes out the voice itself, an octave too low lets noise through; fast "
        "glides are smeared; high harmonics of an unsteady voice are dulled.",
        expected=SILENT,
        references=(
            "J.-M. Valin et al., A Perceptually-Motivated Approach for Low-Complexity, Real-Time Enhancement of "
            "Fullband Speech, Interspeech 2020 (comb filter)",
            "J. S. Lim, A. V. Oppenheim, L. D. Braida, Evaluation of an Adaptive Comb Filtering Method, IEEE Trans. "
            "ASSP 26(4), 1978",
        ),
    )
    choices = (
        Option("periods", 1, "periods averaged to a side", low=1, high=8),
        Option(
            "sides", "both", "around each sample, or before it without latency", ("both", "before")
        ),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        count = self.options["periods"]
        longest = math.ceil(count * rate / LOWEST) + 1
        both = self.options["sides"] == "both"
        self.ahead = longest if both else 0
        self.outlet = Port(latency=self.ahead)
        self.length = self.ahead + longest + 3
        lags = range(-count if both else 0, count + 1)
        # a Hann window over the periods
        raw = {k: 1 + math.cos(math.pi * k / (count + 1)) for k in lags}
        self.weights = {k: weight / sum(raw.values()) for k, weight in raw.items()}

    @classmethod
    def declare(cls, rate: int, *, periods: int = 1, sides: str = "both") -> tuple[Parameter, ...]:
        return (
            Parameter(
                "frequency", "Hz", LOWEST, HIGHEST, "log", 150, "fundamental", time_varying=True
            ),
            Parameter(
                "strength", "", 0, 1, "linear", 0.5, "share of the average", time_varying=True
            ),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1])
        heard = with_past(rows, state, self.length)
        period, strength = (
            one.expand(signal.shape).reshape(rows.shape) if one.dim() else one
            for one in (self.rate / values["frequency"].double(), values["strength"])
        )
        begin = self.length - self.ahead
        middle = heard[:, begin : begin + rows.shape[1]]
        # as what is added to the signal, so that no strength leaves it untouched
        added = torch.zeros_like(rows)
        for k, weight in self.weights.items():
            if k:
                later = read(heard, self.length, self.ahead + k * period)
                added = added + weight * (later - middle)
        output = middle + strength.to(signal.dtype) * added
        return output.reshape(signal.shape), heard[:, rows.shape[1] :].detach().clone()

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        period = self.rate / values["frequency"].double()
        turns = frequencies.double() / self.rate * self.ahead
        middle = torch.exp(-2j * math.pi * turns)
        total = middle
        for k, weight in self.weights.items():
            if k:
                whole, fraction = divided(self.ahead + k * period)
                late = delay_response(whole, lagrange(fraction), frequencies, self.rate)
                total = total + values["strength"] * weight * (late - middle)
        return total

    def tail(self, values: Values) -> float:
        latest = self.ahead / self.rate + self.options["periods"] / float(values["frequency"])
        return latest + 2 / self.rate
