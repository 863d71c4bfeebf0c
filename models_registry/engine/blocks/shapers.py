"""Curves beside the free one of `waveshaper`: by harmonics, ever rising, different for either half, between filters.

Conventions: levels relative to full scale (1), `drive` in dB. Silence stays silence: every curve is moved through 0.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks.base import State, Values, amplitude, designed, register
from models_registry.engine.blocks.biquad import highest
from models_registry.engine.blocks.cascade import filtered, largest_pole, section
from models_registry.engine.blocks.oversampling import OVERSAMPLING, OversampledBlock
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.blocks.waveshaper import POINTS, SPACING, Spline, squeezed
from models_registry.engine.contract import Card, Option, Parameter


def drive(low: float = -24, high: float = 48) -> Parameter:
    return Parameter("drive", "dB", low, high, "dB", 0, "level into the curve", time_varying=True)


def bias() -> Parameter:
    return Parameter("bias", "", -1, 1, "linear", 0, "operating point", time_varying=True)


@register
class Polynomial(OversampledBlock):
    """y = Σ c[k] · T[k](drive · x), T Chebyshev's polynomials, moved through 0."""

    kind = "polynomial"
    card = Card(
        purpose="Distortion said in harmonics: this much second, this much third.",
        rationale="A full-scale sine through Chebyshev's polynomial of order k is its k-th harmonic, so the "
        "coefficients are the spectrum that a distortion meter reads.",
        assumptions="Memoryless; the signal, driven, stays within full scale, beyond which it is clipped.",
        expected_ranges="The first near 1, the others within ±0.3 and falling.",
        failure_modes="Softer sounds have other harmonics than the coefficients say; beyond full scale a hard clip "
        "without gradient; orders above rate / (2 · frequency) fold back without oversampling.",
        expected=SILENT,
        references=("M. Le Brun, Digital Waveshaping Synthesis, J. Audio Eng. Soc. 27(4), 1979",),
    )
    choices = (Option("order", 7, "highest harmonic", low=2, high=32), OVERSAMPLING)

    @classmethod
    def declare(
        cls, rate: int, *, order: int = 7, oversampling: str = "none"
    ) -> tuple[Parameter, ...]:
        clean = (1.0, *[0.0] * (order - 1))
        meaning = "amplitude of each harmonic of a full-scale sine, from the first"
        return (
            drive(),
            Parameter("harmonics", "", -2, 2, "linear", clean, meaning, size=order),
        )

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        x = (signal * amplitude(values["drive"]).to(signal.dtype)).clamp(-1, 1)
        before, now = torch.ones_like(x), x
        total = torch.zeros_like(x)
        for k, share in enumerate(values["harmonics"].to(signal.dtype), start=1):
            # T[k](0) is 0, −1, 0, 1, …: what even orders have at rest is taken off
            rest = (0.0, -1.0, 0.0, 1.0)[(k - 1) % 4]
            total = total + share * (now - rest)
            before, now = now, 2 * x * now - before
        return total


