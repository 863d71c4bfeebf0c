"""A string: a delay of one period in a loop that loses a little at every turn, more of the high partials.

Conventions: frequency in Hz, decay as the time in seconds to fall by 60 dB. What comes in is the force that plays it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import LinearBlock, State, Values, amplitude, register
from models_registry.engine.blocks.delay import Comb, delay_response, divided, lagrange
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter

LOWEST, HIGHEST = 30.0, 2_000.0


@register
class PluckedString(LinearBlock):
    """v[n] = x[n] + g · (damping ∗ v)[n − period]; y = level · v."""

    kind = "string"
    card = Card(
        purpose="A plucked or struck string, a tube, a resonant room mode with its harmonics.",
        rationale="A wave that runs up and down a string comes by once per period; what it loses on the way is decay, "
        "and that it loses more at high frequencies is damping. Symmetric damping leaves the pitch alone.",
        assumptions="Linear, harmonic (no stiffness), at rest at the start; every channel alike.",
        expected_ranges="Decay 0.5 to 10 s for steel, 0.2 to 1 s for nylon and gut; damping 0.05 to 0.4.",
        failure_modes="Losses on waveforms do not find the frequency, as with every delay; partials of a period "
        "between samples decay faster above a quarter of the rate, by the cubic that reads there.",
        expected=SILENT,
        references=(
            "K. Karplus, A. Strong, Digital Synthesis of Plucked-String and Drum Timbres, Computer Music Journal "
            "7(2), 1983",
            "D. A. Jaffe, J. O. Smith, Extensions of the Karplus-Strong Plucked-String Algorithm, Computer Music "
            "Journal 7(2), 1983",
        ),
    )
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter("frequency", "Hz", LOWEST, HIGHEST, "log", 110, "pitch"),
            Parameter("decay", "s", 0.02, 30, "log", 2, "time to fall by 60 dB, at the pitch"),
            Parameter("damping", "", 0, 0.5, "linear", 0.2, "loss of high partials at each turn"),
            Parameter("level", "dB", -60, 24, "dB", -12, "factor behind it"),
        )

    def _loop(self, values: Values) -> tuple[int, Tensor]:
        """The shortest lag of the loop in samples, and its taps from there on."""
        period = self.rate / values["frequency"].double()
        # the damping's middle is one sample late
        whole, fraction = divided(period - 1)
        d = values["damping"].double()
        damping = torch.stack([d / 2, 1 - d, d / 2])
        # a decay by 60 dB at the pitch, where damping takes its small share too
        turn = 2 * math.pi / period
        gain = torch.pow(10.0, -3 / (values["decay"].double() * values["frequency"]))
        own = 1 - d + d * torch.cos(turn)
        # never above 1 at 0 Hz, where damping takes nothing
        gain = torch.minimum(gain / own, (1 + gain) / 2)
        read = lagrange(fraction)
        taps = torch.zeros(6, dtype=torch.float64)
        for k in range(3):
            shifted = torch.nn.functional.pad(read, (k, 2 - k))
            taps = taps + gain * damping[k] * shifted
        return int(whole), taps

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1]).double()
        lag, taps = self._loop(values)
        length = math.ceil(self.rate / LOWEST) + 6
        past = rows.new_zeros(rows.shape[0], length) if state is None else state
        loop = Comb.apply(rows, taps, lag, past, self.backend)  # type: ignore[no-untyped-call]
        output = amplitude(values["level"].double()) * loop[:, length:]
        following = loop[:, loop.shape[1] - length :].detach().clone()
        return output.reshape(signal.shape).to(signal.dtype), following

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        lag, taps = self._loop(values)
        late = delay_response(torch.tensor(lag), taps, frequencies, self.rate)
        return amplitude(values["level"].double()) / (1 - late)

    def pole_radius(self, values: Values) -> float:
        """Of the longest-lived partial: a turn of the loop takes at most the sum of its taps."""
        _, taps = self._loop(values)
        turns = self.rate / float(values["frequency"])
        return float(taps.sum()) ** (1 / turns)
