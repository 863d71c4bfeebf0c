"""Gradient times input: how fast the number changes with each sample, times the sample.

Shrikumar, Greenside, Shcherbina, Kundaje, Not Just a Black Box, 2016; by captum. For what is linear it is the whole
answer; where a curve is flat it sees nothing.
"""

from __future__ import annotations

from captum.attr import Saliency
from torch import Tensor

from models_registry.engine.explain.question import Question


def slope(question: Question) -> Tensor:
    """The slope (channels, frames) at the signal."""
    found: Tensor = Saliency(question).attribute(question.sloping(), abs=False)
    return found[0].detach()
