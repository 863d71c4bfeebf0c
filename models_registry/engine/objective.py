"""What a recipe's `loss` asks for, as one number to minimise, with every term and every block's part in it kept apart.

Conventions: a term is a scalar without unit (see `losses`); its weight may move with the share of the training done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import losses, masks, regularisers
from models_registry.engine.chain import Chain
from models_registry.engine.data import Clips, Dataset
from models_registry.watch import GRADIENT, SHARE

SignalTerm = Callable[[Tensor, Tensor], Tensor]
Moves = Mapping[str, Tensor]


class Objective:
    """The weighted sum of a recipe's terms over clips of `data`."""

    def __init__(self, loss: Mapping[str, Any], data: Dataset) -> None:
        self.data, rate, sizes = data, data.rate, loss["stft_sizes"]
        self.emphasis = loss.get("emphasis", 1.0)
        of_signals: dict[str, SignalTerm] = {
            "esr": losses.error_to_signal,
            "stft": lambda e, t: losses.spectral_distance(e, t, sizes=sizes),
            "l1": losses.absolute_error,
            "si_sdr": losses.scale_invariant_error,
            "complex_stft": lambda e, t: losses.complex_distance(e, t, sizes=sizes),
            "erb": lambda e, t: losses.band_distance(e, t, rate=rate),
            "loudness": lambda e, t: losses.loudness_distance(e, t, rate=rate),
            "audible": lambda e, t: losses.audible_error(e, t, rate=rate),
            "modulation": lambda e, t: losses.modulation_distance(e, t, rate=rate),
            "dc": losses.offset,
            "long_term": lambda e, t: losses.long_term_distance(e, t, rate=rate),
        }
        of_chains: dict[str, Callable[[Chain], Tensor]] = {
            "smoothness": regularisers.response_roughness,
            "curvature": regularisers.curve_roughness,
            "passivity": regularisers.amplification,
            "group_delay": regularisers.delay_roughness,
            "sparsity": regularisers.departure,
        }
        of_moves: dict[str, Callable[[Moves], Tensor]] = {
            "control_rate": regularisers.restlessness,
            "authority": regularisers.effort,
        }
        # those that need no sound from the chain: many times faster
        of_bands = {
            "band_gain": masks.band_gain_distance,
            "bin_gain": masks.bin_gain_distance,
            "disturbance": masks.disturbance_distance,
        }
        of_inputs = {"hearing": losses.unlike_hearing}
        self.schedule = {
            name: weight
            for name, weight in loss.items()
            if name not in ("stft_sizes", "emphasis")
            and (not isinstance(weight, (int, float)) or weight > 0)
        }
        self.of_signals = {name: of_signals[name] for name in self.schedule if name in of_signals}
        self.of_bands = {name: of_bands[name] for name in self.schedule if name in of_bands}
        self.of_chains = {name: of_chains[name] for name in self.schedule if name in of_chains}
        self.of_inputs = {name: of_inputs[name] for name in self.schedule if name in of_inputs}
        self.of_moves = {name: of_moves[name] for name in self.schedule if name in of_moves}

    def weights(self, share: float) -> dict[str, float]:
        """The weight of each term at `share` (0 to 1) of the training."""
        return {name: _weight(weight, share) for name, weight in self.schedule.items()}

    def terms(self, chain: Chain, clips: Clips) -> dict[str, Tensor]:
        """Every term for `chain` on `clips`, unweighted; the chain stays under the condition of the clips."""
        chain.under(clips.condition)
        found: dict[str, Tensor] = {}
        if self.of_bands:
            of = masks.masked(chain, clips.dry, clips.wet, emphasis=self.emphasis)
            found |= {name: term(of) for name, term in self.of_bands.items()}
        found |= {name: term(chain, clips.dry) for name, term in self.of_inputs.items()}
        if self.of_signals or self.of_moves:
            found |= self._heard(chain, clips)
        return found | {name: term(chain) for name, term in self.of_chains.items()}

    def _heard(self, chain: Chain, clips: Clips) -> dict[str, Tensor]:
        output, after = chain.aligned(clips.dry)
        raw = (output[..., self.data.skip :], clips.wet[..., self.data.skip :])
        pair = self.data.judged(output), self.data.judged(clips.wet)
        # an offset is what judging without the mean would hide
        found = {
            name: term(*(raw if name == "dc" else pair)) for name, term in self.of_signals.items()
        }
        found |= {name: term(after.moves) for name, term in self.of_moves.items()}
        return found

    def total(self, terms: Mapping[str, Tensor], share: float) -> Tensor:
        weights = self.weights(share)
        return torch.stack([weights[name] * term.double() for name, term in terms.items()]).sum()

    def shares(self, chain: Chain, clips: Clips, share: float) -> dict[str, float]:
        """`gradient.<block>`: the norm of the loss's gradient by block; `share.<block>.<term>`: each term's part of
        the sum of the terms' own norms there, 0 to 1, so that a term that does all the work in a block is seen."""
        weights, groups = self.weights(share), chain.groups()
        terms = self.terms(chain, clips)
        flat = [parameter for group in groups.values() for parameter in group]
        norms: dict[str, dict[str, float]] = {name: {} for name in groups}
        sums = [torch.zeros_like(parameter) for parameter in flat]
        for term, value in terms.items():
            if not value.requires_grad:
                continue
            gradients = torch.autograd.grad(
                weights[term] * value.double(), flat, retain_graph=True, allow_unused=True
            )
            found = [
                torch.zeros_like(parameter) if gradient is None else gradient
                for parameter, gradient in zip(flat, gradients, strict=True)
            ]
            sums = [total + one for total, one in zip(sums, found, strict=True)]
            for name, norm in _norms(groups, found).items():
                norms[name][term] = norm
        shares = {
            f"{SHARE}{name}.{term}": norm / whole
            for name, of_block in norms.items()
            if (whole := sum(of_block.values())) > 0
            for term, norm in of_block.items()
        }
        return shares | {f"{GRADIENT}{name}": norm for name, norm in _norms(groups, sums).items()}


def _weight(weight: Any, share: float) -> float:
    if isinstance(weight, (int, float)):
        return float(weight)
    shares, weights = np.array(weight, dtype=np.float64).T
    return float(np.interp(share, shares, weights))


def _norms(groups: Mapping[str, list[Any]], found: list[Tensor]) -> dict[str, float]:
    left = iter(found)
    return {
        name: sum(next(left).square().sum().item() for _ in group) ** 0.5
        for name, group in groups.items()
    }
