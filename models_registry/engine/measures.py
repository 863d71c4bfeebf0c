"""How a trained chain is judged on clips that it never learned from: one figure per recipe, the smaller the better.

Conventions: `add(estimate, target)` takes judged clips (clips, channels, frames), float64; `value()` is over all of
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models_registry.engine.auditory import band_energy
from models_registry.engine.losses import spectral_distance

BANDS = 40
# −70 dB of the loudest band: below it a band of the target is empty.
EMPTY = 1e-7
# of the spectra that are compared, those that fit
SIZES = (512, 1_024, 2_048)


@dataclass
class ErrorToSignal:
    """Energy of the error over energy of the target."""

    rate: int
    error: float = 0.0
    energy: float = 0.0

    def add(self, estimate: Tensor, target: Tensor) -> None:
        self.error += (estimate - target).square().sum().item()
        self.energy += target.square().sum().item()

    def value(self) -> float:
        return self.error / self.energy


@dataclass
class BandDeviation:
    """Root mean square over bands of the ear's scale of the difference in long-term level, dB."""

    rate: int
    found: list[Tensor] = field(default_factory=list)
    wanted: list[Tensor] = field(default_factory=list)

    def add(self, estimate: Tensor, target: Tensor) -> None:
        size = min(2_048, 2 ** (target.shape[-1].bit_length() - 1))
        for kept, signal in ((self.found, estimate), (self.wanted, target)):
            kept.append(band_energy(signal, rate=self.rate, bands=BANDS, size=size).sum((0, 2)))

    def value(self) -> float:
        found, wanted = torch.stack(self.found).sum(0), torch.stack(self.wanted).sum(0)
        floor = EMPTY * wanted.max()
        level = 10 * torch.log10((found + floor) / (wanted + floor))
        return level.square().mean().sqrt().item()


@dataclass
class ResponseDeviation:
    """Root mean square over devices and bands of the ear's scale of the difference in long-term level, dB: with pairs
    the error of the response, each part that is added being of one device."""

    rate: int
    squares: list[float] = field(default_factory=list)

    def add(self, estimate: Tensor, target: Tensor) -> None:
        one = BandDeviation(self.rate)
        one.add(estimate, target)
        self.squares.append(one.value() ** 2)

    def value(self) -> float:
        return float(sum(self.squares) / len(self.squares)) ** 0.5


@dataclass
class Spectral:
    """Multi-resolution STFT distance (see `losses.spectral_distance`), mean over clips."""

    rate: int
    total: float = 0.0
    count: int = 0

    def add(self, estimate: Tensor, target: Tensor) -> None:
        sizes = [size for size in SIZES if size <= target.shape[-1]]
        for one, other in zip(estimate, target, strict=True):
            self.total += spectral_distance(one, other, sizes=sizes).item()
            self.count += 1

    def value(self) -> float:
        return self.total / self.count


@dataclass(frozen=True)
class Measure:
    """A measure's name in full, its unit and what it is compared with."""

    title: str
    unit: str
    compared_with: str
    make: Callable[[int], ErrorToSignal | BandDeviation | ResponseDeviation | Spectral]


TABLE = {
    "esr": Measure("error-to-signal ratio", "", "best linear FIR", ErrorToSignal),
    "erb": Measure("deviation in dB by ERB band", "dB", "before training", BandDeviation),
    "response": Measure(
        "deviation of the response by device and ERB band",
        "dB",
        "before training",
        ResponseDeviation,
    ),
    "spectral": Measure("multi-resolution STFT distance", "", "before training", Spectral),
}
MEASURES = tuple(TABLE)
