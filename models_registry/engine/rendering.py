"""A chain over a signal of any length, in bounded memory, with the same samples whatever pieces it comes in.

Conventions: samples are float32 (channels, frames); the chain runs in float64 in stretches of `QUANTUM` samples,
counted from the signal's first, and carries its state from stretch to stretch; each channel of the input goes through
the chain on its own where the chain is mono. The chain's latency is taken out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.audio import Audio, AudioError, Samples, checked
from models_registry.engine.chain import Chain, ChainState
from models_registry.engine.contract import EngineError

# Long enough that a stretch's work outweighs its beginning, and a partition of the long convolutions.
QUANTUM = 4_096
# 160 dB above full scale: no block is meant to do that, it has lost its stability
LOUDEST = 1e8
# the output among the stems
WHOLE = ""


class _Pieces:
    """Samples that come in pieces of any length and leave in pieces of `QUANTUM`."""

    def __init__(self, channels: int) -> None:
        self.waiting = np.zeros((channels, 0))

    def add(self, samples: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        self.waiting = np.concatenate([self.waiting, samples], axis=1)
        while self.waiting.shape[1] >= QUANTUM:
            piece, self.waiting = self.waiting[:, :QUANTUM], self.waiting[:, QUANTUM:]
            yield piece


class _Resampler:
    """From rate to rate (soxr, very high quality, linear phase, no delay); nothing where they are the same."""

    def __init__(self, before: int, after: int, channels: int) -> None:
        same = before == after
        self.inner = (
            None if same else soxr.ResampleStream(before, after, channels, "float64", "VHQ")
        )

    def add(self, samples: NDArray[np.float64], last: bool = False) -> NDArray[np.float64]:
        if self.inner is None:
            return samples
        given = np.ascontiguousarray(samples.T)
        return np.asarray(self.inner.resample_chunk(given, last=last).T, dtype=np.float64)


class _Outlet:
    """What comes out of a block, moved to where it belongs and brought back to the input's rate."""

    def __init__(self, late: int, back: _Resampler) -> None:
        self.late, self.back = late, back
        self.given = 0

    def add(self, samples: NDArray[np.float64], wanted: float, last: bool = False) -> Samples:
        """`samples` of the chain without its latency, at most `wanted` in all."""
        drop = min(self.late, samples.shape[1])
        self.late -= drop
        found = self.back.add(samples[:, drop:], last)
        if last and np.isfinite(wanted):
            lacking = max(0, int(wanted) - self.given - found.shape[1])
            found = np.pad(found, ((0, 0), (0, lacking)))
        kept = found[:, : int(min(found.shape[1], wanted - self.given))]
        self.given += kept.shape[1]
        return kept.astype(np.float32)


