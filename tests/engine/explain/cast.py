"""Chains and questions that the tests of explanations share."""

from __future__ import annotations

import numpy as np
import torch

from models_registry.engine import Chain
from models_registry.engine.explain import Question, target
from tests.engine.cast import awake, noise, spec

RATE = 8_000


def chain(*blocks, adapters=(), rate=RATE, seed=0):
    """A chain of blocks, each a kind with its parameters."""
    entries = [{"id": kind, "kind": kind, "params": params} for kind, params in blocks]
    torch.manual_seed(seed)
    return Chain.from_spec(spec(rate=rate, blocks=entries, adapters=list(adapters)))


def bent():
    return chain(("equaliser", {"peak2_gain": 12}), ("clipper", {"drive": 12}), ("gain", {}))


def moved(kind, **options):
    """A gain that an adapter of `kind` moves, with weights and biases that say something."""
    adapters = [{"kind": kind, "targets": {"gain.level": 0.4}, "hop": 64, "hidden": 5, **options}]
    made = awake(chain(("gain", {"level": 0}), adapters=adapters), seed=3)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in made.adapters.named_parameters():
            if "bias" in name:
                parameter.normal_(std=0.3, generator=draw)
    return made


def asked(made, text="energy", *, seconds=0.5, channels=1, seed=0, **more):
    samples = noise(channels, round(seconds * made.rate), seed=seed)
    return Question.about(made, samples, target(text, made, **more))


def sine(frequency, seconds, rate=RATE, level=0.3):
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]
