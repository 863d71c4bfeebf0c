"""The linear blocks: one second at 48 kHz, forward and backward to all parameters and the input, one thread.

python -m tests.benchmarks.bench_linear

Recursive blocks are shown with both backends; the graphic equaliser beside julius' convolution with the same
impulse response, where julius is installed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from models_registry.engine import kernels
from models_registry.engine.blocks import BLOCKS, Block, GraphicEqualiser

RATE, REPEATS = 48_000, 15
SHOWN = (
    "biquad",
    "crossover",
    "fir",
    "sampled-fir",
    "graphic-equaliser",
    "delay",
    "echo",
    "variable-filter",
)


def median_ms(run: Callable[[], None], repeats: int = REPEATS) -> float:
    """Median processor time of `run` in milliseconds, without its first call, which compiles.

    Processor time, since it does not count what other programs take of a shared machine.
    """
    times = []
    for _ in range(repeats + 1):
        begun = time.process_time()
        run()
        times.append(1_000 * (time.process_time() - begun))
    return statistics.median(times[1:])


def both_ways(block: Block, batch: int) -> Callable[[], None]:
    """A forward and backward pass of `block` over `batch` seconds."""
    signal = torch.randn(batch, 1, RATE, requires_grad=True)
    controls = {
        name: torch.full((p.size,) if p.size > 1 else (), 0.4, requires_grad=True)
        for name, p in block.parameters.items()
    }

    def run() -> None:
        block.process(signal, block.physical(controls), None)[0].sum().backward()

    return run


def julius_ms(batch: int) -> float | None:
    """The graphic equaliser's response convolved by julius."""
    try:
        from julius import fft_conv1d  # type: ignore[import-not-found]
    except ImportError:
        return None
    block = GraphicEqualiser(RATE)
    levels = torch.full((31,), 0.4, requires_grad=True)
    signal = torch.randn(batch, 1, RATE, requires_grad=True)

    def run() -> None:
        impulse = block.impulse(block.physical({"levels": levels})).float()
        padded = torch.nn.functional.pad(signal, (impulse.shape[0] - 1, 0))
        fft_conv1d(padded, impulse.flip(0)[None, None]).sum().backward()

    return median_ms(run)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for kind in SHOWN:
        for batch in (1, 8):
            block = BLOCKS[kind](RATE)
            backends = list(kernels.BACKENDS) if hasattr(block, "backend") else [""]
            figures = []
            for backend in backends:
                setattr(block, "backend", backend)  # noqa: B010
                repeats = 2 if (kind, backend) == ("variable-filter", "scipy") else REPEATS
                found = median_ms(both_ways(block, batch), repeats) / batch
                figures.append(f"{backend} {found:.2f} ms".strip())
            if kind == "graphic-equaliser" and (peer := julius_ms(batch)) is not None:
                figures.append(f"julius {peer / batch:.2f} ms")
            print(f"{kind}, batch {batch}, per second of audio: {', '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
