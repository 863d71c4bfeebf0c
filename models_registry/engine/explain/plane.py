"""The time-frequency plane: an exact short-time Fourier transform, and tiles of ERB bands by time.

Conventions: signals are float64 tensors (..., frames); spectra are (..., windows, bins), of Hann windows of `size`
samples a quarter apart, weighed by the window again on the way back, so that `signal(spectra(x))` is x to rounding at
every sample. Energies are those of the samples: all bins add up to Σ x². A tile is `band, step`, its edges in Hz and
in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from models_registry.engine.auditory import erb_rate, frequency_of

# s of a window, about: the ear's own compromise for speech and music
WINDOW_S = 0.032
# Σ w² over the windows that cover a sample: 3/8 of a Hann window's length over a hop of a quarter
COVER = 1.5


@dataclass(frozen=True)
class Plane:
    """The plane over `frames` samples at `rate` Hz."""

    rate: int
    frames: int

    @property
    def size(self) -> int:
        """Samples of a window."""
        return int(2 ** round(math.log2(WINDOW_S * self.rate)))

    @property
    def hop(self) -> int:
        return self.size // 4

    @property
    def windows(self) -> int:
        """So many that each sample lies in four."""
        return -(-self.frames // self.hop) + 3

    @property
    def bins(self) -> int:
        return self.size // 2 + 1

    def spectra(self, signal: Tensor) -> Tensor:
        """Spectra (..., windows, bins) of `signal` (..., frames)."""
        before = self.size - self.hop
        after = (self.windows - 1) * self.hop + self.size - before - self.frames
        return torch.fft.rfft(
            pad(signal, (before, after)).unfold(-1, self.size, self.hop) * self._window()
        )

    def signal(self, spectra: Tensor) -> Tensor:
        """The signal (..., frames) whose `spectra` these are."""
        parts = torch.fft.irfft(spectra, n=self.size) * (self._window() / COVER)
        parts = parts.unflatten(-1, (4, self.hop))
        whole = sum(pad(parts[..., n, :], (0, 0, n, 3 - n)) for n in range(4))
        assert isinstance(whole, Tensor)
        before = self.size - self.hop
        return whole.flatten(-2)[..., before : before + self.frames]

    def weights(self) -> Tensor:
        """What |spectrum|² of each bin (bins,) counts for in the samples' energy."""
        weights = torch.full((self.bins,), 2 / (self.size * COVER), dtype=torch.float64)
        weights[[0, -1]] /= 2
        return weights

    def frequencies(self) -> NDArray[np.float64]:
        """Hz of each bin."""
        return np.arange(self.bins) * self.rate / self.size

    def times(self) -> NDArray[np.float64]:
        """Seconds in the middle of each window."""
        middle = np.arange(self.windows) * self.hop - (self.size - self.hop) + self.size / 2
        return middle / self.rate

    def divided(self, signal: Tensor, slope: Tensor) -> Tensor:
        """`signal` times `slope` (..., frames) as parts (..., windows, bins): what each bin adds, in all the same sum.

        The transform as a layer without an effect before the first one: Vielhaben et al., Explainable AI for Time
        Series via Virtual Inspection Layers, 2023.
        """
        with torch.enable_grad():
            spectra = self.spectra(signal).detach().requires_grad_()
            (found,) = torch.autograd.grad(self.signal(spectra), spectra, slope)
        return spectra.detach().real * found.real + spectra.detach().imag * found.imag

    def _window(self) -> Tensor:
        return torch.hann_window(self.size, dtype=torch.float64)


@dataclass(frozen=True)
class Tiles:
    """Bands evenly spaced in Cams, and steps of time, over a plane: each bin of each window belongs to one."""

    plane: Plane
    # the first bin of each band and of each step, and the one after the last
    bins: tuple[int, ...]
    windows: tuple[int, ...]

    @classmethod
    def over(cls, plane: Plane, *, bands: int, steps: int) -> Tiles:
        """About so many of each: a band has at least one bin, a step at least one window."""
        top = erb_rate(torch.tensor(plane.rate / 2, dtype=torch.float64)).item()
        edges = frequency_of(torch.linspace(0, top, bands + 1, dtype=torch.float64)).numpy()
        bins = np.unique(np.round(edges * plane.size / plane.rate).astype(int))
        bins[-1] = plane.bins
        windows = np.unique(np.round(np.linspace(0, plane.windows, steps + 1)).astype(int))
        return cls(plane, tuple(map(int, bins)), tuple(map(int, windows)))

    @property
    def shape(self) -> tuple[int, int]:
        """Bands, steps."""
        return len(self.bins) - 1, len(self.windows) - 1

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def edges_hz(self) -> NDArray[np.float64]:
        """(bands + 1,): half-way between the bins of two bands."""
        edges = (np.array(self.bins) - 0.5) * self.plane.rate / self.plane.size
        return np.clip(edges, 0, self.plane.rate / 2)

    def edges_s(self) -> NDArray[np.float64]:
        """(steps + 1,): half-way between the windows of two steps."""
        middle = (np.array(self.windows) - 0.5) * self.plane.hop
        edges = (middle - self.plane.size / 2 + self.plane.hop) / self.plane.rate
        return np.clip(edges, 0, self.plane.frames / self.plane.rate)

    def summed(self, parts: Tensor) -> NDArray[np.float64]:
        """(bands, steps) of what bins add (..., windows, bins), all leading dimensions together."""
        flat = parts.reshape(-1, *parts.shape[-2:]).sum(0).numpy()
        by_step = np.add.reduceat(flat, self.windows[:-1], axis=0)
        return np.add.reduceat(by_step, self.bins[:-1], axis=1).T

    def spread(self, values: NDArray[np.floating]) -> Tensor:
        """(..., windows, bins): the value of its tile (..., bands, steps) at each bin."""
        given = torch.from_numpy(
            np.ascontiguousarray(np.swapaxes(values, -1, -2), dtype=np.float64)
        )
        along = given.repeat_interleave(torch.tensor(np.diff(self.windows)), -2)
        return along.repeat_interleave(torch.tensor(np.diff(self.bins)), -1)

    def at(self, frequency: float, time: float) -> tuple[int, int]:
        """The tile that holds `frequency` (Hz) at `time` (s)."""
        place = [
            int(np.clip(np.searchsorted(edges, value, "right") - 1, 0, len(edges) - 2))
            for edges, value in ((self.edges_hz(), frequency), (self.edges_s(), time))
        ]
        return place[0], place[1]
