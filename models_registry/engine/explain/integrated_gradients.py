"""Integrated gradients: the slope all the way from silence to the signal, averaged, times the signal.

Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, ICML 2017; by captum. The parts add up to the number
less that of silence (completeness), as far as the steps are many enough.
"""

from __future__ import annotations

import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from models_registry.engine.explain.question import ROWS, Question

STEPS = 50
# where a curve bends as sharply as a logarithm does near silence
MOST_STEPS = 400


def slope(question: Question, *, steps: int = STEPS) -> Tensor:
    """The mean slope (channels, frames) on the straight way from silence to the signal, by Gauss and Legendre."""
    signal = question.sloping()
    found: Tensor = IntegratedGradients(question, multiply_by_inputs=False).attribute(
        signal, torch.zeros_like(signal), n_steps=steps, internal_batch_size=ROWS
    )
    return found[0].detach()
