"""How long each metric takes for 10 s at 48 kHz, and a corpus in one and two processes.

Run: `python -m tests.benchmarks.bench_metrics`. Times are the least of five, on one thread, after one call to warm up.
"""

from __future__ import annotations

import os
import time

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np  # noqa: E402

from metrics import catalogue, intermediates, scoring  # noqa: E402
from models_registry.audio import Audio  # noqa: E402

RATE, SECONDS, PAIRS = 48_000, 10, 40


def signal(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Noise in syllables, so that speech metrics find something to do."""
    frames = round(seconds * RATE)
    envelope = np.clip(np.sin(2 * np.pi * 2 * np.arange(frames) / RATE), 0, 1)
    return 0.1 * envelope * np.random.default_rng(seed).standard_normal((1, frames))


def seconds_for(metric: catalogue.Metric, reference: np.ndarray, degraded: np.ndarray) -> float:
    signals = (reference, degraded) if metric.needs_reference else (degraded,)
    times = []
    for _ in range(6):
        intermediates.forget()
        start = time.perf_counter()
        metric.function(*signals, RATE)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main() -> None:
    reference, degraded = signal(0), signal(0) + 0.02 * signal(1)
    for metric in catalogue.all():
        taken = seconds_for(metric, reference, degraded)
        print(f"{metric.name:24} {taken * 1000:8.1f} ms {SECONDS / taken:9.0f} × real time")
    pairs = [
        scoring.Pair(n, Audio(a.astype(np.float32), RATE), Audio(b.astype(np.float32), RATE))
        for n in range(PAIRS)
        for a, b in [(signal(n, 3.0), signal(n, 3.0) + 0.1 * signal(n + 1, 3.0))]
    ]
    names = [metric.name for metric in catalogue.all()]
    for processes in (2, 1, 2, 1):  # the first one starts the processes
        start = time.perf_counter()
        list(scoring.score_pairs(pairs, names, processes=processes))
        taken = time.perf_counter() - start
        print(f"{PAIRS} pairs of 3 s, {len(names)} metrics, {processes} process(es): {taken:.1f} s")


if __name__ == "__main__":
    main()
