"""What other people's libraries take for the same, in the same run: 10 s at 48 kHz on one thread.

Run: `python -m tests.benchmarks.bench_peers`. A peer that is not installed (mosqito 1.2.1, seabass-2f 0.1.0, pyebur128
0.1.1: `pip install` them) is skipped and named. Times are of the processor, the least of several calls after a first
one that is given by itself; nothing is kept from call to call.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np  # noqa: E402

from metrics import catalogue, intermediates, peaq  # noqa: E402

RATE, SECONDS = 48_000, 10
# A full-scale sine of 100 dB SPL, as ISO 532-1 has it.
PASCAL = 2 * np.sqrt(2)
Call = Callable[[], object]


def sound(channels: int, seed: int = 0) -> np.ndarray:
    """Noise that waxes and wanes four times a second: work for every sensation."""
    frames = SECONDS * RATE
    envelope = 1 + np.sin(2 * np.pi * 4 * np.arange(frames) / RATE)
    return 0.05 * envelope * np.random.default_rng(seed).standard_normal((channels, frames))


MONO = sound(1)
REFERENCE = sound(2)
DEGRADED = REFERENCE + 0.02 * sound(2, seed=1)


def ours(*names: str, pair: bool = False, signal: np.ndarray = MONO) -> Call:
    def call() -> None:
        intermediates.forget()
        signals = (REFERENCE, DEGRADED) if pair else (signal,)
        for name in names:
            catalogue.get(name).function(*signals, RATE)

    return call


def mosqito(function: str) -> Call:
    measure = getattr(import_module("mosqito.sq_metrics"), function)
    return lambda: measure(PASCAL * MONO[0], RATE)


def mosqito_loudness() -> Call:
    return mosqito("loudness_zwtv")


def mosqito_roughness() -> Call:
    return mosqito("roughness_dw")


def seabass() -> Call:
    score = import_module("seabass.core.models.mms").estimated_mean_mushra_score
    # It scales in place what it is given.
    return lambda: score(DEGRADED.copy(), REFERENCE.copy())


def ebur128() -> Call:
    library: Any = import_module("pyebur128")
    mode = library.MeasurementMode
    modes = mode.MODE_I | mode.MODE_LRA | mode.MODE_TRUE_PEAK
    interleaved = np.ascontiguousarray(REFERENCE.T).ravel()

    def call() -> None:
        meter = library.R128State(2, RATE, modes)
        meter.add_frames(interleaved, REFERENCE.shape[1])
        library.get_loudness_global(meter)
        library.get_loudness_range(meter)
        for channel in range(2):
            library.get_true_peak(meter, channel)

    return call


def whole_meter() -> None:
    """Integrated loudness, range (which the catalogue gives from 30 s on) and true peak of one stereo signal."""
    from metrics import loudness

    intermediates.forget()
    loudness.integrated(REFERENCE)
    loudness.loudness_range.__wrapped__(REFERENCE, RATE)  # type: ignore[attr-defined]
    catalogue.get("true-peak").function(REFERENCE, RATE)


def basic() -> None:
    peaq.basic(REFERENCE, DEGRADED, RATE)


# what, our call, the peer's, what the peer's time over ours should be at least
CASES: tuple[tuple[str, Call, Callable[[], Call], float], ...] = (
    ("Zwicker loudness over time", ours("zwicker-n5"), mosqito_loudness, 20),
    ("Daniel-Weber roughness", ours("roughness"), mosqito_roughness, 15),
    ("PEAQ basic (peer: its 2f-model)", basic, seabass, 4),
    ("BS.1770 with range and true peak", whole_meter, ebur128, 1 / 1.5),
)


def measured(call: Call, times: int) -> tuple[float, float]:
    """Return seconds of the first call, and of the quickest of as many others."""
    taken = []
    for _ in range(times + 1):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return taken[0], min(taken[1:])


def main() -> None:
    warnings.simplefilter("ignore")
    print(f"load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    for what, call, peer, wanted in CASES:
        first, again = measured(call, 5)
        print(f"{what}: first call {first:.2f} s, then {1000 * again:.0f} ms")
        try:
            theirs = peer()
        except ImportError as missing:
            print(f"    skipped the peer: {missing}")
            continue
        first, peers = measured(theirs, 1 if first > 1 else 3)
        ratio = peers / again
        verdict = "holds" if ratio >= wanted else "FAILS"
        print(
            f"    peer: first call {first:.1f} s, then {1000 * peers:.0f} ms: {ratio:.1f} × ours,"
        )
        print(f"    where {wanted:.2g} × or more is asked: {verdict}")


if __name__ == "__main__":
    main()
