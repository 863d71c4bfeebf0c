"""Dynamics: one second at 48 kHz, forward and backward to all parameters and the input, one thread.

python -m tests.benchmarks.bench_dynamics

Where torchcomp is installed its compressor core takes the place of our ballistics in the same compressor, on the same
tensors; the largest difference of the two outputs is printed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from models_registry.engine import kernels
from models_registry.engine.blocks import BLOCKS, Compressor
from models_registry.engine.blocks.base import State
from tests.benchmarks.bench_linear import RATE, both_ways, median_ms

KINDS = ("compressor", "expander", "limiter")


def peer() -> Callable[..., tuple[Tensor, State]] | None:
    """torchcomp's core in the shape of `followed`."""
    try:
        from torchcomp.core import compressor_core  # type: ignore[import-not-found]
    except ImportError:
        return None

    def followed(
        target: Tensor, rise: Tensor, fall: Tensor, state: State, backend: str
    ) -> tuple[Tensor, State]:
        rows = target.reshape(-1, target.shape[-1])
        count = len(rows)
        # the core speaks of gains, which fall in the attack: reductions with their sign changed
        start = rows.new_zeros(count)
        gains = compressor_core(-rows, start, rise.expand(count), fall.expand(count))
        return -gains.reshape(target.shape), None

    return followed


def main() -> None:
    from models_registry.engine.blocks import dynamics

    torch.set_num_threads(1)
    torch.manual_seed(0)
    other = peer()
    own = dynamics.followed
    for kind in KINDS:
        for batch in (1, 8):
            figures = []
            for backend in kernels.BACKENDS:
                block = BLOCKS[kind](RATE)
                setattr(block, "backend", backend)  # noqa: B010
                found = median_ms(both_ways(block, batch), 15 if backend == "numba" else 3)
                figures.append(f"{backend} {found / batch:.2f} ms")
            if kind == "compressor" and other is not None:
                dynamics.followed = other
                found = median_ms(both_ways(Compressor(RATE), batch))
                dynamics.followed = own
                figures.append(f"torchcomp's core {found / batch:.2f} ms")
            print(f"{kind}, batch {batch}, per second of audio: {', '.join(figures)}", flush=True)
    if other is not None:
        print(f"largest difference from torchcomp's core: {difference(other):.1e}")


def difference(other: Callable[..., tuple[Tensor, State]]) -> float:
    """The largest difference in dB of reduction for one second of noise bursts."""
    from models_registry.engine.blocks.dynamics import followed

    target = torch.randn(2, RATE, dtype=torch.float64).abs() * 10
    speeds = (torch.tensor(value, dtype=torch.float64) for value in (0.02, 0.0005))
    rise, fall = speeds
    one, _ = followed(target, rise, fall, None, kernels.DEFAULT)
    two, _ = other(target, rise, fall, None, kernels.DEFAULT)
    return (one - two).abs().max().item()


if __name__ == "__main__":
    main()
