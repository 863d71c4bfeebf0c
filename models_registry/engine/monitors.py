"""What is watched while a chain learns, beside its loss: numbers that a training's history keeps at each validation.

Conventions: estimate first, target second, both (clips, channels, frames). Every monitor's key begins with `monitor.`:
`monitor.erb_<centre>_hz` is the level in a band of the ear's scale relative to the target's, dB; `erb_deviation` their
root mean square; `dc_drift` the estimate's mean less the target's, relative to the target's effective value;
`range_margin` the least distance of any parameter from an end of its range (0 to 0.5 of the range).
"""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.auditory import band_energy, centres
from models_registry.engine.chain import Chain

PREFIX = "monitor."
BANDS, SIZE = 10, 2_048
# −80 dB of the loudest band: below it a band of the target is empty.
FLOOR = 1e-8


def spectral(estimate: Tensor, target: Tensor, *, rate: int) -> dict[str, float]:
    """Level by band relative to the target, and the deviation over all bands."""
    size = min(SIZE, 2 ** (target.shape[-1].bit_length() - 1))
    found, wanted = (
        band_energy(signal.double(), rate=rate, bands=BANDS, size=size).mean((0, 2))
        for signal in (estimate, target)
    )
    floor = FLOOR * wanted.max()
    difference = 10 * torch.log10((found + floor) / (wanted + floor))
    named = {
        f"{PREFIX}erb_{centre:.0f}_hz": value.item()
        for centre, value in zip(centres(rate, BANDS).tolist(), difference, strict=True)
    }
    return named | {f"{PREFIX}erb_deviation": difference.square().mean().sqrt().item()}


def drift(estimate: Tensor, target: Tensor) -> dict[str, float]:
    """Offset that the chain adds, relative to the target's effective value."""
    effective = target.double().square().mean().sqrt()
    return {f"{PREFIX}dc_drift": ((estimate - target).double().mean() / effective).item()}


def margins(chain: Chain) -> dict[str, float]:
    """How near the nearest parameter is to an end of its range."""
    with torch.no_grad():
        controls = torch.cat(
            [
                control.reshape(-1)
                for name in chain.blocks
                for control in chain.controls(name).values()
            ]
        )
    return {f"{PREFIX}range_margin": torch.minimum(controls, 1 - controls).min().item()}
