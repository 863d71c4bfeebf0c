"""The equaliser's two backends beside each other: one second at 48 kHz, forward and backward, one thread.

python -m tests.benchmarks.bench_equaliser
"""

from __future__ import annotations

import statistics
import time

import torch

from models_registry.engine import kernels
from models_registry.engine.blocks import Equaliser

RATE, REPEATS = 48_000, 25


def milliseconds(backend: str, batch: int) -> float:
    """Median time of one forward and backward pass through six sections, to all parameters and the input."""
    block = Equaliser(RATE)
    block.backend = backend
    signal = torch.randn(batch, 1, RATE, requires_grad=True)
    controls = {name: torch.tensor(0.4, requires_grad=True) for name in block.parameters}
    times = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        block.process(signal, block.physical(controls), None)[0].sum().backward()
        times.append(1_000 * (time.perf_counter() - begun))
    return statistics.median(times[1:])  # the first one compiles


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for batch in (1, 8):
        found = {backend: milliseconds(backend, batch) / batch for backend in kernels.BACKENDS}
        figures = ", ".join(f"{name} {value:.2f} ms" for name, value in found.items())
        ratio = (
            f"; numba is {found['scipy'] / found['numba']:.1f} times as fast"
            if len(found) > 1
            else ""
        )
        print(f"batch {batch}, per second of audio: {figures}{ratio}")


if __name__ == "__main__":
    main()
