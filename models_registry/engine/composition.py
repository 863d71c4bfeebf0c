"""What a training learned from, measured on the material itself: how much, how loud, at which ratios, in which bands.

Conventions: levels are effective values in dB relative to full scale (a full-scale square wave has 0 dB), of the input
(`dry`) and of what is wanted (`wet`); a ratio, of sources that mix, is the energy of what is wanted over that of what
the input holds besides, in dB; bands are octaves by their centres in Hz, their levels relative to the strongest. What
a training draws anew at each step is measured on the first draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.engine.data import SUFFIXES, Clips, Dataset
from models_registry.engine.mixtures import Mixtures
from models_registry.engine.recipe import Recipe

# −160 dB: silence has a level too
FLOOR = 1e-16
QUANTILES = {"least": 0.0, "low": 0.1, "median": 0.5, "high": 0.9, "most": 1.0}
OCTAVES_HZ = tuple(31.25 * 2.0**n for n in range(10))
# what the data of a recipe name folders by
FOLDERS = ("dry", "wet", "clean", "noise", "recordings")


def composition(recipe: Recipe, data: Dataset) -> dict[str, Any]:
    """Plain data: `rate` in Hz, `train` and `test` (see `part_of`), and the `folders` that they came from."""
    mixes = isinstance(data, Mixtures)
    return {
        "rate": data.rate,
        "train": part_of(data.train, data.rate, mixes=mixes) | {"drawn_anew": mixes},
        "test": part_of(data.test, data.rate, mixes=mixes),
        "folders": [folder_of(side, path) for side, path in folders_in(recipe.data)],
    }


def part_of(clips: Clips, rate: int, *, mixes: bool) -> dict[str, Any]:
    """Number of clips, seconds of input, the distributions of levels (and of ratios, where clips are mixtures) and
    levels by octave band."""
    dry, wet = clips.dry, clips.wet
    found: dict[str, Any] = {
        "clips": len(clips),
        "seconds": dry.shape[0] * dry.shape[-1] / rate,
        "dry_db": spread(levels(dry)),
        "wet_db": spread(levels(wet)),
        "bands": bands(dry, rate),
    }
    if mixes:
        found["ratio_db"] = spread(levels(wet) - levels(dry - wet))
    return found


def levels(clips: Tensor) -> NDArray[np.float64]:
    """The effective value of each clip in dB of full scale."""
    power = clips.double().square().mean((-2, -1)).clamp_min(FLOOR)
    return np.asarray((10 * torch.log10(power)).numpy())


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Ends, deciles and median."""
    return {name: float(np.quantile(values, share)) for name, share in QUANTILES.items()}


def bands(clips: Tensor, rate: int) -> list[dict[str, float]]:
    """The level of each octave band below half the rate, in dB relative to the strongest, over all clips together."""
    # a second at a time: of bands this wide a longer look tells no more
    size = min(clips.shape[-1], rate)
    whole = clips[..., : clips.shape[-1] // size * size].reshape(-1, size)
    power = torch.zeros(size // 2 + 1, dtype=torch.float64)
    window = torch.hann_window(size, dtype=torch.float64)
    for part in torch.split(whole, 64):
        power += torch.fft.rfft(part.double() * window).abs().square().sum(0)
    frequencies = torch.fft.rfftfreq(size, 1 / rate)
    energy = {
        centre: power[(frequencies >= centre / 2**0.5) & (frequencies < centre * 2**0.5)]
        .sum()
        .item()
        for centre in OCTAVES_HZ
        if centre * 2**0.5 <= rate / 2
    }
    strongest = max(energy.values(), default=0.0)
    return [
        {"hertz": centre, "level_db": 10 * np.log10(max(one / (strongest or 1.0), FLOOR)).item()}
        for centre, one in energy.items()
    ]


def folders_in(data: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """The folders of recordings that a recipe's data name, each with what it is to the recipe."""
    for side in FOLDERS:
        given = data.get(side)
        # where settings are recovered, `noise` is a level
        if isinstance(given, str):
            yield side, Path(given)
    for name, given in (data.get("devices") or {}).items():
        yield name, Path(given)


def folder_of(side: str, path: Path) -> dict[str, Any]:
    """How many files, how long, at which rates and with how many channels; `listing` is the SHA-256 of their names
    and lengths, by which one can tell whether the same folder is before one."""
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
    seen = [(str(one.relative_to(path)), soundfile.info(str(one))) for one in files]
    listing = "\n".join(f"{name} {info.frames} {info.samplerate}" for name, info in seen)
    return {
        "side": side,
        "name": path.name,
        "files": len(seen),
        "seconds": sum(info.frames / info.samplerate for _, info in seen),
        "longest_s": max((info.frames / info.samplerate for _, info in seen), default=0.0),
        "rates": sorted({info.samplerate for _, info in seen}),
        "channels": sorted({info.channels for _, info in seen}),
        "listing": hashlib.sha256(listing.encode()).hexdigest(),
    }
