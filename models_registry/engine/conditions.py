"""Recordings of several devices or rooms, one batch one of them: pairs, or recordings beside another dry programme.

Conventions: clips as in `data`; a device is a condition of the chain, by name. Where a folder holds `dry` and `wet`,
its recordings are pairs; where it holds recordings alone, only their long-term levels can be compared with the
programme's. The last fifth of each device's clips is kept for the test; built-in
devices are judged by pairs of a programme of their own, whatever they are learned from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry import noises
from models_registry.audio import AudioError, Samples, mono, read, resample
from models_registry.engine.chain import Chain
from models_registry.engine.data import Clips, Dataset, cut, pairs_in, recordings
from models_registry.engine.recipe import names_in
from models_registry.engine.rendering import render

DEVICE_SEED = 4_001
# What the built-in devices do: shelves and resonances as microphones and small rooms have them.
GAINS_DB, QUALITIES, DETUNING_OCTAVES = 8.0, (0.5, 1.5), 0.4


@dataclass(frozen=True)
class Conditions(Dataset):
    """A data set of several devices by name; `train` and `test` hold the clips of all."""

    heard: dict[str, Clips] = field(default_factory=dict)
    judged_by: dict[str, Clips] = field(default_factory=dict)
    paired: frozenset[str] = frozenset()

    def batch(self, *, size: int, seed: int, step: int) -> Clips:
        """`size` clips of one device, each in its turn; dry and wet are drawn apart where they are no pairs."""
        draw = np.random.default_rng([seed, step])
        name = list(self.heard)[step % len(self.heard)]
        clips = self.heard[name]
        wet = _drawn(draw, len(clips.wet), size)
        dry = wet if name in self.paired else _drawn(draw, len(clips.dry), size)
        return Clips(clips.dry[dry], clips.wet[wet], name)

    def parts(self, size: int) -> Iterator[Clips]:
        for name, clips in self.judged_by.items():
            yield Clips(clips.dry[:size], clips.wet[:size], name)


def _drawn(draw: np.random.Generator, count: int, size: int) -> Tensor:
    return torch.from_numpy(draw.choice(count, min(size, count), replace=False))


def known_devices(count: int, *, rate: int, seed: int) -> dict[str, Chain]:
    """The built-in devices: equalisers whose settings follow from the seed, each audibly unlike the others."""
    found: dict[str, Chain] = {}
    for name in names_in({"count": count}):
        draw = np.random.default_rng([seed, DEVICE_SEED, len(found)])
        plain = Chain.from_spec(
            {"version": 1, "rate": rate, "blocks": [{"id": "eq", "kind": "equaliser"}]}
        )
        params = {}
        for key, parameter in plain.blocks["eq"].parameters.items():
            if key.endswith("gain"):
                params[key] = draw.uniform(-GAINS_DB, GAINS_DB)
            elif key.endswith("_q"):
                params[key] = draw.uniform(*QUALITIES)
            else:
                shift = 2 ** draw.uniform(-DETUNING_OCTAVES, DETUNING_OCTAVES)
                params[key] = min(np.asarray(parameter.default).item() * shift, parameter.high)
        block = {"id": "eq", "kind": "equaliser", "params": params}
        found[name] = Chain.from_spec({"version": 1, "rate": rate, "blocks": [block]})
    return found


def conditions(data: Mapping[str, Any], *, rate: int, segment: int, seed: int) -> Conditions:
    """The data set that a recipe's `data` of source "devices" describes; raises `AudioError`."""
    skip = data["skip"]
    if segment <= skip:
        raise AudioError(
            f"data: expected segments longer than the {skip} frames skipped, found {segment}"
        )
    heard: dict[str, Clips] = {}
    judged_by: dict[str, Clips] = {}
    built_in = {} if "devices" in data else known_devices(data["count"], rate=rate, seed=seed)
    for number, name in enumerate(names_in(data)):
        if "devices" in data:
            clips = _recorded(data, name, rate, segment)
            border = min(max(1, len(clips.wet) * 4 // 5), len(clips.wet) - 1)
            dry = border if is_paired(data, name) else max(1, len(clips.dry) * 4 // 5)
            if not 0 < dry < len(clips.dry) or not border:
                raise AudioError(
                    f"{name}: expected at least two clips of {segment} frames (training.segment), found one"
                )
            heard[name] = Clips(clips.dry[:dry], clips.wet[:border])
            judged_by[name] = Clips(*_as_many(clips.dry[dry:], clips.wet[border:]))
        else:
            one, other, unheard = (
                _played(built_in[name], data["seconds"], [seed, number, n], segment, skip)
                for n in range(3)
            )
            heard[name] = one if data["paired"] else Clips(other.dry, one.wet)
            judged_by[name] = unheard
    train, test = _all(heard), _all(judged_by)
    paired = frozenset(name for name in heard if is_paired(data, name))
    return Conditions(train, test, rate, skip, data["remove_mean"], None, heard, judged_by, paired)


def is_paired(data: Mapping[str, Any], name: str) -> bool:
    """Whether the device `name` was recorded beside what was played to it."""
    if "devices" in data:
        return (Path(data["devices"][name]) / "dry").is_dir()
    return bool(data["paired"])


def _recorded(data: Mapping[str, Any], name: str, rate: int, segment: int) -> Clips:
    folder = data["devices"][name]
    if is_paired(data, name):
        pairs = pairs_in(str(Path(folder) / "dry"), str(Path(folder) / "wet"), rate)
        return cut(pairs, segment, data["skip"])
    if "dry" not in data:
        raise AudioError(
            f"{name}: expected the folders dry and wet in {folder}, or data.dry beside recordings alone, found neither"
        )
    sides = []
    for side, where in ((f"devices.{name}", folder), ("dry", data["dry"])):
        found = {
            key: resample(mono(read(path)), rate).samples
            for key, path in recordings(where, side).items()
        }
        sides.append(cut([(key, one, one) for key, one in found.items()], segment, data["skip"]))
    wet, dry = sides
    return Clips(dry.dry, wet.wet)


def _as_many(dry: Tensor, wet: Tensor) -> tuple[Tensor, Tensor]:
    count = min(len(dry), len(wet))
    return dry[:count], wet[:count]


def _all(by_name: Mapping[str, Clips]) -> Clips:
    sides = [_as_many(clips.dry, clips.wet) for clips in by_name.values()]
    return Clips(torch.cat([dry for dry, _ in sides]), torch.cat([wet for _, wet in sides]))


def programme(seconds: float, rate: int, seed: list[int]) -> Samples:
    """Voices in turn with pink noise beneath: sound in every band, never twice the same."""
    draw = np.random.default_rng(seed)
    talk = noises.NOISES["babble"](seconds, rate, draw)
    bed = noises.NOISES["pink"](seconds, rate, draw)
    sound = talk + bed
    return (0.1 * sound / np.sqrt(np.mean(sound**2)))[None].astype(np.float32)


def _played(chain: Chain, seconds: float, seed: list[int], segment: int, skip: int) -> Clips:
    dry = programme(seconds, chain.rate, seed)
    return cut([("the programme", dry, render(chain, dry, chain.rate))], segment, skip)
