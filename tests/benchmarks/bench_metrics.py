"""How long each metric and each set of them takes for 10 s at 48 kHz, and a corpus in one and two processes.

Run: `python -m tests.benchmarks.bench_metrics [PAIRS]` (default 1000). The times of single metrics are the least of
three, on one thread of the processor, with nothing kept from call to call; those of sets are of the clock and of
the processor, through the process that measures, as every score is made. The load of the machine is given with them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import numpy as np  # noqa: E402

from metrics import catalogue, intermediates, scoring  # noqa: E402
from models_registry.audio import Audio  # noqa: E402

RATE, SECONDS = 48_000, 10
# What a corpus is commonly scored by, on clips of this length.
CORPUS, CLIP_S = (
    "si-sdr,lsd,mr-stft,nmr,peaq-odg,2f-model,zwicker-n5,true-peak,integrated-loudness",
    3.0,
)


def signal(seed: int, seconds: float = SECONDS, channels: int = 2) -> np.ndarray:
    """Noise in syllables, so that speech metrics find something to do."""
    frames = round(seconds * RATE)
    envelope = np.clip(np.sin(2 * np.pi * 2 * np.arange(frames) / RATE), 0, 1)
    return 0.1 * envelope * np.random.default_rng(seed).standard_normal((channels, frames))


def pair(seed: int, seconds: float = SECONDS, channels: int = 2) -> tuple[Audio, Audio]:
    reference = signal(seed, seconds, channels)
    degraded = reference + 0.1 * signal(seed + 1, seconds, channels)
    return Audio(reference.astype(np.float32), RATE), Audio(degraded.astype(np.float32), RATE)


def seconds_for(metric: catalogue.Metric, reference: np.ndarray, degraded: np.ndarray) -> float:
    signals = (reference, degraded) if metric.needs_reference else (degraded,)
    times = []
    for _ in range(4):
        intermediates.forget()
        start = time.process_time()
        metric.function(*signals, RATE)
        times.append(time.process_time() - start)
    return min(times[1:])


def load() -> str:
    return f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}"


def processes() -> Iterator[Path]:
    """Yield the folders in /proc of this process and those that it started."""
    mine = str(os.getpid())
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        if mine in (fields["Pid"], fields["PPid"]):
            yield status.parent


def memory_mib() -> float:
    """Return the most memory that each of them has held, added up."""
    texts = [(process / "status").read_text() for process in processes()]
    return sum(int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) for text in texts) / 1024


def processor_seconds() -> float:
    """Return what all of them have computed: on a busy machine the clock says little."""
    stats = [(process / "stat").read_text().rpartition(")")[2].split() for process in processes()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def time_sets() -> None:
    print(f"sets of metrics, {SECONDS} s; {load()}")
    for chosen, channels in (("music", 2), ("speech", 1)):
        names = [metric.name for metric in catalogue.chosen(chosen)]
        calls = ("with the start of a process", "again", "again")
        for number, call in enumerate(calls):
            # Another pair each time, lest kept results answer.
            reference, degraded = pair(2 * number, channels=channels)
            start, computed = time.perf_counter(), processor_seconds()
            results = scoring.score(reference, degraded, names)
            taken, computed = time.perf_counter() - start, processor_seconds() - computed
            given = sum(result.value is not None for result in results)
            print(
                f"  {chosen}, {len(names)} metrics, {given} values, {call}: {taken:.2f} s, "
                f"{computed:.2f} s of the processor"
            )


def time_corpus(size: int) -> None:
    def pairs() -> Iterator[scoring.Pair[int]]:
        made = [pair(seed, CLIP_S) for seed in range(8)]
        for number in range(size):
            # Softer each time, lest kept results answer.
            gain = np.float32(1 - 1e-5 * number)
            sounds = (Audio(gain * one.samples, RATE) for one in made[number % len(made)])
            yield scoring.Pair(number, *sounds)

    names = CORPUS.split(",")
    # The first one starts the processes.
    list(scoring.score_pairs([scoring.Pair(n, *pair(n, CLIP_S)) for n in range(4)], names))
    taken = {}
    for count in (1, 2):
        before = load()
        start, computed = time.perf_counter(), processor_seconds()
        done = sum(1 for _ in scoring.score_pairs(pairs(), names, processes=count))
        taken[count] = time.perf_counter() - start
        computed = processor_seconds() - computed
        print(
            f"{done} pairs, {count} process(es): {taken[count]:.1f} s, {computed:.1f} s of the processor; {before}"
        )
    print(f"two processes: {taken[1] / taken[2]:.2f} × one; {memory_mib():.0f} MiB in all")


def main() -> None:
    reference, degraded = signal(0), signal(0) + 0.02 * signal(1)
    time_sets()
    time_corpus(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
    for metric in catalogue.all():
        try:
            taken = seconds_for(metric, reference, degraded)
        except catalogue.MetricError as refusal:
            print(f"{metric.name:36} {refusal}")
            continue
        print(f"{metric.name:36} {taken * 1000:8.1f} ms {SECONDS / taken:9.0f} × real time")


if __name__ == "__main__":
    main()
