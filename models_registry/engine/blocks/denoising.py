"""Noise taken out band by band: a gate that opens above the noise, and the Wiener and log-spectral gains.

Conventions: levels of bands are in dB of mean square (a sine of full scale has −3 dB); `noise` is the level of the
noise in each band. Gains follow in float64 at the rate of the frames.
"""

from __future__ import annotations

from typing import Any

import torch
from scipy.special import exp1
from torch import Tensor
from torch.nn.functional import relu

from models_registry.engine import kernels
from models_registry.engine.blocks.base import State, Values, amplitude, register
from models_registry.engine.blocks.dynamics import followed
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.blocks.spectral import (
    BANDS,
    OVERLAP,
    SILENCE,
    WINDOW,
    SpectralBlock,
    by_row,
)
from models_registry.engine.contract import Card, Option, Parameter
from models_registry.engine.relevance import held

# −40 dB: the least ratio of signal to noise, below which a gain is never heard.
LEAST = 1e-4


def noise_parameter(bands: int) -> Parameter:
    return Parameter(
        "noise", "dB", -120, 0, "dB", -60, "noise in each band", size=bands, time_varying=True
    )


class MaskBlock(SpectralBlock):
    """A gain per band and frame that follows from the signal itself."""

    def masked(self, spectra: Tensor, gains: Tensor) -> Tensor:
        """`spectra` with `gains` (rows, steps, bands) as factors."""
        return spectra * held(gains @ self.weights).to(spectra.real.dtype)

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        return self.centres, {"noise": values["noise"]}


@register
class SpectralGate(MaskBlock):
    """Each band is let through above the noise and turned down within it."""

    kind = "spectral-gate"
    card = Card(
        purpose="Take steady noise out of pauses and out of the bands in which nobody speaks.",
        rationale="An expander per critical band: noise in one band does not have to wait for silence in all others, "
        "and a floor instead of a hole keeps what is left from sounding like musical noise.",
        assumptions="The noise is steady and softer than the signal in most bands; its level in each band is given.",
        expected_ranges="Threshold 3 to 12 dB, range 6 to 20 dB, attack 5 to 20 ms, release 50 to 200 ms.",
        failure_modes="Cuts soft consonants and reverberation; times shorter than a hop act as one hop; a threshold "
        "near the noise chatters.",
        expected=SILENT,
        references=(
            "S. F. Boll, Suppression of Acoustic Noise in Speech Using Spectral Subtraction, IEEE Trans. ASSP "
            "27(2), 1979",
            "Giannoulis, Massberg, Reiss, Digital Dynamic Range Compressor Design, J. Audio Eng. Soc. 60(6), 2012",
        ),
    )
    backend = kernels.DEFAULT

    @classmethod
    def declare(
        cls, rate: int, *, bands: int = 32, window: int = 20, overlap: int = 2
    ) -> tuple[Parameter, ...]:
        return (
            noise_parameter(bands),
            Parameter("threshold", "dB", 0, 40, "dB", 6, "above the noise: half-way open"),
            Parameter("knee", "dB", 1, 24, "linear", 6, "width of the way from closed to open"),
            Parameter("range", "dB", 0, 80, "linear", 15, "reduction when closed"),
            Parameter("attack", "ms", 1, 500, "log", 10, "time constant of opening"),
            Parameter("release", "ms", 1, 5_000, "log", 100, "time constant of closing"),
        )

    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        level = 10 * torch.log10(self.band_power(spectra) + SILENCE)
        above = level - by_row(values["noise"]) - values["threshold"]
        wanted = values["range"] * torch.sigmoid(-4 * above / values["knee"])
        closing, opening = (
            -torch.expm1(-1_000 * self.hop / (values[name].double() * self.rate))
            for name in ("release", "attack")
        )
        reduction, state = followed(
            wanted.transpose(1, 2).contiguous(), closing, opening, state, self.backend
        )
        return self.masked(spectra, amplitude(-reduction.transpose(1, 2))), state


class ExponentialIntegral(torch.autograd.Function):
    """E₁(v) of positive v, float64."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        ctx.save_for_backward(v)
        return torch.from_numpy(exp1(v.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (v,) = ctx.saved_tensors
        return torch.as_tensor(-grads[0] * torch.exp(-v) / v)


@register
class Wiener(MaskBlock):
    """The gain of least mean error, by the ratio of signal to noise that the frames before suggest."""

    kind = "wiener"
    card = Card(
        purpose="Noise reduction by a formula: the yardstick for every network that sets gains.",
        rationale="Of all gains the Wiener gain errs least in mean square, the log-spectral one least in the logarithm "
        "that the ear is nearer to; the decision-directed ratio, mostly that of the frame before, is what keeps "
        "single bands from flickering.",
        assumptions="Noise of known level by band, Gaussian and independent of the signal.",
        expected_ranges="Memory 0.95 to 0.99 at a hop of 10 ms; floor −25 to −10 dB.",
        failure_modes="Onsets come a frame late with a long memory; noise that rises is taken for signal; a floor "
        "below −25 dB brings musical noise.",
        expected=SILENT,
        references=(
            "Y. Ephraim, D. Malah, Speech Enhancement Using a Minimum Mean-Square Error Short-Time Spectral Amplitude "
            "Estimator, IEEE Trans. ASSP 32(6), 1984 (decision-directed ratio)",
            "Y. Ephraim, D. Malah, Speech Enhancement Using a Minimum Mean-Square Error Log-Spectral Amplitude "
            "Estimator, IEEE Trans. ASSP 33(2), 1985",
        ),
    )
    choices = (
        BANDS,
        WINDOW,
        OVERLAP,
        Option("rule", "wiener", "whose error is least", ("wiener", "log-spectral")),
    )

    @classmethod
    def declare(
        cls, rate: int, *, bands: int = 32, window: int = 20, overlap: int = 2, rule: str = "wiener"
    ) -> tuple[Parameter, ...]:
        return (
            noise_parameter(bands),
            Parameter("memory", "", 0, 0.998, "linear", 0.98, "share of the frame before"),
            Parameter("floor", "dB", -60, 0, "dB", -20, "what is left of pure noise"),
        )

    def gain(self, prior: Tensor, posterior: Tensor) -> Tensor:
        """The gain (0 to 1) for a-priori and a-posteriori ratios of signal to noise (power)."""
        gain = prior / (1 + prior)
        if self.options["rule"] == "log-spectral":
            # 1985, eq. 20; far below the noise the formula exceeds 1 by what nobody hears
            v = gain * posterior + SILENCE
            gain = 1 - relu(1 - gain * torch.exp(ExponentialIntegral.apply(v) / 2))  # type: ignore[no-untyped-call]
        return gain

    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        noise = torch.pow(10.0, by_row(values["noise"]).double() / 10)
        posteriors = (self.band_power(spectra) / noise).unbind(1)
        # the first frame has nothing before it
        before = torch.zeros_like(posteriors[0]) if state is None else state
        gains = []
        for posterior in posteriors:
            # 1984, eq. 51
            heard = values["memory"] * before + (1 - values["memory"]) * relu(posterior - 1)
            gain = self.gain(relu(heard - LEAST) + LEAST, posterior)
            before = gain.square() * posterior
            gains.append(gain)
        floor = amplitude(values["floor"].double())
        return self.masked(spectra, floor + (1 - floor) * torch.stack(gains, 1)), before.detach()
