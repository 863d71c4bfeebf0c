"""SmoothGrad: the slope averaged over the signal with a little noise, times the signal.

Smilkov, Thorat, Kim, Viégas, Wattenberg, SmoothGrad: Removing Noise by Adding Noise, 2017; by captum.
"""

from __future__ import annotations

import torch
from captum.attr import NoiseTunnel, Saliency
from torch import Tensor

from models_registry.engine.explain.question import ROWS, Question

DRAWS = 25
# of the signal's effective value: −20 dB
NOISE = 0.1


def slope(question: Question, *, draws: int = DRAWS, noise: float = NOISE, seed: int = 0) -> Tensor:
    """The mean slope (channels, frames) over `draws` of white noise of `noise` times the signal's effective value."""
    signal = question.sloping()
    deviation = noise * signal.square().mean().sqrt().item()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found: Tensor = NoiseTunnel(Saliency(question)).attribute(
            signal,
            nt_type="smoothgrad",
            nt_samples=draws,
            nt_samples_batch_size=min(ROWS, draws),
            stdevs=deviation,
            abs=False,
        )
    return found[0].detach()
