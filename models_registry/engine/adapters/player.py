"""A controller that plays what it hears: pitch and loudness of a recording set an oscillator, and a network its timbre.

Conventions: as in `controllers`. The target that ends in `.frequency` gets the pitch itself, the one that ends in
`.level` the loudness itself and what the network adds; every other only what the network adds. Loudness is the level of
the K-weighted frame in dB, so that a sine of 1 kHz has that of its mean square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models_registry.engine.adapters.base import Target, register
from models_registry.engine.adapters.controllers import (
    ENGEL,
    HIDDEN,
    HOP,
    LAYERS,
    SMOOTHING,
    Controller,
)
from models_registry.engine.auditory import k_weighting
from models_registry.engine.blocks.cascade import response_of
from models_registry.engine.contract import Card, Option, SpecError
from models_registry.engine.pitch import Yin

# −100 dB: softer is silence.
SILENCE = 1e-10
# What repeats less well than this has no pitch of its own: the last one holds.
VOICED = 0.2
# The K-weighting's gain at 1 kHz is what BS.1770 takes off again (eq. 2: −0.691 dB).
K_OFFSET = 10**-0.0691
FREQUENCY, LEVEL = ".frequency", ".level"


@register
class Player(Controller):
    """Pitch and loudness to the settings of a synthesiser."""

    kind = "player"
    card = Card(
        purpose="Make an instrument out of recordings: the same pitch and loudness, sung, hummed or drawn, play it "
        "again.",
        rationale="What a player decides is mostly pitch and loudness; what follows from both, the spectrum of "
        "partials and of breath, is the instrument, and a small recurrent network learns it from minutes.",
        assumptions="One voice at a time, between the lowest and the highest pitch; timbre follows from pitch and "
        "loudness and what they were before.",
        expected_ranges="Authority 0.5 over frequency and level, 0.2 to 0.5 over partials and noise.",
        failure_modes="Chords and long reverberation have no single pitch; an octave may be taken for another in the "
        "first hundredths of a second of a note; pitches and loudness never heard extrapolate.",
        references=(
            ENGEL,
            "A. de Cheveigné, H. Kawahara, YIN, a fundamental frequency estimator for speech and music, JASA 111(4), "
            "2002",
            "ITU-R BS.1770-5, annex 1 (K-weighting)",
        ),
    )
    choices = (
        HOP,
        HIDDEN,
        LAYERS,
        SMOOTHING,
        Option("lowest", 60, "lowest pitch, Hz", low=30, high=1_000),
        Option("highest", 1_000, "highest pitch, Hz", low=100, high=2_000),
    )

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        rate: int,
        names: tuple[str, ...] = (),
        hop: int = 512,
        hidden: int = 64,
        layers: int = 2,
        smoothing: int = 0,
        lowest: int = 60,
        highest: int = 1_000,
    ) -> None:
        super().__init__(
            targets, rate=rate, names=names, hop=hop, bands=1, hidden=hidden, layers=layers, smoothing=smoothing
        )  # fmt: skip
        self.pitch = Yin(rate, lowest=lowest, highest=highest)
        self.span = max(2 * self.hop, self.pitch.size)

    @classmethod
    def fits(cls, targets: Mapping[str, Target], where: str) -> None:
        super().fits(targets, where)
        played = [path for path in targets if path.endswith(FREQUENCY)]
        held = [path for path in played if (one := targets[path].parameter) and one.frozen]
        if len(held) != 1 or len(played) != 1:
            raise SpecError(
                f"{where}: expected one target that ends in '{FREQUENCY}', frozen in its block because the pitch "
                f"sets it, found {', '.join(played) or 'none'}{'' if held else ' (not frozen)' if played else ''}"
            )

    def ear(self, size: int, bands: int) -> Tensor:
        grid = torch.arange(size // 2 + 1, dtype=torch.float64) * self.rate / size
        weights = response_of(k_weighting(self.rate), grid, self.rate).abs().square()
        # all bins but the first and the last stand for two
        weights[1:-1] *= 2
        return K_OFFSET * weights[None]

    def build(self, bands: int) -> None:
        self.network = nn.GRU(3, self.hidden, self.layers, batch_first=True)

    def features(self, heard: Tensor) -> Tensor:
        """Pitch (Hz), aperiodicity and loudness (dB) (rows, steps, 3) of each frame that ends within `heard`."""
        with torch.no_grad():
            pitch = self.pitch(
                heard[:, self.span - self.pitch.size :].unfold(1, self.pitch.size, self.hop)
            )
            power = self.power(heard[:, self.span - 2 * self.hop :])[..., 0].double()
            loudness = 10 * torch.log10(power + SILENCE)
            return torch.stack([*pitch, loudness], dim=-1)

    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        hidden, memory = self.network(heard, memory)
        return hidden, memory

    def offsets(self, features: Tensor, memory: Any) -> tuple[Tensor, Any]:
        frequency, aperiodicity, loudness = features.unbind(-1)
        inner, last = (None, self._first(frequency)) if memory is None else memory
        voiced = aperiodicity < VOICED
        # the step of the last pitch at each step, 0 being the one from before
        steps = torch.arange(1, frequency.shape[1] + 1)
        since = torch.where(voiced, steps, 0).cummax(1).values
        frequency = torch.cat([last, frequency], dim=1).gather(1, since)
        told = [torch.log2(frequency / 440) / 2, 1 - 2 * aperiodicity, loudness / 40 + 1]
        dtype = self.head.weight.dtype
        moved, inner = super().offsets(torch.stack(told, dim=-1).to(dtype), inner)
        parts = {}
        for path, part in self.divided(moved).items():
            target = self.targets[path]
            if path.endswith(FREQUENCY):
                part = self._placed(frequency, target)[..., None].to(dtype)
            elif path.endswith(LEVEL):
                part = part + self._placed(loudness, target)[..., None].to(dtype)
            parts[path] = part.clamp(-target.authority, target.authority)
        return torch.cat(list(parts.values()), dim=-1), (inner, frequency[:, -1:])

    def _first(self, frequency: Tensor) -> Tensor:
        """The pitch before the first one: where the block begins."""
        (target,) = (one for path, one in self.targets.items() if path.endswith(FREQUENCY))
        assert target.parameter is not None
        return torch.full_like(frequency[:, :1], float(target.parameter.physical(target.start)))

    @staticmethod
    def _placed(value: Tensor, target: Target) -> Tensor:
        """How far `value`, in its unit, lies from where the target starts, in fractions of its range."""
        parameter = target.parameter
        assert parameter is not None
        if parameter.scale == "log":
            place = torch.log(value / parameter.low) / math.log(parameter.high / parameter.low)
        else:
            place = (value - parameter.low) / (parameter.high - parameter.low)
        return place.clamp(0, 1) - target.start