class Stream:
    """A chain over a signal as it comes: `push` its pieces, then `finish`; both return what is ready.

    What they return is by name: `WHOLE` the output and, with `stems`, what left each block. All have the same length
    in the end: the input's or, with `tail`, longer by the seconds in which the chain dies away.
    """

    def __init__(
        self, chain: Chain, channels: int, rate: int, *, stems: bool = False, tail: bool = False
    ) -> None:
        # a copy, so that a chain in training keeps its own precision
        self.chain = copy.deepcopy(chain).double().eval()
        self.channels, self.rate = channels, rate
        self.tail = chain.tail() if tail else 0.0
        late = {WHOLE: chain.latency} | (chain.latencies() if stems else {})
        self.outlets = {
            name: _Outlet(count, _Resampler(chain.rate, rate, channels))
            for name, count in late.items()
        }
        self.inlet = _Resampler(rate, chain.rate, channels)
        self.given, self.pieces = _Pieces(channels), _Pieces(channels)
        self.state: ChainState | None = None
        self.frames = self.done = 0

    def push(self, samples: NDArray[np.floating]) -> dict[str, Samples]:
        """Go on with `samples` (channels, frames); raises `AudioError` for what is not finite."""
        if samples.ndim != 2 or len(samples) != self.channels:
            raise AudioError(
                f"expected samples shaped ({self.channels}, frames), found {samples.shape}"
            )
        if not np.isfinite(samples).all():
            first = self.frames + int(np.flatnonzero(~np.isfinite(samples).all(axis=0))[0])
            raise AudioError(f"expected finite samples, found NaN or infinity at sample {first}")
        self.frames += samples.shape[1]
        # whatever the pieces, the resampler gets the same ones
        inside = [
            piece
            for given in self.given.add(samples.astype(np.float64))
            for piece in self.pieces.add(self.inlet.add(given))
        ]
        return self._joined([self._through(piece) for piece in inside])

    def finish(self) -> dict[str, Samples]:
        """The rest, once the input is over."""
        rest = self.inlet.add(self.given.waiting, last=True)
        after = self.chain.latency + round(self.tail * self.chain.rate)
        inside = list(self.pieces.add(np.pad(rest, ((0, 0), (0, after)))))
        inside.append(self.pieces.waiting)
        wanted = self.frames + round(self.tail * self.rate)
        found = [self._through(piece, wanted) for piece in inside if piece.shape[1]]
        ends = np.zeros((self.channels, 0))
        found.append({name: one.add(ends, wanted, True) for name, one in self.outlets.items()})
        return self._joined(found)

    def _joined(self, found: list[dict[str, Samples]]) -> dict[str, Samples]:
        nothing = np.zeros((self.channels, 0), dtype=np.float32)
        return {
            name: np.concatenate([nothing, *(one[name] for one in found)], axis=1)
            for name in self.outlets
        }

    def _through(self, piece: NDArray[np.float64], wanted: float = np.inf) -> dict[str, Samples]:
        heard: dict[str, Tensor] = {}

        def listen(name: str, signal: Tensor) -> None:
            heard[name] = signal
            self._refuse(name, signal)

        exact = torch.autocast("cpu", enabled=False)
        with torch.inference_mode(), without_denormals(), exact:
            block = torch.from_numpy(np.ascontiguousarray(piece))[None]
            with self.chain.overheard(listen):
                output, self.state = self.chain(block, self.state)
        self.done += piece.shape[1]
        heard[WHOLE] = output
        return {
            name: outlet.add(heard[name][0].numpy(), wanted)
            for name, outlet in self.outlets.items()
        }

    def _refuse(self, name: str, signal: Tensor) -> None:
        """Raise `EngineError` where the block `name` has lost its signal."""
        low, high = torch.aminmax(signal)
        # also false for NaN
        if low >= -LOUDEST and high <= LOUDEST:
            return
        # by channel, and the first of them all
        lost = ~(signal.abs() <= LOUDEST).all(dim=1)[0]
        at = (self.done + int(lost.nonzero()[0])) / self.chain.rate
        raise EngineError(
            f"expected finite samples below {LOUDEST:g} of full scale, found others at {at:.3f} s, first in block "
            f"{self.chain.described(name)}"
        )


@contextmanager
def without_denormals() -> Iterator[None]:
    """Numbers too small for all their digits are zero in here: what dies away is over, and costs no time."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def render(
    chain: Chain,
    samples: Samples,
    rate: int,
    *,
    block_size: int = 65_536,
    tail: bool = False,
) -> Samples:
    """Return `samples` (channels, frames) at `rate` Hz after `chain`: same rate and alignment, and the same shape.

    A signal at another rate than the chain's is resampled to it and back (soxr, very high quality), because a learned
    curve and response hold at the rate they were learned at. With `tail` the output goes on until the chain has died
    away. `block_size` changes no bit of the result.
    Raises `AudioError` for samples that are no audio and `EngineError` for output that is not finite.
    """
    if block_size < 1:
        raise EngineError(f"expected a block size of at least 1 sample, found {block_size}")
    source: Audio = checked(samples, rate, name="the signal to render")
    stream = Stream(chain, source.channels, rate, tail=tail)
    parts = [
        stream.push(source.samples[:, start : start + block_size])[WHOLE]
        for start in range(0, source.frames, block_size)
    ]
    return np.concatenate([*parts, stream.finish()[WHOLE]], axis=1)
