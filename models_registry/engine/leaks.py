"""Whether a device's embedding holds what was played through the device: the same devices are met anew through
different programmes, and a probe tries to read the programme from the embeddings.

Conventions: as in adoption.py, by which a device that a chain does not know is learned from seconds of its sound. Each
device is heard through each content in each of several takes; the devices are built in and new to the chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models_registry.engine.adapters import Adapter
from models_registry.engine.adoption import adopted
from models_registry.engine.blocks import LinearBlock
from models_registry.engine.chain import Chain
from models_registry.engine.conditions import known_devices
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips
from models_registry.engine.lamp import grid
from models_registry.engine.probing import Probe, VarianceShare, probe, variance_share
from models_registry.instruments import PLAYERS, Signal, voice

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]
Play = Callable[[float, int, np.random.Generator], Signal]

CONTENTS: dict[str, Play] = {
    "low voice": lambda seconds, rate, rng: voice(seconds, rate, rng, pitch=100),
    "high voice": lambda seconds, rate, rng: voice(seconds, rate, rng, pitch=210),
    "strummed chords": PLAYERS["strummed chords"],
}
DEVICES, TAKES = 3, 3
SECONDS = 3.0
# −26 dB
LEVEL = 0.05
NEW = "met anew"
SEED = 9_001


@dataclass(frozen=True)
class Leak:
    """What embeddings that were learned through different contents hold.

    `content` and `device` are how well each is read from them, the content after each device's own mean was taken out;
    `shares` how much of their variance goes with each. `by_content` and `by_device` say the same in dB: by how much the
    response moves with the content at one device, and from device to device (root mean square; None without a linear
    block to ask).
    """

    content: Probe
    device: Probe
    shares: tuple[VarianceShare, VarianceShare]
    by_content: float | None
    by_device: float | None


def leak(
    chain: Chain,
    *,
    seed: int = SEED,
    takes: int = TAKES,
    seconds: float = SECONDS,
    progress: Progress = lambda share, message: None,
) -> Leak:
    """Whether the content is read from the embedding of a device; raises `EngineError` for a chain without devices."""
    if not chain.conditions:
        raise EngineError(
            "expected a chain that knows devices by name, found none: it has no embedding that could leak"
        )
    devices = known_devices(DEVICES, rate=chain.rate, seed=seed)
    asked = list(itertools.product(devices, CONTENTS, range(takes)))
    points, responses = [], []
    for number, (device, content, take) in enumerate(asked):
        progress(number / len(asked), f"meeting {device} through {content}, take {take + 1}")
        draw = np.random.default_rng([seed, list(CONTENTS).index(content), take])
        dry = CONTENTS[content](seconds, chain.rate, draw)
        sound = torch.from_numpy(LEVEL * dry / np.sqrt(np.mean(dry**2))).float()[None, None]
        with torch.no_grad():
            wet = devices[device].aligned(sound)[0]
        grown = adopted(chain, NEW, Clips(sound, wet), skip=min(4_096, sound.shape[-1] // 4))
        points.append(embedding(grown, NEW))
        responses.append(_response(grown))
    rows = np.stack(points)
    names, contents = [one[0] for one in asked], [one[1] for one in asked]
    apart = rows - _means(rows, names)
    by_content = by_device = None
    if heard := [one for one in responses if one is not None]:
        levels = np.stack(heard)
        cells = [f"{name} {content}" for name, content in zip(names, contents, strict=True)]
        by_content = _rms(_means(levels, cells) - _means(levels, names))
        by_device = _rms(_means(levels, names) - levels.mean(0))
    return Leak(
        probe(apart, contents, factor="content", groups=names),
        probe(rows, names, factor="device", groups=contents),
        (
            variance_share(rows, names, factor="device", within=contents),
            variance_share(rows, contents, factor="content", within=names),
        ),
        by_content,
        by_device,
    )


def embedding(chain: Chain, condition: str) -> Array:
    """All that adapters keep for `condition` alone (numbers,)."""
    kept = []
    for adapter in chain.adapters:
        assert isinstance(adapter, Adapter)
        if condition in adapter.names:
            row = adapter.names.index(condition)
            count = len(adapter.names)
            kept += [
                one[row].detach().double().numpy().ravel()
                for one in adapter.parameters(recurse=False)
                if one.dim() == 2 and len(one) == count
            ]
    return np.concatenate(kept)


def _response(chain: Chain) -> Array | None:
    """The response in dB of the linear blocks that the new device's embedding moves, together; None without one."""
    chain.under(NEW)
    moved = {path.partition(".")[0] for path, one in chain.readings().items() if one.authority}
    linear = [name for name in moved if isinstance(chain.blocks[name], LinearBlock)]
    if not linear:
        return None
    return np.sum(
        [
            20 * np.log10(np.maximum(np.abs(chain.response(n, grid(chain.rate))), 1e-6))
            for n in linear
        ],
        axis=0,
    )


def _means(rows: Array, labels: list[str]) -> Array:
    """Each row's mean over all rows of its label."""
    _, place = np.unique(labels, return_inverse=True)
    return np.stack([rows[place == n].mean(0) for n in range(place.max() + 1)])[place]


def _rms(rows: Array) -> float:
    return float(np.sqrt(np.mean(rows**2)))
