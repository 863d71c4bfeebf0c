"""How long each sensation takes for 10 s at 48 kHz, on one thread, against the times of a peer (mosqito 1.2.1).

Run: `python -m tests.benchmarks.bench_psychoacoustics`. Times are the least of three after one call to warm up, with
nothing kept from call to call; the peer's are those measured on the same kind of machine when the metric was planned.
"""

from __future__ import annotations

import itertools
import os
import time

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np  # noqa: E402

from metrics import catalogue, intermediates  # noqa: E402

RATE, SECONDS = 48_000, 10
PEER_SECONDS = {
    "zwicker-n": 0.296,
    "zwicker-n5": 22.3,
    "sharpness": 0.886,
    "sharpness-mean": 22.0,
    "roughness": 37.0,
    "tone-to-noise-ratio": 0.22,
    "prominence-ratio": 0.22,
}


calls = itertools.count()


def sound(seed: int) -> np.ndarray:
    """Noise that waxes and wanes four times a second: work for every sensation."""
    frames = SECONDS * RATE
    envelope = 1 + np.sin(2 * np.pi * 4 * np.arange(frames) / RATE)
    return 0.05 * envelope * np.random.default_rng(seed).standard_normal((1, frames))


def seconds_for(metric: catalogue.Metric, *signals: np.ndarray) -> float:
    times = []
    for _ in range(4):
        # Another signal each time, lest kept results answer.
        gain = 1 + 1e-9 * next(calls)
        changed = [gain * signal for signal in signals]
        intermediates.forget()
        start = time.perf_counter()
        metric.function(*changed, RATE)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main() -> None:
    reference, degraded = sound(0), sound(0) + 0.02 * sound(1)
    for metric in catalogue.all():
        if not metric.function.__module__.startswith("metrics.psychoacoustics."):
            continue
        signals = (reference, degraded) if metric.needs_reference else (degraded,)
        taken = seconds_for(metric, *signals)
        peer = PEER_SECONDS.get(metric.name)
        faster = f"{peer / taken:8.0f} × the peer" if peer else ""
        print(f"{metric.name:40} {taken * 1000:8.1f} ms{faster}")


if __name__ == "__main__":
    main()
