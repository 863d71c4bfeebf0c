"""How long PEAQ's basic version takes for stereo at 48 kHz, and its peer for the same two variables.

Run: `python -m tests.benchmarks.bench_peaq`. Times are the least of seven and their median, on one thread. The peer,
seabass-2f, is used if it happens to be installed; its first call compiles for minutes and is timed by itself.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from importlib import import_module

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np  # noqa: E402

from metrics import catalogue, intermediates, peaq  # noqa: E402
from metrics.peaq import quantities  # noqa: E402

RATE = 48_000


def pair(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Stereo noise in bursts, and the same with a little more noise."""
    rng = np.random.default_rng(0)
    frames = round(seconds * RATE)
    bursts = np.clip(np.sin(2 * np.pi * 2 * np.arange(frames) / RATE), 0, 1)
    reference = 0.1 * bursts * rng.standard_normal((2, frames))
    return reference, reference + 1e-3 * rng.standard_normal((2, frames))


def seconds_for(call: Callable[[], object]) -> tuple[float, float]:
    times = []
    for _ in range(8):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times[1:]), statistics.median(times[1:])


def whole_family(reference: np.ndarray, degraded: np.ndarray) -> None:
    intermediates.forget()
    for metric in catalogue.all():
        if metric.function.__module__ == quantities.__name__:
            metric.function(reference, degraded, RATE)


def main() -> None:
    start = time.perf_counter()
    peaq.basic(*pair(2.0), RATE)
    print(f"first call, 2 s: {(time.perf_counter() - start) * 1000:.0f} ms")
    for seconds in (10, 60, 300):
        reference, degraded = pair(seconds)
        least, median = seconds_for(lambda: peaq.basic(reference, degraded, RATE))  # noqa: B023
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{seconds:3} s: {least:.3f} s, median {median:.3f} s; {peak:.0f} MiB at most")
    reference, degraded = pair(10)
    least, median = seconds_for(lambda: whole_family(reference, degraded))
    print(f"all quantities of one pair, 10 s: {least:.3f} s, median {median:.3f} s")
    try:
        peer = import_module("seabass.core.models.mms").estimated_mean_mushra_score
    except ImportError:
        print("seabass-2f is not installed")
        return
    start = time.perf_counter()
    peer(degraded.copy(), reference.copy())
    print(f"seabass-2f, first call: {time.perf_counter() - start:.1f} s")
    least, median = seconds_for(lambda: peer(degraded.copy(), reference.copy()))
    print(f"seabass-2f, 10 s: {least:.3f} s, median {median:.3f} s")


if __name__ == "__main__":
    main()
