"""Blocks beside other people's differentiable ones: one second at 48 kHz, forward and backward, one thread.

python -m tests.benchmarks.bench_engine_peers

Peers (`pip install dasp-pytorch philtorch==0.6.0 torchlpc torchcomp auraloss grafx einops`) that are not installed are
named and skipped. Every ratio is of processor times, taken in turns with ours on the same tensors, so that what else
the machine does falls on both; given are the median ratio and its quartiles. Above 1 ours is faster.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import Any

# before numba is imported: torchcomp's and torchlpc's loops are parallel
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "NUMBA")})

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.signal import sosfilt  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn.functional import pad  # noqa: E402

from models_registry.engine.blocks import BLOCKS, Block, Compressor, Equaliser  # noqa: E402
from models_registry.engine.losses import spectral_distance  # noqa: E402
from models_registry.engine.spectrogram import ENERGY_FLOOR  # noqa: E402
from tests.benchmarks.bench_dynamics import difference  # noqa: E402
from tests.benchmarks.bench_dynamics import peer as torchcomp_followed  # noqa: E402

RATE, TURNS = 48_000, 21
GRAPHS = ("torch_geometric", "torch_geometric.data", "torch_geometric.utils")
Run = Callable[[], object]


def turns(ours: Run, theirs: Run, count: int = TURNS) -> tuple[float, float, float, float, float]:
    """Median milliseconds of both, then the median ratio and its quartiles, run in turns after a first call each."""
    times = []
    for _ in range(count + 1):
        marks = [time.process_time()]
        for run in (ours, theirs):
            run()
            marks.append(time.process_time())
        times.append((marks[1] - marks[0], marks[2] - marks[1]))
    own, other = zip(*times[1:], strict=True)
    low, middle, high = statistics.quantiles([b / a for a, b in zip(own, other, strict=True)], n=4)
    return 1_000 * statistics.median(own), 1_000 * statistics.median(other), middle, low, high


def told(name: str, ours: Run, theirs: Run, wanted: float, count: int = TURNS) -> None:
    own, other, ratio, low, high = turns(ours, theirs, count)
    verdict = "" if ratio >= wanted else f", BELOW the wanted {wanted:g}"
    print(
        f"{name}: ours {own:.2f} ms, theirs {other:.2f} ms, {ratio:.1f} times as fast "
        f"({low:.1f} to {high:.1f}{verdict})",
        flush=True,
    )


class Idle(types.ModuleType):
    """A module whose names exist and are never used."""

    __version__ = "2.13"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__, self.__path__ = ModuleSpec(name, None), []

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def installed(name: str) -> Any:
    """A peer, or None; grafx imports parts of torchaudio and others that its processors do not use."""
    if name == "grafx":
        for idle in ("torchaudio", "torchaudio.functional", *GRAPHS):
            if idle not in sys.modules:
                sys.modules[idle] = Idle(idle)
        name = "grafx.processors"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError as error:
        print(f"{name} is left out: {error}")
        return None


def both_ways(call: Callable[..., Tensor], given: list[Tensor]) -> Run:
    """A forward and a backward pass to all of `given`."""

    def run() -> None:
        torch.autograd.grad(call(*given).sum(), given, allow_unused=True)

    return run


def free(block: Block, share: float = 0.4) -> list[Tensor]:
    return [
        torch.full((p.size,) if p.size > 1 else (), share, requires_grad=True)
        for p in block.parameters.values()
    ]


def through(block: Block) -> Callable[..., Tensor]:
    def call(signal: Tensor, *controls: Tensor) -> Tensor:
        named = dict(zip(block.parameters, controls, strict=True))
        return block.process(signal, block.physical(named), None)[0]

    return call


def equaliser(batch: int) -> None:
    block = Equaliser(RATE)
    signal = torch.randn(batch, 1, RATE, requires_grad=True)
    ours = both_ways(through(block), [signal, *free(block)])
    if dasp := installed("dasp_pytorch"):
        each = [torch.full((batch,), 1_000.0, requires_grad=True) for _ in range(18)]

        def peer(x: Tensor, *values: Tensor) -> Tensor:
            # gain, frequency and q of each section, as its function wants them
            ready = [
                value * (1, 0.001, 0.001)[(n + 1) % 3] if n % 3 == 2 else value * (0.003, 1)[n % 3]
                for n, value in enumerate(values)
            ]
            return torch.as_tensor(dasp.functional.parametric_eq(x, RATE, *ready))

        wanted = 12 if batch == 1 else 10
        told(f"equaliser, batch {batch}, dasp", ours, both_ways(peer, [signal, *each]), wanted)
    if batch > 1:
        return
    controls = free(block)

    def sections(*given: Tensor) -> Tensor:
        return block.sections(block.physical(dict(zip(block.parameters, given, strict=True))))

    if installed("philtorch"):
        lfilter = import_module("philtorch.lti").lfilter

        def philtorch(x: Tensor, *given: Tensor) -> Tensor:
            y = x[:, 0]
            for row in sections(*given).float():
                y = lfilter(row[:3], row[3:], y)
            return y

        told("equaliser, philtorch", ours, both_ways(philtorch, [signal, *controls]), 3.5)
    if torchlpc := installed("torchlpc"):

        def lpc(x: Tensor, *given: Tensor) -> Tensor:
            y = x[:, 0]
            for row in sections(*given).float():
                padded = torch.nn.functional.pad(y[:, None], (2, 0))
                y = torch.conv1d(padded, row[:3].flip(0)[None, None])[:, 0]
                y = torchlpc.sample_wise_lpc(y, row[3:].expand(len(y), RATE, 2))
            return y

        told("equaliser, torchlpc", ours, both_ways(lpc, [signal, *controls]), 6)


def exactness() -> None:
    """Error against scipy in float64 for a low shelf, by its corner."""
    block = Equaliser(RATE)
    signal = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, RATE)))
    values = block.physical({name: torch.tensor(0.5).double() for name in block.parameters})
    for corner in (20.0, 50.0, 200.0):
        placed = values | {"low_frequency": torch.tensor(corner).double()}
        placed["low_gain"] = torch.tensor(12.0).double()
        sos = np.insert(block.sections(placed).numpy(), 3, 1.0, axis=1)
        exact = sosfilt(sos, signal.numpy())
        error = block.process(signal, placed, None)[0].numpy() - exact
        level = 10 * math.log10((error**2).sum() / (exact**2).sum() + 1e-40)
        print(f"equaliser, low shelf at {corner:g} Hz: {level:.0f} dB from scipy's sosfilt")


def compressor() -> None:
    from models_registry.engine.blocks import dynamics

    other, own = torchcomp_followed(), dynamics.followed
    if other is None:
        print("torchcomp is left out")
        return
    for batch in (1, 8):
        block = Compressor(RATE)
        given = [torch.randn(batch, 1, RATE, requires_grad=True), *free(block)]

        def theirs(*given: Tensor, block: Block = block) -> Tensor:
            dynamics.followed = other
            try:
                return through(block)(*given)
            finally:
                dynamics.followed = own

        told(
            f"compressor, batch {batch}, torchcomp's core in it",
            both_ways(through(block), given),
            both_ways(theirs, given),
            1.2,
        )
    print(f"compressor: largest difference from torchcomp's core {difference(other):.1e} dB")


def rooms_and_bands() -> None:
    if (grafx := installed("grafx")) is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        length = 60_000
        reverb = grafx.FilteredNoiseShapingReverb(
            ir_len=length, num_bands=12, sr=RATE, processor_channel="mono"
        )
        graphic = grafx.GraphicEqualizer(processor_channel="mono", backend="fsm", fsm_fir_len=4_000)
    signal = torch.randn(1, 1, RATE, requires_grad=True)
    block = BLOCKS["reverb"](RATE, {"length": round(1_000 * length / RATE)})
    shapes = [
        torch.zeros(1, *size, requires_grad=True) for size in reverb.parameter_size().values()
    ]
    names = list(reverb.parameter_size())

    def room(x: Tensor, *values: Tensor) -> Tensor:
        return torch.as_tensor(reverb(x, **dict(zip(names, values, strict=True))))

    told(
        "12-band noise reverb, grafx",
        both_ways(through(block), [signal, *free(block)]),
        both_ways(room, [signal, *shapes]),
        5,
    )
    bands = BLOCKS["graphic-equaliser"](RATE)
    gains = torch.zeros(1, *graphic.parameter_size()["log_gains"], requires_grad=True)
    told(
        "graphic equaliser, grafx",
        both_ways(through(bands), [signal, *free(bands)]),
        both_ways(lambda x, g: torch.as_tensor(graphic(x, g)), [signal, gains]),
        5,
    )


def spectral_loss() -> None:
    if (auraloss := installed("auraloss")) is None:
        return
    sizes = [512, 1_024, 2_048]
    peer = auraloss.freq.MultiResolutionSTFTLoss(
        sizes, [size // 4 for size in sizes], sizes, w_log_mag=1, w_sc=1, eps=ENERGY_FLOOR
    )

    margin = max(sizes) // 2

    def ours(estimate: Tensor, target: Tensor) -> Tensor:
        # its transforms begin half a window early, on the signal turned round: less of the same for a shorter window
        ends = [pad(x, (margin, margin), "reflect") for x in (estimate, target)]
        each = [
            spectral_distance(
                *(x[..., cut : x.shape[-1] - cut] for x in ends), sizes=[n], floor=0.0
            )
            for n in sizes
            for cut in [margin - n // 2]
        ]
        return torch.stack(each).mean()

    for batch in (1, 8):
        target = 0.1 * torch.randn(batch, 1, RATE)
        estimate = (target + 0.02 * torch.randn(batch, 1, RATE)).requires_grad_()
        told(
            f"multi-resolution STFT loss, batch {batch}, auraloss",
            both_ways(partial(ours, target=target), [estimate]),
            both_ways(lambda x, t=target: torch.as_tensor(peer(x, t)), [estimate]),
            3,
        )
        values = ours(estimate, target), torch.as_tensor(peer(estimate, target))
        slopes = [torch.autograd.grad(value, estimate)[0] for value in values]
        apart = ((slopes[0] - slopes[1]).norm() / slopes[1].norm()).item()
        print(f"  values {values[0]:.7f} and {values[1]:.7f}, gradients {apart:.1e} apart")


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    exactness()
    for batch in (1, 8):
        equaliser(batch)
    compressor()
    spectral_loss()
    rooms_and_bands()


if __name__ == "__main__":
    main()
