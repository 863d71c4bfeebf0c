"""Streaming: equaliser, compressor, reverb and drive in series at several block sizes, float64, one thread.

python -m tests.benchmarks.bench_rendering

Printed are the times faster than real time (by processor time) and the largest difference from one shot; then the
reverb's forward and backward pass over one second.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from models_registry.engine import Chain
from models_registry.engine.blocks import Reverb
from tests.benchmarks.bench_linear import both_ways, median_ms

RATE, SECONDS = 48_000, 20
SPEC = {
    "version": 1,
    "rate": RATE,
    "blocks": [
        {"id": "tone", "kind": "equaliser", "params": {"low_gain": 6, "peak2_gain": -4}},
        {"id": "level", "kind": "compressor", "params": {"threshold": -30}},
        {"id": "room", "kind": "reverb", "options": {"length": 1360}},
        {"id": "drive", "kind": "waveshaper", "params": {"drive": 12}},
    ],
}


def streamed(chain: Chain, signal: Tensor, size: int) -> tuple[Tensor, float]:
    """The output in blocks of `size`, and the times faster than real time."""
    state, parts = None, []
    begun = time.process_time()
    with torch.inference_mode():
        for part in signal.split(size, dim=-1):
            output, state = chain(part, state)
            parts.append(output)
    return torch.cat(parts, -1), signal.shape[-1] / RATE / (time.process_time() - begun)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chain = Chain.from_spec(SPEC).double()
    signal = 0.2 * torch.randn(1, 1, SECONDS * RATE, dtype=torch.float64)
    with torch.no_grad():
        chain(signal[..., :RATE])  # compiles
    with torch.enable_grad():
        whole = chain(signal)[0].detach()
    for size in (128, 1_024, 4_096, 16_384, 65_536):
        output, speed = streamed(chain, signal, size)
        error = (output - whole).abs().max().item()
        print(f"blocks of {size}: {speed:.0f} times real time, difference {error:.1e}", flush=True)
    for batch in (1, 8):
        found = median_ms(both_ways(Reverb(RATE, {"length": 1_360}), batch)) / batch
        print(f"reverb, batch {batch}, per second of audio: {found:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
