"""Relevance through the networks of adapters: layers that are themselves, and under `relevance()` linear in what they
hear.

A weight is linear as it is, a bias is `own`, a bend is the gain that it comes to, and of a product of two things that
both follow the signal the gate is taken as given (Arras et al., Explaining and Interpreting LSTMs, 2019: the signal
takes all). The logarithm of a level is told from silence: what is louder than the floor is the signal's, the floor
itself is `own`. The power of a spectrum is the spectrum weighed by itself.

Conventions: as torch's layers have them, batches first; recurrent memories are (layers, rows, hidden).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, linear

from models_registry.engine import recurrent
from models_registry.engine.relevance import as_gain, is_on, own


def affine(layer: nn.Linear, heard: Tensor) -> Tensor:
    """`layer(heard)`."""
    if not is_on():
        found: Tensor = layer(heard)
        return found
    return linear(heard, layer.weight) + own(layer.bias)


def convolved(layer: nn.Conv1d, heard: Tensor) -> Tensor:
    """`layer(heard)` (rows, units, steps)."""
    if not is_on():
        found: Tensor = layer(heard)
        return found
    assert layer.bias is not None
    alone = conv1d(heard, layer.weight, dilation=layer.dilation)
    return alone + own(layer.bias)[:, None]


def bent(heard: Tensor) -> Tensor:
    """tanh."""
    return as_gain(heard, torch.tanh(heard))


def log_level(power: Tensor, floor: float) -> Tensor:
    """log10(power + floor), above that of silence."""
    if not is_on():
        return torch.log10(power + floor)
    return as_gain(power, torch.log1p(power / floor) / math.log(10)) + own(
        torch.full_like(power, math.log10(floor))
    )


def power_of(spectrum: Tensor) -> Tensor:
    """|spectrum|²."""
    if not is_on():
        return spectrum.real.square() + spectrum.imag.square()
    still = spectrum.detach()
    return spectrum.real * still.real + spectrum.imag * still.imag


def squared(signal: Tensor) -> Tensor:
    """signal²."""
    return signal * signal.detach() if is_on() else signal.square()


def gated(network: nn.GRU, heard: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
    """`network(heard, memory)` (rows, steps, hidden)."""
    if not is_on():
        return recurrent.gru(network, heard, memory)
    ends = []
    for n in range(network.num_layers):
        start = (
            heard.new_zeros(len(heard), network.hidden_size)
            if memory is None
            else memory[n].detach()
        )
        heard = _layer(network, n, heard, start)
        ends.append(heard[:, -1])
    return heard, torch.stack(ends)


def _layer(network: nn.GRU, number: int, heard: Tensor, hidden: Tensor) -> Tensor:
    """One layer step by step, as torch documents `nn.GRU`: reset and update taken as given."""
    weight, inner, bias, inner_bias = (
        getattr(network, f"{name}_l{number}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    size = network.hidden_size
    moved = linear(heard, weight)
    gates = (moved[..., : 2 * size] + bias[: 2 * size] + inner_bias[: 2 * size]).detach()
    new = moved[..., 2 * size :] + own(bias[2 * size :])
    # one leaf for all steps
    of_memory = own(inner_bias[2 * size :])
    found = []
    for step in range(heard.shape[1]):
        both = torch.sigmoid(gates[:, step] + linear(hidden.detach(), inner[: 2 * size]))
        reset, update = torch.split(both, size, dim=-1)
        inside = new[:, step] + reset * (linear(hidden, inner[2 * size :]) + of_memory)
        hidden = (1 - update) * bent(inside) + update * hidden
        found.append(hidden)
    return torch.stack(found, dim=1)
