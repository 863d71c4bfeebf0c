"""The standing cast of the engine's tests: chains and signals that many tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from models_registry.engine import kernels

BACKENDS = sorted(kernels.BACKENDS)


def spec(**changes):
    """The overdrive chain in short."""
    return {
        "version": 1,
        "rate": 44_100,
        "blocks": [
            {"id": "pre", "kind": "equaliser", "params": {"low_gain": -6, "peak2_gain": 9}},
            {"id": "drive", "kind": "waveshaper", "params": {"drive": 20, "bias": 0.1}},
            {"id": "post", "kind": "equaliser", "params": {"high_gain": -8}},
            {"id": "level", "kind": "gain", "params": {"level": -3}},
        ],
    } | changes


def followed():
    """The same with an adapter."""
    targets = {"drive.bias": 0.2, "drive.drive": 0.1}
    return spec(adapters=[{"kind": "follower", "targets": targets, "hop": 64, "hidden": 6}])


def awake(chain, seed=0):
    """`chain` with an adapter that says something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for adapter in chain.adapters:
            adapter.head.weight.normal_(std=2, generator=generator)
    return chain


def noise(*shape, seed=0, level=0.2):
    return (level * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def random_values(block, seed=0):
    """Physical values of `block` at random controls, float64."""
    draw = torch.Generator().manual_seed(seed)
    return block.physical(
        {
            name: torch.rand(() if p.size == 1 else p.size, generator=draw, dtype=torch.float64)
            for name, p in block.parameters.items()
        }
    )


# options with which a block answers within a few samples at 8 kHz
BRIEF: dict[str, dict[str, Any]] = {
    "reverb": {"length": 10},
    "spectral-gains": {"bands": 4, "window": 1},
    "deep-filter": {"bands": 3, "window": 1, "order": 3},
    "pitch-filter": {"bands": 3, "window": 1, "lowest": 200, "highest": 1_000},
    "spectral-gate": {"bands": 3, "window": 1},
    "wiener": {"bands": 3, "window": 1, "rule": "log-spectral"},
    "harmonics": {"partials": 3},
    "chorus": {"longest": 1},
    "feedback-network": {"lines": 4, "size": 5},
    "early-reflections": {"order": 1, "longest": 5},
    "convolution": {"length": 10, "direct": 1},
    "multiband-compressor": {"bands": 2},
    "filter-bank": {"scale": "octave", "taps": 127},
    "wavetable": {"points": 8},
    "filtered-noise": {"bands": 3, "window": 1},
}
