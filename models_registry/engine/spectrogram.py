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

from models_registry.engine import unlikeness
from models_registry.engine.contract import EngineError

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


class Distance(torch.autograd.Function):
    """Spectral convergence plus mean log-magnitude difference, added over `sizes`.

    `forward(estimate (rows, frames), target (rows, frames), sizes, floor, backend)`; the log term is floored at `floor`
    of the target's largest magnitude. No gradient reaches the target. By hand, since the dozen tensors of a
    spectrogram's size that torch keeps for each of `sizes` take longer to write and read than to compute.
    """

    @staticmethod
    def forward(
        ctx: Any,
        estimate: Tensor,
        target: Tensor,
        sizes: Sequence[int],
        floor: float,
        backend: str,
    ) -> Tensor:
        if estimate.shape != target.shape:
            raise EngineError(
                f"loss.stft: expected an estimate of the target's shape {tuple(target.shape)}, found "
                f"{tuple(estimate.shape)}"
            )
        loops = unlikeness.BACKENDS[backend]
        total = 0.0
        slope = torch.zeros_like(estimate) if ctx.needs_input_grad[0] else None
        for size in sizes:
            (_, wanted), (spectrum, found) = (
                _read(loops, one.detach(), size) for one in (target, estimate)
            )
            value, by = _compared(loops, found, wanted, floor, slope is not None)
            total += value
            if slope is not None:
                loops.scale(_parts(spectrum), by)
                _by_signal(loops, spectrum, size, slope)
        ctx.slope = slope
        return estimate.new_tensor(total)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None, None]:
        return grads[0] * ctx.slope, None, None, None, None


def _parts(spectrum: Tensor) -> Array:
    return torch.view_as_real(spectrum).view(-1).numpy()


def _read(loops: unlikeness.Loops, signal: Tensor, size: int) -> tuple[Tensor, Array]:
    """The spectra of a signal and, in one line, their magnitudes."""
    spectrum = spectra(signal, size)
    found = np.empty(spectrum.numel(), _parts(spectrum).dtype)
    loops.magnitude(_parts(spectrum), found.dtype.type(math.sqrt(ENERGY_FLOOR)), found)
    return spectrum, found


def _compared(
    loops: unlikeness.Loops, found: Array, wanted: Array, floor: float, sloping: bool
) -> tuple[float, Array]:
    """The distance of two spectrograms; where `sloping`, its gradient by the spectrum that was `found` is what is
    returned beside it, times that spectrum."""
    real = found.dtype.type
    least = real(floor * wanted.max())
    ratio = np.empty_like(found)
    distance, scale = map(math.sqrt, loops.compare(found, wanted, least, ratio))
    logarithm = torch.from_numpy(np.log(ratio, out=ratio)).abs_().mean().item()
    if sloping:
        # of the convergence, whose slope at the target itself is taken as 0
        steep = 1 / (distance * scale) if distance > 0 else 0.0
        lowest = math.sqrt(ENERGY_FLOOR)
        loops.slope(found, wanted, least, *map(real, (1 / found.size, steep, lowest)), ratio)
    return distance / scale + logarithm, ratio


def _by_signal(loops: unlikeness.Loops, by: Tensor, size: int, slope: Tensor) -> None:
    """Add to `slope` (rows, frames) the gradient by a signal from that `by` its spectra (changed in place)."""
    # each bin between the first and the last stands for two, of which the inverse transform adds both
    by[..., 0] *= 2
    if size % 2 == 0:
        by[..., -1] *= 2
    parts = torch.fft.irfft(by, n=size, norm="forward")
    window = torch.hann_window(size, dtype=parts.dtype) / 2
    loops.overlap(parts.numpy(), window.numpy(), size // 4, slope.numpy())
