"""Dynamics band by band, and dynamics of the attack and the decay of each sound.

Conventions as in `dynamics`: levels and reductions in dB relative to full scale, times in ms.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu

from models_registry.engine import kernels
from models_registry.engine.blocks.base import (
    BandBlock,
    ReactingBlock,
    State,
    Values,
    amplitude,
    designed,
    register,
)
from models_registry.engine.blocks.biquad import crossing_parameters, highest, linkwitz_riley
from models_registry.engine.blocks.cascade import filtered, largest_pole
from models_registry.engine.blocks.dynamics import (
    DESIGN,
    LINK,
    above_threshold,
    followed,
    level,
    speed,
)
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter
from models_registry.engine.relevance import held

# what belongs to each band
OWN = ("threshold", "ratio", "attack", "release", "makeup")


@register
class MultibandCompressor(BandBlock):
    """A compressor for each band of a crossover."""

    kind = "multiband-compressor"
    card = Card(
        purpose="Hold the balance of bass, middle and treble while the music changes: mastering, broadcasting, hearing "
        "aids.",
        rationale="A loud bass drum does not turn down the voice when each band has a detector of its own; "
        "fourth-order Linkwitz-Riley bands add up without a ripple as long as their gains agree.",
        assumptions="As for the compressor, in each band; crossings in rising order.",
        expected_ranges="Two to four bands, ratios 1.5 to 3, slower in the bass than in the treble.",
        failure_modes="Bands with different gains make a step at their crossing that moves with the music; the sum "
        "turns the phase (an all-pass); threshold and make-up of a band trade off.",
        expected=SILENT,
        references=(
            DESIGN,
            "S. P. Lipshitz, J. Vanderkooy, In-Phase Crossover Network Design, J. Audio Eng. Soc. 34(11), 1986",
        ),
    )
    choices = (Option("bands", 3, "number of bands", low=2, high=6), LINK)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, bands: int = 3, link: str = "each") -> tuple[Parameter, ...]:
        return (
            *crossing_parameters(rate, bands),
            Parameter("threshold", "dB", -60, 0, "dB", -24, "where each begins", size=bands),
            Parameter("ratio", "", 1, 50, "log", 2, "dB in per dB out above it", size=bands),
            Parameter("knee", "dB", 0.01, 24, "linear", 6, "width of the rounded corner"),
            Parameter("attack", "ms", 0.05, 500, "log", 10, "of more reduction", size=bands),
            Parameter("release", "ms", 1, 5_000, "log", 100, "of less reduction", size=bands),
            Parameter("makeup", "dB", -24, 36, "dB", 0, "level behind each", size=bands),
        )

    def bands(self, values: Values) -> list[Tensor]:
        """The sections of each band, from the lowest."""
        count = self.options["bands"]
        return linkwitz_riley([values[f"crossing{n}"] for n in range(1, count)], self.rate)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        output, following = torch.zeros_like(signal), []
        bands = designed(values, "bands", lambda: self.bands(values))
        for n, sections in enumerate(bands):
            divided, before = (None, None) if state is None else state[n]
            band, divided = filtered(signal, sections, divided, self.backend)
            own = {name: values[name][n] for name in OWN} | {"knee": values["knee"]}
            levels = level(band)
            if self.options["link"] == "together":
                levels = levels.amax(dim=-2, keepdim=True)
            up, down = speed(own["attack"], self.rate), speed(own["release"], self.rate)
            wanted = above_threshold(levels, own)
            reduction, before = followed(wanted, up, down, before, self.backend)
            gain = amplitude(own["makeup"] - reduction).to(signal.dtype)
            output = output + band * held(gain)
            following.append((divided, before))
        return output, following

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        """Centres between the crossings; the level out of each band for a lasting one of −10 dB in it."""
        inner = [float(values[f"crossing{n}"]) for n in range(1, self.options["bands"])]
        edges = torch.tensor([20.0, *inner, highest(self.rate)], dtype=torch.float64)
        loud = torch.full((self.options["bands"],), -10.0, dtype=torch.float64)
        change = values["makeup"] - above_threshold(loud, values)
        shown = {"threshold": values["threshold"], "gain at -10 dB": change}
        return (edges[1:] * edges[:-1]).sqrt(), shown

    def pole_radius(self, values: Values) -> float:
        return max(largest_pole(sections) for sections in self.bands(values))


@register
class TransientShaper(ReactingBlock):
    """More or less of each sound's beginning and end, whatever its level."""

    kind = "transient-shaper"
    card = Card(
        purpose="Harder or softer strokes, longer or shorter decays, without a threshold to set.",
        rationale="A fast and a slow follower of the level part where a sound begins and where it ends; their "
        "difference in dB does not depend on how loud it was.",
        assumptions="Sounds begin within some milliseconds and decay within some hundreds.",
        expected_ranges="Attack and sustain -1 to 1 dB per dB, times near the defaults.",
        failure_modes="Strokes that follow faster than the slow follower forgets are heard as one; a boosted attack "
        "clips; below the floor it does nothing.",
        expected=SILENT,
        references=(
            "M. Gier, P. White, SPL Transient Designer, 1999 (difference of two envelopes)",
            "J. D. Reiss, A. McPherson, Audio Effects: Theory, Implementation and Application, CRC 2014, ch. 6",
        ),
    )
    choices = (LINK,)
    backend = kernels.DEFAULT
    # the gain bends towards this bound (dB)
    BOUND = 18.0

    @classmethod
    def declare(cls, rate: int, *, link: str = "each") -> tuple[Parameter, ...]:
        return (
            Parameter("attack", "", -2, 2, "linear", 0, "dB per dB of onset", time_varying=True),
            Parameter("sustain", "", -2, 2, "linear", 0, "dB per dB of decay", time_varying=True),
            Parameter("quick", "ms", 0.1, 20, "log", 2, "time constant of the fast rise"),
            Parameter("slow", "ms", 5, 200, "log", 30, "time constant of the slow rise"),
            Parameter("fading", "ms", 5, 200, "log", 40, "time constant of the fast fall"),
            Parameter("lasting", "ms", 50, 2_000, "log", 400, "time constant of the slow fall"),
            Parameter("floor", "dB", -100, -20, "dB", -60, "level below which nothing is heard"),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        heard = level(signal)
        if self.options["link"] == "together":
            heard = heard.amax(dim=-2, keepdim=True)
        # above the floor, so that followers that start at 0 start at the floor
        above = relu(heard - values["floor"])
        before = state or (None, None, None)
        quick, after = self._follow(above, values, "quick", "lasting", before[0])
        # behind the quick one, which holds the level until this one has come up to it
        slow, arrived = self._follow(quick, values, "slow", "quick", before[1])
        fading, faded = self._follow(above, values, "quick", "fading", before[2])
        wanted = values["attack"] * (quick - slow) + values["sustain"] * (quick - fading)
        gain = self.BOUND * torch.tanh(wanted / self.BOUND)
        return signal * held(amplitude(gain).to(signal.dtype)), (after, arrived, faded)

    def _follow(
        self, target: Tensor, values: Values, up: str, down: str, state: State
    ) -> tuple[Tensor, State]:
        speeds = speed(values[up], self.rate), speed(values[down], self.rate)
        return followed(target, *speeds, state, self.backend)
