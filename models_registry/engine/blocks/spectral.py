"""Short-time spectra weighed and put together again: levels by band, and taps across frames by band.

Conventions: frames of `size` samples follow each other every `hop`; both windows are the root of a periodic Hann
window, so that frames whose spectra are left alone add up to the signal exactly. Bands are evenly spaced in Cams, and
a bin takes its value from the two bands beside it. Time-varying parameters have one value per frame, the frame that
ends last within the hop. The output is `size` − 1 samples late.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from models_registry.engine.auditory import band_weights, centres
from models_registry.engine.blocks.base import BandBlock, State, Values, amplitude, register
from models_registry.engine.blocks.promises import SILENT
from models_registry.engine.contract import Card, Option, Parameter, Port

# −120 dB: an empty band has a level too, so that its logarithm stays finite.
SILENCE = 1e-12
BANDS = Option("bands", 32, "bands on the ear's scale", low=2, high=128)
WINDOW = Option("window", 20, "length of a frame, ms", low=1, high=200)
OVERLAP = Option("overlap", 2, "frames that cover each sample", low=2, high=8)
WOLA = "D. Griffin, J. Lim, Signal Estimation from Modified Short-Time Fourier Transform, IEEE Trans. ASSP 32(2), 1984"


class SpectralState(NamedTuple):
    """Input of the frame that is not complete, output that waits for later frames, output that is ready, and what the
    block itself carries."""

    heard: Tensor
    tail: Tensor
    ready: Tensor
    inner: State


def bounds(rate: int, window: int, overlap: int) -> tuple[int, int]:
    """Samples in a frame of `window` ms and from frame to frame."""
    hop = 2 * max(1, round(window * rate / (2_000 * overlap)))
    return overlap * hop, hop


def by_row(value: Tensor) -> Tensor:
    """A parameter's value, with batch and channels joined to rows where it is time-varying."""
    return value.reshape(-1, *value.shape[2:]) if value.dim() > 1 else value


