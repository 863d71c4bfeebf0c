"""A learned static curve: what a clipping stage does to each sample.

Conventions: levels are relative to full scale (1). The curve is a uniform cubic B-spline over
s(drive · x + bias), moved so that silence stays silence; s squeezes every level into −1…1 (see `squeezed`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import Values, amplitude, register
from models_registry.engine.blocks.oversampling import OVERSAMPLING, OversampledBlock
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Parameter

# Fine enough for the corner of a hard clipper, coarse enough to be learned from a minute of playing.
POINTS = 65
SPACING = 2 / (POINTS - 3)
# With its control points at the Greville abscissae a cubic B-spline is the straight line y = x.
STRAIGHT = tuple(-1 + (k - 1) * SPACING for k in range(POINTS))


def squeezed(level: Tensor) -> Tensor:
    """s(u) = u / (1 + √(1 + u²)) = tanh(asinh(u) / 2): straight when quiet, and slow enough to reach ±1 that
    levels 40 dB apart still meet different parts of the spline."""
    return level / (1 + torch.sqrt(1 + level.square()))


class Spline(torch.autograd.Function):
    """Uniform cubic B-spline on −1…1: `forward(level, points (POINTS,), backend)`, shaped like `level`."""

    @staticmethod
    def forward(ctx: Any, level: Tensor, points: Tensor, backend: str) -> Tensor:
        position = (level.detach().double().numpy().ravel() + 1) / SPACING
        knots = np.ascontiguousarray(points.detach().numpy(), dtype=np.float64)
        value, slope = kernels.BACKENDS[backend].spline(position, knots)
        ctx.kept, ctx.backend = (position, slope, knots.size), backend
        return torch.from_numpy(value).reshape(level.shape).to(level.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        position, slope, count = ctx.kept
        grad = np.ascontiguousarray(grads[0].double().numpy().ravel())
        level = torch.from_numpy(grad * slope / SPACING).reshape(grads[0].shape)
        points = kernels.BACKENDS[ctx.backend].spline_adjoint(grad, position, count)
        return level.to(grads[0].dtype), torch.from_numpy(points), None


@register
class Waveshaper(OversampledBlock):
    """y = f(s(drive · x + bias)) − f(s(bias)) with a learned f."""

    kind = "waveshaper"
    card = Card(
        purpose="Model the static nonlinearity of a clipping stage: diodes, transistors, tubes, tape.",
        rationale="Between two linear filters a memoryless curve explains most of an overdrive (Wiener-Hammerstein); "
        "the curve can be plotted and read like a data sheet.",
        assumptions="Memoryless; the same curve for every channel; every level is squeezed into the spline's domain.",
        expected_ranges="Drive 0 to 40 dB; control points within ±1 apart from a common factor; bias within ±0.5.",
        failure_modes="Harmonics above half the sample rate fold back unless oversampled; drive, control points and a "
        "following gain share one degree of freedom; the ends of the curve are unlearned where training never reached.",
        expected=SILENT,
        references=(
            "de Boor, A Practical Guide to Splines, Springer 2001 (B-splines stay within their control points)",
            "Eichas, Zölzer, Gray-Box Modeling of Guitar Amplifiers, J. Audio Eng. Soc. 66(12), 2018",
        ),
    )
    choices = (OVERSAMPLING,)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        return (
            Parameter("drive", "dB", -24, 48, "dB", 0, "level into the curve", time_varying=True),
            Parameter(
                "bias", "", -1, 1, "linear", 0, "operating point on the curve", time_varying=True
            ),
            Parameter(
                "curve",
                "",
                -2,
                2,
                "linear",
                STRAIGHT,
                "control points from lowest to highest input",
                size=POINTS,
            ),
        )

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        drive = amplitude(values["drive"]).to(signal.dtype)
        bias = values["bias"].to(signal.dtype)
        bent: Any = Spline.apply
        shaped = bent(squeezed(signal * drive + bias), values["curve"], self.backend)
        rest = bent(squeezed(bias), values["curve"], self.backend)
        return shaped - rest
