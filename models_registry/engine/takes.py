"""A crossed set of sounds: every voice says every text in every room through every device, so that what goes with one
factor cannot go with another.

Conventions: a take is (frames,) float64 at the chain's rate with a level for each factor; voices are synthetic and
differ in pitch, a text is a succession of syllables, rooms and devices are the project's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models_registry.audio import Samples
from models_registry.engine.chain import Chain
from models_registry.engine.conditions import known_devices
from models_registry.engine.contract import EngineError
from models_registry.instruments import voice

FACTORS = ("speaker", "room", "device")
TEXT = "text"
PITCHES = (95.0, 120.0, 170.0, 220.0)
# reverberation time (s) and direct-to-reverberant ratio (dB)
ROOMS: dict[str, dict[str, float] | None] = {
    "no room": None,
    "living room": {"rt60": 0.4, "ratio": 8.0},
    "hall": {"rt60": 1.4, "ratio": 2.0},
}
DEVICES, TEXTS = 3, 4
SECONDS = 1.5
# s of a sound of one's own
SHORTEST, LONGEST = 0.3, 6.0
# −26 dB: the effective value of every take, so that level tells no factor from another
LEVEL = 0.05


@dataclass(frozen=True)
class Take:
    """A sound and what it is of: `labels` by factor."""

    signal: Tensor
    labels: dict[str, str]


def crossed(
    rate: int, *, seed: int = 0, seconds: float = SECONDS, texts: int = TEXTS
) -> list[Take]:
    """The takes at `rate` Hz: four voices, three rooms, three devices, `texts` texts of `seconds` each."""
    spoken = [(pitch, text) for pitch, text in itertools.product(PITCHES, range(texts))]
    dry = np.stack(
        [voice(seconds, rate, np.random.default_rng([seed, text]), pitch=p) for p, text in spoken]
    )
    devices = known_devices(DEVICES, rate=rate, seed=seed)
    found = []
    for room, settings in ROOMS.items():
        heard = torch.from_numpy(dry)[:, None]
        if settings:
            heard = _through(_room(rate, settings), heard)
        for device, chain in devices.items():
            for (pitch, text), signal in zip(spoken, _through(chain, heard)[:, 0], strict=True):
                labels = {"speaker": f"voice at {pitch:.0f} Hz", "room": room, "device": device}
                level = LEVEL / signal.square().mean().sqrt()
                found.append(Take(signal * level, {**labels, TEXT: f"text {text + 1}"}))
    return found


def labelled(
    sounds: Sequence[Samples], labels: Mapping[str, Sequence[str]], *, rate: int
) -> list[Take]:
    """Sounds (channels, frames) at `rate` Hz as takes: the mean of their channels, all as long as the shortest, at most
    `LONGEST` seconds; raises `EngineError` where labels are missing or a sound is too short."""
    for factor, names in labels.items():
        if len(names) != len(sounds):
            raise EngineError(
                f"{factor}: expected a label for each of {len(sounds)} sounds, found {len(names)}"
            )
    frames = min([round(LONGEST * rate), *(one.shape[1] for one in sounds)])
    if frames < SHORTEST * rate:
        raise EngineError(
            f"expected sounds of {SHORTEST:g} s or more, found one of {frames / rate:.2f} s"
        )
    return [
        Take(
            torch.from_numpy(one.mean(0, dtype=np.float64)[:frames]),
            {factor: names[n] for factor, names in labels.items()},
        )
        for n, one in enumerate(sounds)
    ]


def _room(rate: int, settings: dict[str, float]) -> Chain:
    block = {"id": "room", "kind": "reverb", "params": settings}
    return Chain.from_spec({"version": 1, "rate": rate, "blocks": [block]})


def _through(chain: Chain, signal: Tensor) -> Tensor:
    with torch.inference_mode():
        return chain.double()(signal)[0].clone()