class FramedBlock(BandBlock):
    """A block that goes from short-time spectra to short-time spectra, frame by frame."""

    choices: ClassVar[tuple[Option, ...]] = (BANDS, WINDOW, OVERLAP)

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        overlap = self.options["overlap"]
        self.size, self.hop = bounds(rate, self.options["window"], overlap)
        # samples that are looked at for each frame
        self.span = self.size
        self.outlet = Port(latency=self.size - 1)
        self.window = torch.hann_window(self.size, dtype=torch.float64).sqrt()
        self.weights = band_weights(rate, self.size, self.options["bands"])
        self.centres = centres(rate, self.options["bands"])
        # Parseval; all bins but the first and the last stand for two
        self.shares = self.weights * 2 / (self.size * self.window.square().sum())
        self.shares[:, [0, -1]] /= 2

    @abstractmethod
    def made(self, frames: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        """Spectra (rows, steps, bins) out of `frames` (rows, steps, span), going on from `state`; and the state after
        them."""

    def frames(self, signal: Tensor) -> Tensor:
        """The stretches (rows, steps, span) that `process` looks at in `signal` from its start."""
        rows = pad(signal.reshape(-1, signal.shape[-1]), (self.span - self.hop, 0))
        return rows.unfold(1, self.span, self.hop)

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows = signal.reshape(-1, signal.shape[-1])
        size, hop = self.size, self.hop
        if state is None:
            quiet, tail, ready = (
                rows.new_zeros(rows.shape[0], length)
                for length in (self.span - hop, size - hop, hop - 1)
            )
            state = SpectralState(quiet, tail, ready, None)
        heard = torch.cat([state.heard, rows], dim=1)
        count = (heard.shape[1] - (self.span - hop)) // hop
        ready, tail, inner = state.ready, state.tail, state.inner
        if count:
            spectra, inner = self.made(heard.unfold(1, self.span, hop), values, inner)
            # squared windows that overlap m-fold add up to m / 2
            window = self.window.to(rows.dtype) * 2 / self.options["overlap"]
            added = self._added(torch.fft.irfft(spectra, n=size) * window)
            added = added + pad(tail, (0, count * hop))
            ready = torch.cat([ready, added[:, : count * hop]], dim=1)
            tail = added[:, count * hop :]
        frames = rows.shape[1]
        following = SpectralState(
            heard[:, count * hop :].detach(), tail.detach(), ready[:, frames:].detach(), inner
        )
        return ready[:, :frames].reshape(signal.shape), following

    def _added(self, frames: Tensor) -> Tensor:
        """Frames (rows, count, size) laid over each other `hop` apart (rows, (count + overlap − 1) · hop)."""
        overlap = self.options["overlap"]
        parts = frames.reshape(*frames.shape[:2], overlap, self.hop)
        laid = sum(pad(parts[:, :, k], (0, 0, k, overlap - 1 - k)) for k in range(overlap))
        return torch.as_tensor(laid).flatten(1)

    def band_power(self, spectra: Tensor) -> Tensor:
        """Mean square of each frame by band (rows, steps, bands), float64: a sine of full scale has ½."""
        power = spectra.real.double().square() + spectra.imag.double().square()
        return power @ self.shares.T

    def spectra(self, signal: Tensor) -> Tensor:
        """Spectra (rows, steps, bins) of the frames into which `process` divides `signal` from its start."""
        rows = pad(signal.reshape(-1, signal.shape[-1]), (self.size - self.hop, 0))
        return torch.fft.rfft(rows.unfold(1, self.size, self.hop) * self.window.to(rows.dtype))

    def band_energy(self, signal: Tensor) -> Tensor:
        """Mean square by band (rows, steps, bands) of the frames into which `process` divides `signal` from its
        start."""
        return self.band_power(self.spectra(signal))

    def tail(self, values: Values) -> float:
        return 2 * self.size / self.rate


class SpectralBlock(FramedBlock):
    """A block that changes short-time spectra."""

    @abstractmethod
    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        """`spectra` (rows, steps, bins) changed, going on from `state`; and the state after them."""

    def made(self, frames: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        return self.shaped(torch.fft.rfft(frames * self.window.to(frames.dtype)), values, state)


@register
class SpectralGains(SpectralBlock):
    """A level for each band of the ear's scale."""

    kind = "spectral-gains"
    card = Card(
        purpose="Turn bands of the spectrum up and down from frame to frame: suppress noise, follow a talker, set a "
        "long-term spectrum.",
        rationale="The ear adds up energy within an equivalent rectangular bandwidth, so a level per such band and "
        "some ten milliseconds is all that a mask needs to say; a network has few numbers to find.",
        assumptions="Noise and signal lie in different bands or at different times; the noisy phase is good enough.",
        expected_ranges="-40 to 0 dB for suppression; neighbours within 20 dB of each other.",
        failure_modes="Cannot part a voice from noise between its harmonics (see the harmonic filter); levels that "
        "jump from frame to frame are heard as musical noise; low bands narrower than a bin share their bins; steep "
        "levels alias in time within a frame.",
        expected=SILENT,
        references=(
            WOLA,
            "J.-M. Valin, A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement, MMSP 2018",
        ),
    )

    choices = (
        BANDS,
        WINDOW,
        OVERLAP,
        Option(
            "ahead",
            0,
            "frames that are heard before a level has to be said",
            high=64,
            later=True,
        ),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.ahead = self.options["ahead"]
        self.outlet = Port(latency=self.size - 1 + self.ahead * self.hop)

    @classmethod
    def declare(
        cls, rate: int, *, bands: int = 32, window: int = 20, overlap: int = 2, ahead: int = 0
    ) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "gains", "dB", -60, 24, "dB", 0, "level of each band", size=bands, time_varying=True
            ),
        )

    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        gains = amplitude(by_row(values["gains"])).to(spectra.real.dtype)
        if self.ahead:
            rows, steps, bins = spectra.shape
            past = spectra.new_zeros(rows, self.ahead, bins) if state is None else state
            heard = torch.cat([past, spectra], dim=1)
            spectra, state = heard[:, :steps], heard[:, steps:].detach()
        return spectra * (gains @ self.weights.to(gains.dtype)), state

    def tail(self, values: Values) -> float:
        return super().tail(values) + self.ahead * self.hop / self.rate

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        return self.centres, {"gain": values["gains"]}


@register
class DeepFilter(SpectralBlock):
    """Complex taps across frames, for each band."""

    kind = "deep-filter"
    card = Card(
        purpose="Bring out what is periodic or coherent within a band over several frames, and turn its phase.",
        rationale="A real level per band keeps the noise between two harmonics; a few complex taps along time are a "
        "narrow filter around each bin, at the same frame rate and with values that can still be read as a response.",
        assumptions="Neighbouring bins want similar taps; what is worth keeping is coherent over `order` frames.",
        expected_ranges="The first tap near 1, later ones within ±0.5.",
        failure_modes="Adds a reverberant tail where later taps are large; with few bands a bin beside a harmonic "
        "gets its neighbour's phase; free taps smear transients by `order` frames.",
        expected=SILENT,
        references=(
            "W. Mack, E. A. P. Habets, Deep Filtering: Signal Extraction and Reconstruction Using Complex "
            "Time-Frequency Filters, IEEE Signal Process. Lett. 27, 2020",
            "H. Schröter et al., DeepFilterNet, ICASSP 2022",
        ),
    )
    choices = (
        BANDS,
        WINDOW,
        OVERLAP,
        Option("order", 5, "taps along time", low=1, high=16),
        Option(
            "highest",
            15_000,
            "centre of the highest band, Hz; bins above it pass where that is below 15 kHz",
            low=200,
            high=15_000,
            later=True,
        ),
    )

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        bands, highest = self.options["bands"], self.options["highest"]
        self.weights = band_weights(rate, self.size, bands, highest)
        self.centres = centres(rate, bands, highest)
        bins = self.size // 2 + 1
        self.filtered = bins if highest == 15_000 else min(bins, highest * self.size // rate + 1)

    @classmethod
    def declare(
        cls,
        rate: int,
        *,
        bands: int = 32,
        window: int = 20,
        overlap: int = 2,
        order: int = 5,
        highest: int = 15_000,
    ) -> tuple[Parameter, ...]:
        size = bands * order
        through = (1.0,) * bands + (0.0,) * (size - bands)
        return tuple(
            Parameter(
                name,
                "",
                -2,
                2,
                "linear",
                default,
                f"{name} part of the taps: all bands of the newest frame, then of the one before, …",
                size=size,
                time_varying=True,
            )
            for name, default in (("real", through), ("imaginary", 0.0))
        )

    def _taps(self, values: Values) -> Tensor:
        """Taps (..., order, bands) complex."""
        parts = [by_row(values[name]) for name in ("real", "imaginary")]
        whole = torch.complex(*parts)
        return whole.reshape(*whole.shape[:-1], self.options["order"], self.options["bands"])

    def shaped(self, spectra: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        order, bins = self.options["order"], self.filtered
        taps = self._taps(values).to(spectra.dtype)
        taps = taps @ self.weights[:, :bins].to(spectra.dtype)
        rows, steps, _ = spectra.shape
        past = spectra.new_zeros(rows, order - 1, bins) if state is None else state
        heard = torch.cat([past, spectra[..., :bins]], dim=1)
        output = torch.zeros_like(heard[:, :steps])
        for k in range(order):
            begin = order - 1 - k
            output = output + taps[..., k, :] * heard[:, begin : begin + steps]
        return torch.cat([output, spectra[..., bins:]], dim=-1), heard[:, steps:].detach()

    def profile(self, values: Values) -> tuple[Tensor, dict[str, Tensor]]:
        frames = torch.arange(self.options["order"], dtype=torch.float64)
        turns = torch.outer(frames, self.centres) * self.hop / self.rate
        sums = (self._taps(values) * torch.exp(-2j * math.pi * turns)).sum(0)
        return self.centres, {"gain of a steady tone": 20 * torch.log10(sums.abs() + 1e-6)}

    def tail(self, values: Values) -> float:
        return super().tail(values) + (self.options["order"] - 1) * self.hop / self.rate
