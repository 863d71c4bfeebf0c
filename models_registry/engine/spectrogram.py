"""Magnitudes of short-time spectra, and how far two spectrograms are apart, with the gradient by hand.

Conventions: signals are tensors (rows, frames); windows are Hann's of `size` samples, a quarter apart, whole windows
only. Magnitudes are those of unscaled transforms, (rows, windows, size / 2 + 1), and not below the root of
`ENERGY_FLOOR`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]

# Below −120 dB full scale there is nothing to compare with.
ENERGY_FLOOR = 1e-12


def spectra(signal: Tensor, size: int) -> Tensor:
    """The spectrum of each window (rows, windows, size / 2 + 1)."""
    window = torch.hann_window(size, dtype=signal.dtype)
    # unfolded, since `torch.stft` takes longer to cut the windows out than to transform them
    return torch.fft.rfft(signal.unfold(-1, size, size // 4) * window)


def magnitudes(spectrum: Tensor) -> Tensor:
    # the square root's slope at zero is infinite
    return (spectrum * spectrum.conj()).real.clamp_min(ENERGY_FLOOR).sqrt()


def _read(spectrum: Tensor) -> Array:
    """As `magnitudes`, by numpy, which takes a quarter of the time."""
    found = np.abs(spectrum.numpy())
    return np.maximum(found, math.sqrt(ENERGY_FLOOR), out=found)


class Distance(torch.autograd.Function):
    """Spectral convergence plus mean log-magnitude difference, added over `sizes`.

    `forward(estimate (rows, frames), target (rows, frames), sizes, floor)`; the log term is floored at `floor` of the
    target's largest magnitude. No gradient reaches the target. By hand, since the dozen tensors of a spectrogram's size
    that torch keeps for each of `sizes` take longer to write and read than to compute.
    """

    @staticmethod
    def forward(
        ctx: Any, estimate: Tensor, target: Tensor, sizes: Sequence[int], floor: float
    ) -> Tensor:
        total = 0.0
        slope = torch.zeros_like(estimate) if ctx.needs_input_grad[0] else None
        for size in sizes:
            wanted = _read(spectra(target.detach(), size))
            spectrum = spectra(estimate.detach(), size)
            found = _read(spectrum)
            value, by = _compared(found, wanted, floor, slope is not None)
            total += value
            if slope is not None:
                spectrum.mul_(torch.from_numpy(by))
                slope += _by_signal(spectrum, size, estimate.shape[-1])
        ctx.slope = slope
        return estimate.new_tensor(total)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return grads[0] * ctx.slope, None, None, None


def _compared(found: Array, wanted: Array, floor: float, sloping: bool) -> tuple[float, Array]:
    """The distance of two spectrograms, which are overwritten; where `sloping`, its gradient by the spectrum that was
    `found` is what is returned beside it, times that spectrum."""
    least = floor * wanted.max()
    scale = _norm(wanted)
    error = found - wanted
    distance = _norm(error)
    wanted += least
    raised = found + least
    ratio = np.divide(raised, wanted, out=wanted)
    logarithm = torch.from_numpy(np.log(ratio, out=ratio)).abs_().mean().item()
    value = distance / scale + logarithm
    if not sloping:
        return value, error
    # by magnitude: of the logarithm, then of the convergence, whose slope at the target itself is taken as 0
    by = np.divide(np.sign(error, out=ratio), raised, out=ratio)
    by /= error.size
    if distance > 0:
        error /= distance * scale
        by += error
    by /= found
    lowest = math.sqrt(ENERGY_FLOOR)
    if found.min() <= lowest:
        # where a magnitude is held at its floor, none
        by *= found > lowest
    return value, by


def _norm(spectrogram: Array) -> float:
    # torch's, since numpy's loses three more digits in float32
    return torch.linalg.vector_norm(torch.from_numpy(spectrogram)).item()


def _by_signal(by: Tensor, size: int, frames: int) -> Tensor:
    """The gradient (rows, frames) by a signal from that `by` its spectra (changed in place)."""
    # each bin between the first and the last stands for two, of which the inverse transform adds both
    by[..., 0] *= 2
    if size % 2 == 0:
        by[..., -1] *= 2
    parts = torch.fft.irfft(by, n=size, norm="forward")
    parts *= torch.hann_window(size, dtype=parts.dtype) / 2
    rows, windows, hop = by.shape[0], by.shape[1], size // 4
    pieces = -(-size // hop)
    added = parts.new_zeros(rows, windows + pieces - 1, hop)
    for n in range(pieces):
        part = parts[..., n * hop : (n + 1) * hop]
        added[:, n : n + windows, : part.shape[-1]] += part
    flat = added.reshape(rows, -1)[:, :frames]
    return torch.nn.functional.pad(flat, (0, frames - flat.shape[1]))
