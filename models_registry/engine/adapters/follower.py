"""A follower of the playing: level, brightness and asymmetry of the input, and a few hidden units.

Conventions: as in `base`. What is heard in one frame of `hop` samples acts from the next frame on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models_registry.engine.adapters.base import Adapter, Target, register
from models_registry.engine.contract import Card, Option, Parameter
from models_registry.engine.relevance import given, own
from models_registry.engine.rules import affine, bent, gated, log_level, squared

# −80 dB: below this a frame says nothing about playing, only about noise.
ENERGY_FLOOR = 1e-8


class FollowerState(NamedTuple):
    """What a follower carries on: the unfinished frame, the network's memory, the last two offsets."""

    pending: Tensor
    memory: Tensor
    offsets: Tensor


@register
class Follower(Adapter):
    """A small GRU that follows level, brightness and asymmetry of the input."""

    kind = "follower"
    card = Card(
        purpose="Let a static chain react to playing: sag, bias shift, touch sensitivity.",
        rationale="Supply voltages and coupling capacitors move a stage's operating point within milliseconds of the "
        "envelope; a few hidden units at control rate can follow that, and the offsets can be plotted.",
        assumptions="The dependence is on the recent input only, the same for every channel, slower than two hops.",
        expected_ranges="Offsets well inside their authority; one that stays at its bound asks for a "
        "different static value.",
        failure_modes="Reacts up to two hops late; unheard levels extrapolate; a large authority lets the network do "
        "the blocks' work.",
        references=(
            "Engel et al., DDSP: Differentiable Digital Signal Processing, ICLR 2020",
            "Steinmetz, Bryan, Reiss, Style Transfer of Audio Effects with Differentiable Signal "
            "Processing, J. Audio Eng. Soc. 70(9), 2022",
        ),
    )
    choices = (
        Option("hop", 128, "samples from value to value", low=16, high=4_096),
        Option("hidden", 12, "units", low=1, high=128),
    )
    features = ("level", "brightness", "asymmetry")

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        rate: int,
        names: tuple[str, ...] = (),
        hop: int = 128,
        hidden: int = 12,
    ) -> None:
        super().__init__(targets, rate=rate, names=names)
        self.hop = self.span = hop
        self.network = nn.GRU(len(self.features), hidden, batch_first=True)
        self.head = nn.Linear(hidden, len(targets))
        # silent at the start: the chain with its adapter begins as the chain without
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def movable(cls, parameter: Parameter, hop: int) -> bool:
        return super().movable(parameter, hop) and parameter.size == hop == 1

    def start(self, rows: int, dtype: torch.dtype) -> FollowerState:
        """The state before the first sample of `rows` signals."""
        return FollowerState(
            torch.zeros(rows, 0, dtype=dtype),
            torch.zeros(1, rows, self.network.hidden_size, dtype=dtype),
            torch.zeros(rows, 2, len(self.targets), dtype=dtype),
        )

    def heard(self, frames: Tensor) -> Tensor:
        """Features (rows, frames, 3), each about −1 to 1, of `frames` (rows, frames, hop)."""
        energy = squared(frames).mean(-1)
        loudness = log_level(energy, ENERGY_FLOOR)
        change = log_level(squared(frames.diff(dim=-1)).mean(-1), ENERGY_FLOOR)
        level = loudness / 4 + own(torch.ones_like(loudness))
        brightness = (change - loudness) / 4
        asymmetry = (frames * given(frames.abs())).mean(-1) / given(energy + ENERGY_FLOOR)
        return torch.stack([level, brightness, asymmetry], dim=-1)

    def forward(
        self, signal: Tensor, state: FollowerState | None
    ) -> tuple[dict[str, Tensor], FollowerState]:
        rows = signal.reshape(-1, signal.shape[-1])
        state = state or self.start(rows.shape[0], signal.dtype)
        begun = state.pending.shape[1]
        heard = torch.cat([state.pending, rows], dim=1)
        count = heard.shape[1] // self.hop
        offsets, memory = state.offsets, state.memory
        if count:
            frames = heard[:, : count * self.hop].reshape(-1, count, self.hop)
            hidden, memory = gated(self.network, self.heard(frames), memory)
            moved = bent(affine(self.head, hidden)) * self.authority
            offsets = torch.cat([offsets, moved], dim=1)
        # frame j ramps from the offset heard in frame j − 2 to the one heard in frame j − 1
        ramp = torch.arange(self.hop, dtype=signal.dtype) / self.hop
        before, after = offsets[:, :-1, None], offsets[:, 1:, None]
        track = (before + (after - before) * ramp[:, None]).flatten(1, 2)
        track = track[:, begun : begun + rows.shape[1]]
        following = FollowerState(heard[:, count * self.hop :], memory, offsets[:, -2:])
        moves = {
            target: track[..., n].reshape(signal.shape) for n, target in enumerate(self.targets)
        }
        return moves, following
