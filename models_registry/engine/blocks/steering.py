"""A loudness that follows a wanted one: the fader that a sound engineer moves.

Conventions: loudness in LUFS (BS.1770's LKFS), short-term: over the last 3 s. A value of the wanted loudness and a gain
belong to each tenth of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu

from models_registry.engine import kernels
from models_registry.engine.auditory import k_weighting
from models_registry.engine.blocks.base import ReactingBlock, State, Values, amplitude, register
from models_registry.engine.blocks.cascade import filtered
from models_registry.engine.blocks.dynamics import followed
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter
from models_registry.engine.relevance import held

# tenths of a second in 3 s (EBU Tech 3341: updated at 10 Hz or more often)
WINDOW = 30
# −120 LUFS: silence has a loudness too, so that its logarithm stays finite
SILENCE = 1e-12


class SteeringState(NamedTuple):
    """The filter's state, the power of the tenth that is not complete, of those that are, the gains' follower and the
    last two gains."""

    weighting: State
    begun: Tensor
    tenths: Tensor
    follower: State
    gains: Tensor


@register
class LoudnessSteering(ReactingBlock):
    """gain = wanted − heard loudness, within a range, as fast as its time constant."""

    kind = "loudness-steering"
    card = Card(
        purpose="Bring speech and music to a loudness, or along a contour of loudness that an adapter draws.",
        rationale="Short-term loudness is what broadcasters measure and what listeners judge over phrases; a fader "
        "that follows it within seconds leaves what happens within a note alone.",
        assumptions="All channels belong to one programme (their powers add, one gain for all); front channels only.",
        expected_ranges="Target -30 to -14 LUFS, range 6 to 15 dB, time 0.5 to 3 s.",
        failure_modes="Late by about a second and a half, half the window; a range too large lifts backgrounds; the "
        "first seconds are judged by what there is of them; may clip: put a limiter behind it.",
        expected=SILENT,
        references=(
            "ITU-R BS.1770-5 (2023), annex 1",
            "EBU Tech 3341 (2023) (short-term loudness)",
        ),
    )
    backend = kernels.DEFAULT
    course = 20.0

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.hop = round(rate / 10)
        self.weighting = k_weighting(rate)

    @classmethod
    def declare(cls, rate: int) -> tuple[Parameter, ...]:
        return (
            Parameter("target", "LUFS", -50, -5, "dB", -23, "wanted loudness", time_varying=True),
            Parameter("range", "dB", 0.1, 40, "log", 12, "largest gain or reduction"),
            Parameter("time", "s", 0.05, 10, "log", 1, "time constant of the gain"),
            Parameter("gate", "LUFS", -80, -20, "dB", -50, "below this nothing is lifted"),
        )

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        batch, _, frames = signal.shape
        if state is None:
            nothing = torch.zeros(batch, 0, dtype=torch.float64)
            state = SteeringState(None, nothing, nothing, None, nothing.new_zeros(batch, 2))
        weighted, weighting = filtered(
            signal.double(), self.weighting, state.weighting, self.backend
        )
        power = torch.cat([state.begun, weighted.square().sum(-2)], dim=1)
        count = power.shape[1] // self.hop
        new = power[:, : count * self.hop].reshape(batch, count, self.hop).mean(-1)
        tenths = torch.cat([state.tenths, new], dim=1)
        gains, follower = state.gains, state.follower
        if count:
            gain, follower = self._gains(tenths, count, values, follower)
            gains = torch.cat([gains, gain], dim=1)
        # while a tenth sounds, the gain goes from that of two tenths ago to that of the one before
        ramp = torch.arange(self.hop, dtype=torch.float64) / self.hop
        first, last = gains[:, :-1, None], gains[:, 1:, None]
        begun = state.begun.shape[1]
        course = (first + (last - first) * ramp).flatten(1)[:, begun : begun + frames]
        following = SteeringState(
            weighting,
            power[:, count * self.hop :].detach(),
            tenths[:, -WINDOW:].detach(),
            follower,
            gains[:, -2:].detach(),
        )
        return signal * held(amplitude(course)[:, None].to(signal.dtype)), following

    def _gains(
        self, tenths: Tensor, count: int, values: Values, state: State
    ) -> tuple[Tensor, State]:
        """The gain (batch, count) in dB after each of the last `count` of `tenths` (batch, known)."""
        known = tenths.shape[1]
        windows = [
            tenths[:, max(0, end - WINDOW) : end].mean(1)
            for end in range(known - count + 1, known + 1)
        ]
        # BS.1770-5, eq. 2
        loudness = -0.691 + 10 * torch.log10(torch.stack(windows, 1) + SILENCE)
        target = values["target"].double()
        if target.dim():
            # what the channels' adapters say is one wish
            target = target.mean(1)
        wanted, most = target - loudness, values["range"]
        wanted = wanted - relu(wanted - most) + relu(-wanted - most)
        wanted = wanted * torch.sigmoid(loudness - values["gate"])
        speed = -torch.expm1(-self.hop / (values["time"].double() * self.rate))
        return followed(wanted, speed, speed, state, self.backend)
