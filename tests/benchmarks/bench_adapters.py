"""The adapters at control rate: what they add to one second of audio at 48 kHz, batch 1, one thread.

python -m tests.benchmarks.bench_adapters

100 values a second move the drive of a waveshaper; wanted are less than 2 ms on the way there.
"""

from __future__ import annotations

import torch

from models_registry.engine import Chain
from models_registry.engine.adapters import Adapter
from tests.benchmarks.bench_linear import median_ms

RATE, WANTED = 48_000, 2.0


def adapter(kind: str) -> Adapter:
    """One that moves the drive of a waveshaper 100 times a second."""
    blocks = [{"id": "drive", "kind": "waveshaper"}]
    entry = {"kind": kind, "targets": {"drive.drive": 0.2}, "hop": RATE // 100}
    spec = {"version": 1, "rate": RATE, "blocks": blocks, "adapters": [entry]}
    found = Chain.from_spec(spec).adapters[0]
    assert isinstance(found, Adapter)
    return found


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    signal = 0.2 * torch.randn(1, 1, RATE)
    for kind in ("follower", "mlp", "gru", "tcn", "hyper"):
        moving = adapter(kind)

        def heard(moving: Adapter = moving) -> None:
            with torch.no_grad():
                moving(signal, None)

        def learned(moving: Adapter = moving) -> None:
            moving.zero_grad()
            sum(offset.sum() for offset in moving(signal, None)[0].values()).backward()

        own, both = median_ms(heard, 51), median_ms(learned, 51)
        verdict = "" if own < WANTED else f", ABOVE the wanted {WANTED:g} ms"
        print(f"{kind}: {own:.2f} ms{verdict}, with the way back {both:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
