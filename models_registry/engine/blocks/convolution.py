"""Exact convolution with a finite impulse response, by overlap-save, with its adjoint and its carried past.

Conventions: signals are (rows, frames), the response (taps,); the past is the last taps − 1 input samples. Everything
is computed in the signal's own type; results depend on how the signal was divided only by rounding.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy.fft import irfft, next_fast_len, rfft
from torch import Tensor

from models_registry.engine.blocks.base import State

# Transforms this many times the response's length waste little on the overlap and stay in the cache.
STRETCH, SMALLEST = 4, 4_096


def _frames(padded: Tensor, taps: int) -> tuple[Tensor, int]:
    """`padded` (rows, frames + taps − 1) as overlapping pieces (rows, pieces, size), and their hop."""
    length = padded.shape[1]
    size = max(SMALLEST, 2 ** math.ceil(math.log2(STRETCH * taps)))
    if length <= 2 * size:
        size = int(next_fast_len(length, real=True))
    hop = size - taps + 1
    pieces = -(-(length - taps + 1) // hop)
    filled = torch.nn.functional.pad(padded, (0, (pieces - 1) * hop + size - length))
    return filled.unfold(1, size, hop), hop


def transform(signal: Tensor, size: int | None = None) -> Tensor:
    """The spectrum of real `signal`, by scipy, whose transforms take a third of the time of torch's."""
    return torch.from_numpy(rfft(signal.numpy(), n=size))


def inverse(spectrum: Tensor, size: int) -> Tensor:
    """The real signal of `size` samples with this `spectrum`."""
    return torch.from_numpy(irfft(spectrum.resolve_conj().numpy(), n=size))


def valid(padded: Tensor, impulse: Tensor) -> Tensor:
    """The part of the convolution (rows, frames) for which all input is there."""
    pieces, _ = _frames(padded, impulse.shape[0])
    spectrum = transform(impulse, pieces.shape[-1])
    return _joined(transform(pieces) * spectrum, pieces.shape[-1], padded, impulse)


def _joined(spectra: Tensor, size: int, padded: Tensor, impulse: Tensor) -> Tensor:
    """The output's pieces from their `spectra`, one behind the other."""
    before = impulse.shape[0] - 1
    output = inverse(spectra, size)[..., before:]
    return output.reshape(padded.shape[0], -1)[:, : padded.shape[1] - before]


class Convolution(torch.autograd.Function):
    """`forward(padded (rows, taps − 1 + frames), impulse (taps,))` returns the output (rows, frames).

    The gradients are correlations, taken with the spectra of the way there.
    """

    @staticmethod
    def forward(ctx: Any, padded: Tensor, impulse: Tensor) -> Tensor:
        pieces, ctx.hop = _frames(padded, impulse.shape[0])
        ctx.size, ctx.shape, ctx.taps = pieces.shape[-1], padded.shape, impulse.shape[0]
        heard, spectrum = transform(pieces), transform(impulse, ctx.size)
        ctx.save_for_backward(heard, spectrum)
        return _joined(heard * spectrum, ctx.size, padded, impulse)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        heard, spectrum = ctx.saved_tensors
        (rows, length), count, before = ctx.shape, heard.shape[1], ctx.taps - 1
        given = torch.nn.functional.pad(grads[0], (0, count * ctx.hop - grads[0].shape[1]))
        given = torch.nn.functional.pad(given.reshape(rows, count, ctx.hop), (before, 0))
        back = transform(given)
        grad_padded = grad_impulse = None
        if ctx.needs_input_grad[1]:
            cross = (back * heard.conj()).sum((0, 1))
            grad_impulse = inverse(cross, ctx.size)[: ctx.taps]
        if ctx.needs_input_grad[0]:
            parts = inverse(back.mul_(spectrum.conj()), ctx.size)
            grad_padded = grads[0].new_zeros(rows, count * ctx.hop + before)
            for n in range(count):
                grad_padded[:, n * ctx.hop : n * ctx.hop + ctx.size] += parts[:, n]
            grad_padded = grad_padded[:, :length]
        return grad_padded, grad_impulse


def convolved(signal: Tensor, impulse: Tensor, state: State) -> tuple[Tensor, State]:
    """`signal` (..., frames) through `impulse` (taps,), going on from `state`; and the state after it."""
    rows = signal.reshape(-1, signal.shape[-1])
    before = impulse.shape[0] - 1
    # at the start, what of the response comes after the signal's end is not heard
    reach = min(before, rows.shape[1] - 1) if state is None else before
    past = rows.new_zeros(rows.shape[0], reach) if state is None else state
    padded = torch.cat([past, rows], dim=1)
    heard = impulse[: reach + 1].to(signal.dtype)
    output = Convolution.apply(padded, heard)  # type: ignore[no-untyped-call]
    following = padded[:, max(0, padded.shape[1] - before) :].detach()
    following = torch.nn.functional.pad(following, (before - following.shape[1], 0)).clone()
    return output.reshape(signal.shape), following


def response_of(impulse: Tensor, frequencies: Tensor, rate: int) -> Tensor:
    """The complex response of `impulse` (taps,) at `frequencies` (Hz)."""
    total = torch.zeros(frequencies.shape, dtype=torch.complex128)
    # a long response in parts, since the whole matrix would take a gigabyte
    for start, part in enumerate(torch.split(impulse.to(torch.complex128), SMALLEST)):
        times = start * SMALLEST + torch.arange(part.shape[0], dtype=torch.float64)
        turns = torch.outer(frequencies.double() / rate, times)
        total = total + torch.exp(-2j * math.pi * turns) @ part
    return total
