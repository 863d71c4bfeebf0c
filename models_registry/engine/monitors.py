"""What is watched while a chain learns, beside its loss: numbers that a training's history keeps at each validation.

Conventions: estimate first, target second, both (clips, channels, frames). Every monitor's key begins with `monitor.`:
`monitor.erb_<centre>_hz` is the level in a band of the ear's scale relative to the target's, dB; `range_margin` the
least distance of any parameter from an end of its range (0 to 0.5 of the range). `value.<block>.<parameter>` is a
parameter in its unit. Those in `LIMITS` have a range in which a training is healthy; leaving it is a warning, a
sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import relu

from models_registry.engine.auditory import band_energy, band_weights, centres
from models_registry.engine.blocks import LinearBlock
from models_registry.engine.chain import Chain
from models_registry.watch import PREFIX, VALUE

BANDS, SIZE = 10, 2_048
# −80 dB of the loudest band: below it a band of the target is empty.
FLOOR = 1e-8
# Slow enough for a syllable, fast enough for a tremolo: octave bands of modulation, Hz.
MODULATIONS = (2.0, 4.0, 8.0, 16.0)
# Frames of 2 ms show where an attack begins; it is one where the energy grows by 15 dB within 10 ms.
STEP_S, RISE, BEFORE = 0.002, 10**1.5, 5
# Attacks nearer to each other than 50 ms are one.
APART = 25
LAGS = 10


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
    """Level relative to the target's, and the offset that the chain adds relative to the target's effective value."""
    energy, wanted = (one.double().square().mean() for one in (estimate, target))
    difference = (estimate - target).double().mean() / wanted.sqrt()
    level = 10 * torch.log10((energy + FLOOR * wanted) / wanted)
    return {f"{PREFIX}dc_drift": difference.item(), f"{PREFIX}level_drift": level.item()}


def phase(estimate: Tensor, target: Tensor, *, rate: int) -> dict[str, float]:
    """Coherence with the target by band and between bands (0 to 1), and the energy-weighted deviation of group delay,
    ms.

    Between bands: how far what a frame is turned in phase against the target, beyond what is the same in all frames, is
    the same two bands on (the vertical coherence of Laroche, Dolson, IEEE Trans. Speech Audio Process. 7(3), 1999;
    measured as the locking of Lachaux et al., Human Brain Mapping 8, 1999). A filter keeps it, whatever its phase;
    where bands go their own ways attacks smear.
    """
    size = min(SIZE, 2 ** (target.shape[-1].bit_length() - 1))
    window = torch.hann_window(size, dtype=torch.float64)
    found, wanted = (
        torch.stft(
            one.double().reshape(-1, one.shape[-1]),
            size,
            size // 4,
            window=window,
            center=False,
            return_complex=True,
        )
        for one in (estimate, target)
    )
    cross = (found * wanted.conj()).mean((0, 2))
    powers = [one.abs().square().mean((0, 2)) for one in (found, wanted)]
    floor = FLOOR * powers[1].max()
    # the mean over bands of each band's coherence; a band with no energy has none to lose
    weights = band_weights(rate, size, BANDS)
    common = weights @ cross.abs()
    whole = torch.sqrt((weights @ (powers[0] + floor)) * (weights @ (powers[1] + floor)))
    share = (weights @ powers[1]) > 1e-6 * (weights @ powers[1]).max()
    coherence = (common / whole)[share].mean()
    # apart from what is the same in every frame, as of a filter
    still = (cross / cross.abs().clamp_min(1e-300)).conj()[:, None]
    between = _between(found * wanted.conj() * still, weights[share])
    # the phase's slope from bin to bin, by band
    turned = torch.complex(
        *(weights[:, 1:] @ part for part in _parts(cross[1:] * cross[:-1].conj()))
    )
    delay = -1_000 * torch.angle(turned) * size / (2 * math.pi * rate)
    deviation = (turned.abs() * delay.square()).sum() / (turned.abs().sum() + 1e-300)
    return {
        f"{PREFIX}coherence": coherence.item(),
        f"{PREFIX}group_delay_deviation": deviation.sqrt().item(),
    } | between


def _between(turned: Tensor, weights: Tensor) -> dict[str, float]:
    """How alike every other one of the bands that `weights` (bands, bins) make of cross-spectra (rows, bins, frames) is
    turned in phase, frame by frame; left out where no two bands sound."""
    turned = torch.complex(*(weights @ part for part in _parts(turned)))
    # neighbours share bins, the next but one does not
    across = turned[:, 2:] * turned[:, :-2].conj()
    # a frame counts as much as it holds of both bands
    across = across / across.abs().sqrt().clamp_min(1e-300)
    whole = across.abs().sum((0, 2))
    heard = whole > 0
    if not heard.any():
        return {}
    locked = (across.sum((0, 2)).abs()[heard] / whole[heard]).mean()
    return {f"{PREFIX}band_coherence": locked.item()}


def _parts(value: Tensor) -> tuple[Tensor, Tensor]:
    return value.real.contiguous(), value.imag.contiguous()


def temporal(estimate: Tensor, target: Tensor, *, rate: int) -> dict[str, float]:
    """Modulation spectrum, energy before attacks and their timing, relative to the target; what cannot be measured in
    clips as short as these, or without an attack, is left out."""
    step = max(1, round(STEP_S * rate))
    count = target.shape[-1] // step
    if count <= BEFORE:
        return {}
    found, wanted = (
        one.double()[..., : count * step].reshape(-1, count, step).square().mean(-1)
        for one in (estimate, target)
    )
    return _modulation(found, wanted, rate / step) | _attacks(found, wanted, 1_000 * step / rate)


def _modulation(found: Tensor, wanted: Tensor, rate: float) -> dict[str, float]:
    spectra = [torch.fft.rfft(one.sqrt()).abs().square().sum(0) for one in (found, wanted)]
    places = torch.arange(spectra[0].shape[0]) * rate / found.shape[1]
    levels = []
    for centre in MODULATIONS:
        inside = (places >= centre / math.sqrt(2)) & (places < centre * math.sqrt(2))
        if inside.any() and places[1] < centre / 2:
            energy = [one[inside].sum() for one in spectra]
            floor = FLOOR * spectra[1][0]
            levels.append(10 * torch.log10((energy[0] + floor) / (energy[1] + floor)))
    if not levels:
        return {}
    return {f"{PREFIX}modulation_deviation": torch.stack(levels).square().mean().sqrt().item()}


def _attacks(found: Tensor, wanted: Tensor, step_ms: float) -> dict[str, float]:
    quiet = 1e-6 * wanted.max()
    before = wanted.unfold(1, BEFORE, 1).mean(-1)[:, :-1] + quiet
    rising = (wanted[:, BEFORE:] / before > RISE) & (wanted[:, BEFORE:] > 100 * quiet)
    echoes, shifts = [], []
    for row, time in rising.nonzero().tolist():
        at = time + BEFORE
        recent = rising[row, max(0, time - APART) : time]
        if recent.any() or not LAGS <= at < wanted.shape[1] - 2 * LAGS:
            continue
        ahead = slice(at - BEFORE, at)
        echoes.append(
            10
            * torch.log10((found[row, ahead].mean() + quiet) / (wanted[row, ahead].mean() + quiet))
        )
        growth = [
            relu(one[row, at - LAGS : at + 2 * LAGS].sqrt().diff()) for one in (found, wanted)
        ]
        middle = growth[1][LAGS // 2 : -LAGS // 2]
        near = growth[0].unfold(0, middle.shape[0], 1)
        likeness = near @ middle / (near.norm(dim=1) + quiet)
        shifts.append(float(likeness.argmax().item() - LAGS // 2) * step_ms)
    if not echoes:
        return {}
    return {
        f"{PREFIX}pre_echo": torch.stack(echoes).mean().item(),
        f"{PREFIX}attack_shift": sum(shifts) / len(shifts),
    }


def adapters(chain: Chain, moves: Mapping[str, Tensor]) -> dict[str, float]:
    """Largest effective value of any target's offsets over its authority (0 to 1); nothing without adapters."""
    authority = {
        path: share
        for entry in chain.spec()["adapters"]
        for path, share in entry["targets"].items()
    }
    used = [
        moves[path].detach().double().square().mean().sqrt().item() / share
        for path, share in authority.items()
        if path in moves
    ]
    return {f"{PREFIX}authority_used": max(used)} if used else {}


def parameters(chain: Chain) -> dict[str, float]:
    """Every single parameter in its unit, the nearest distance of any from an end of its range, the largest pole."""
    watched: dict[str, float] = {}
    margin = 0.5
    with torch.no_grad():
        for name, block in chain.blocks.items():
            values = chain.values(name)
            for key, control in chain.controls(name).items():
                if block.parameters[key].frozen:
                    continue
                margin = min(margin, torch.minimum(control, 1 - control).min().item())
                if control.dim() == 0:
                    watched[f"{VALUE}{name}.{key}"] = values[key].item()
        rings = [
            block.pole_radius(chain.values(name))
            for name, block in chain.blocks.items()
            if isinstance(block, LinearBlock)
        ]
    watched[f"{PREFIX}range_margin"] = margin
    if rings:
        watched[f"{PREFIX}pole_radius"] = max(rings)
    return watched
