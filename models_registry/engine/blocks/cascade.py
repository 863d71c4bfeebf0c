"""Second-order sections in series: the exact recursion with its adjoint, and the cookbook's designs.

Conventions: sections are (sections, 5) float64 with columns b0 b1 b2 a1 a2 and a0 = 1; frequencies in Hz, gains in dB.
Coefficients and recursion are float64 whatever the signal's type.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import LinearBlock, State, Values, designed

SHAPES = (
    "low-pass",
    "high-pass",
    "band-pass",
    "notch",
    "all-pass",
    "peak",
    "low-shelf",
    "high-shelf",
)
# the shapes that have a gain
RAISED = ("peak", "low-shelf", "high-shelf")


class Cascade(torch.autograd.Function):
    """Exact biquad cascade with its hand-written adjoint.

    `forward(signal (rows, frames), sections (sections, 5), past (rows, 2, sections + 1), backend)` returns
    the output and the past of what follows. Gradients reach signal and sections, not the past.
    """

    @staticmethod
    def forward(
        ctx: Any, signal: Tensor, sections: Tensor, past: Tensor, backend: str
    ) -> tuple[Tensor, Tensor]:
        given = np.array(signal.detach().numpy(), dtype=np.float64, order="C")
        sos = np.ascontiguousarray(sections.detach().numpy(), dtype=np.float64)
        following = np.array(past.numpy(), order="C")
        kernels.checked_cascade(given, sos, following)
        kernels.BACKENDS[backend].cascade(given, sos, following)
        ctx.save_for_backward(signal, sections, past)
        ctx.backend = backend
        after = torch.from_numpy(following)
        ctx.mark_non_differentiable(after)
        return torch.from_numpy(given).to(signal.dtype), after

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad, heard, sections, past = (
            np.ascontiguousarray(one.detach().numpy(), dtype=np.float64)
            for one in (grads[0], *ctx.saved_tensors)
        )
        # what each section heard is found again, since to keep it costs more than to compute it
        adjoint = kernels.BACKENDS[ctx.backend].cascade_adjoint
        by_signal, by_sections = map(torch.from_numpy, adjoint(grad, heard, sections, past))
        return by_signal.to(grads[0].dtype), by_sections, None, None


def filtered(signal: Tensor, sections: Tensor, state: State, backend: str) -> tuple[Tensor, State]:
    """`signal` (..., frames) through `sections`, going on from `state`; and the state after it."""
    rows = signal.reshape(-1, signal.shape[-1])
    if state is None:
        state = torch.zeros(rows.shape[0], 2, len(sections) + 1, dtype=torch.float64)
    output, state = Cascade.apply(rows, sections, state, backend)  # type: ignore[no-untyped-call]
    return output.reshape(signal.shape), state


def response_of(sections: Tensor, frequencies: Tensor, rate: int) -> Tensor:
    """The complex response of `sections` in series at `frequencies` (Hz)."""
    z = torch.exp(-2j * math.pi * frequencies.double() / rate)
    powers = torch.stack([torch.ones_like(z), z, z * z])
    complete = sections.to(torch.complex128)
    numerator = complete[:, :3] @ powers
    denominator = 1 + complete[:, 3:] @ powers[1:]
    return (numerator / denominator).prod(dim=0)


def largest_pole(sections: Tensor) -> float:
    return float(
        max(np.abs(np.roots([1, a1, a2])).max() for a1, a2 in sections.detach().numpy()[:, 3:])
    )


def section(
    shape: str, frequency: Tensor, q: Tensor, rate: int, gain: Tensor | None = None
) -> Tensor:
    """Coefficients (1, 5) of one filter of `SHAPES` (R. Bristow-Johnson's cookbook, W3C note 2021).

    `gain` (dB) is for the shapes in `RAISED`. A band-pass has 0 dB at its centre.
    """
    w = 2 * math.pi * frequency.double() / rate
    cos, alpha = torch.cos(w), torch.sin(w) / (2 * q.double())
    # 1 − cos w loses all its digits at 20 Hz, 2 sin² w/2 loses none
    below, above = 2 * torch.sin(w / 2) ** 2, 2 * torch.cos(w / 2) ** 2
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    b, a = [one, -2 * cos, one], [1 + alpha, -2 * cos, 1 - alpha]
    if shape == "low-pass":
        b = [below / 2, below, below / 2]
    elif shape == "high-pass":
        b = [above / 2, -above, above / 2]
    elif shape == "band-pass":
        b = [alpha, zero, -alpha]
    elif shape == "all-pass":
        b = a[::-1]
    elif gain is not None:
        factor = torch.pow(10.0, gain.double() / 40)
        b, a = _raised(shape, factor, cos, alpha)
    return torch.stack([*b, *a[1:]])[None] / a[0]


def _raised(
    shape: str, factor: Tensor, cos: Tensor, alpha: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    if shape == "peak":
        up, down = alpha * factor, alpha / factor
        return [1 + up, -2 * cos, 1 - up], [1 + down, -2 * cos, 1 - down]
    # a high shelf is the low shelf with z -> -z: its cosine and odd coefficients change sign
    sign = 1 if shape == "low-shelf" else -1
    c, slope = sign * cos, 2 * torch.sqrt(factor) * alpha
    more, less = factor + 1, factor - 1
    b = [
        factor * (more - less * c + slope),
        sign * 2 * factor * (less - more * c),
        factor * (more - less * c - slope),
    ]
    a = [more + less * c + slope, -sign * 2 * (less + more * c), more + less * c - slope]
    return b, a


class CascadeBlock(LinearBlock):
    """A linear block that is sections in series."""

    backend = kernels.DEFAULT

    @abstractmethod
    def sections(self, values: Values) -> Tensor:
        """Coefficients (sections, 5) float64: b0 b1 b2 a1 a2 with a0 = 1."""

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        sections = designed(values, "sections", lambda: self.sections(values))
        return filtered(signal, sections, state, self.backend)

    def response(self, values: Values, frequencies: Tensor) -> Tensor:
        return response_of(self.sections(values), frequencies, self.rate)

    def pole_radius(self, values: Values) -> float:
        return largest_pole(self.sections(values))