@register
class Rising(OversampledBlock):
    """y = f(s(drive · x + bias)) − f(s(bias)) with a learned f that only rises."""

    kind = "rising-waveshaper"
    card = Card(
        purpose="A learned clipping curve that cannot fold: tubes, diodes, tape, loudspeakers.",
        rationale="More in is never less out in a passive stage; a B-spline whose control points rise cannot fall, so "
        "noise in the data makes no ripples that turn back, and the curve can be inverted.",
        assumptions="Memoryless; every level is squeezed into the spline's domain; the same for every channel.",
        expected_ranges="Steepness 0.05 at saturated ends, 1 in the middle; bias within ±0.5.",
        failure_modes="Cannot model crossover that folds or rectification; drive, steepness and a following gain share "
        "one degree of freedom; ends that training never reached keep their start.",
        expected=SILENT,
        references=(
            "de Boor, A Practical Guide to Splines, Springer 2001 (variation diminishing)",
            "J. O. Ramsay, Monotone Regression Splines in Action, Statistical Science 3(4), 1988",
        ),
    )
    choices = (OVERSAMPLING,)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        meaning = "slope from control point to control point"
        return (
            drive(),
            bias(),
            Parameter("steepness", "", 0.01, 20, "log", 1, meaning, size=POINTS - 1),
        )

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        steps = SPACING * values["steepness"].double()
        # from the middle, so that steep ends do not lift everything
        points = torch.cat([steps.new_zeros(1), steps.cumsum(0)])
        points = points - points[POINTS // 2]
        rest = values["bias"].to(signal.dtype)
        level = signal * amplitude(values["drive"]).to(signal.dtype) + rest
        bent: Any = Spline.apply
        return bent(squeezed(level), points, self.backend) - bent(
            squeezed(rest), points, self.backend
        )


def two_sided(signal: Tensor, values: Values) -> Tensor:
    """tanh with a limit of its own above and below, at an operating point; slope 1 at 0 without bias."""
    up, down = (amplitude(values[name].double()) for name in ("upper", "lower"))
    rest = values["bias"].double()

    def curve(level: Tensor) -> Tensor:
        limit = torch.where(level > 0, up, down)
        return limit * torch.tanh(level / limit)

    level = signal.double() * amplitude(values["drive"].double()) + rest
    return (curve(level) - curve(rest)).to(signal.dtype)


def limits() -> tuple[Parameter, ...]:
    return tuple(
        Parameter(name, "dB", -60, 12, "dB", 0, f"largest output {where}", time_varying=True)
        for name, where in (("upper", "above 0"), ("lower", "below 0"))
    )


@register
class AsymmetricClipper(OversampledBlock):
    """A smooth clipper that bends its halves differently."""

    kind = "asymmetric-clipper"
    card = Card(
        purpose="Even harmonics: a single-ended tube stage, unequal diodes, a rectifying speaker.",
        rationale="Two limits and an operating point are how a stage is drawn on its load line; their difference is "
        "what makes even harmonics and an offset.",
        assumptions="Memoryless; tanh bends like the stage does.",
        expected_ranges="Limits 0 to 12 dB apart; bias within ±0.3.",
        failure_modes="Makes an offset that moves with the level: put a high-pass behind it; bias and the difference "
        "of the limits trade off where the signal is soft.",
        expected=SILENT,
        references=(
            "D. T. Yeh, Digital Implementation of Musical Distortion Circuits by Analysis and Simulation, PhD "
            "thesis, Stanford 2009",
        ),
    )
    choices = (OVERSAMPLING,)

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        return drive(), bias(), *limits()

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        return two_sided(signal, values)


@register
class WienerHammerstein(OversampledBlock):
    """A high-pass and a peak, a two-sided curve, a low-pass."""

    kind = "wiener-hammerstein"
    card = Card(
        purpose="A whole distortion stage in ten numbers: what drives it, how it bends, what is left.",
        rationale="Coupling capacitor and tone in front, one curve, the loss of cable and loudspeaker behind it: "
        "linear, curved, linear explains most overdrives.",
        assumptions="The curve has no memory; both filters are of second order.",
        expected_ranges="High-pass 20 to 700 Hz, peak within ±12 dB, low-pass 2 to 12 kHz.",
        failure_modes="Level before and behind the curve trade off where it is not driven; the curve drawn is that "
        "between the filters.",
        expected=SILENT,
        references=(
            "F. Eichas, U. Zölzer, Gray-Box Modeling of Guitar Amplifiers, J. Audio Eng. Soc. 66(12), 2018",
            "L. Ljung, System Identification, 2nd ed., 1999, ch. 5 (Wiener and Hammerstein models)",
        ),
    )
    choices = (OVERSAMPLING,)
    backend = kernels.DEFAULT

    @classmethod
    def declare(cls, rate: int, *, oversampling: str = "none") -> tuple[Parameter, ...]:
        top = highest(rate)
        return (
            Parameter("high_pass", "Hz", 10, 2_000, "log", 40, "corner in front"),
            Parameter("peak", "Hz", 50, min(8_000, top), "log", 800, "centre of the peak in front"),
            Parameter("gain", "dB", -24, 24, "dB", 0, "gain of the peak"),
            Parameter("q", "", 0.2, 12, "log", math.sqrt(0.5), "quality factor of the peak"),
            drive(),
            bias(),
            *limits(),
            Parameter("low_pass", "Hz", 500, top, "log", min(8_000, 0.9 * top), "corner behind"),
            Parameter("level", "dB", -48, 24, "dB", 0, "level behind it"),
        )

    def _filters(self, values: Values) -> tuple[Tensor, Tensor]:
        flat = torch.tensor(math.sqrt(0.5), dtype=torch.float64)
        front = [
            section("high-pass", values["high_pass"], flat, self.rate),
            section("peak", values["peak"], values["q"], self.rate, values["gain"]),
        ]
        return torch.cat(front), section("low-pass", values["low_pass"], flat, self.rate)

    def shaped(self, signal: Tensor, values: Values) -> Tensor:
        return two_sided(signal, values)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        before, inner, behind = state or (None, None, None)
        front, back = designed(values, "filters", lambda: self._filters(values))
        driven, before = filtered(signal, front, before, self.backend)
        bent, inner = super().process(driven, values, inner)
        output, behind = filtered(bent, back, behind, self.backend)
        level = amplitude(values["level"]).to(signal.dtype)
        return level * output, (before, inner, behind)

    def pole_radius(self, values: Values) -> float:
        return max(largest_pole(part) for part in self._filters(values))
