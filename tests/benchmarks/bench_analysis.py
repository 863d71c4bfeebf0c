"""How long a campaign's whole analysis takes, and its parts; peak memory.

Run: `python -m tests.benchmarks.bench_analysis`. One thread, to which settings and workers hold linear algebra: on
more small matrices wait for each other. Wall time of the second of two runs; SciPy's bootstrap is timed over a few
resamples in the same run and extrapolated.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from listening.analysis.crossed_bootstrap import crossed_bootstrap  # noqa: E402
from listening.analysis.frames import ratings_frame  # noqa: E402
from listening.analysis.mixed import mixed_model  # noqa: E402
from listening.analysis.report import analyse  # noqa: E402

LARGE = (500, 200, 10)


def campaign(listeners: int, items: int, conditions: int, *, missing: float = 0.0) -> pd.DataFrame:
    """Ratings with every kind of effect, rounded and clipped as sliders give them."""
    rng = np.random.default_rng(listeners)
    who, item, c = (x.ravel() for x in np.indices((listeners, items, conditions)))
    level = np.concatenate([[100, 20, 50], np.linspace(55, 85, conditions - 3)])
    y = level[c] + rng.normal(0, 5, listeners)[who] + rng.normal(0, 3, items)[item]
    y += rng.normal(0, 3, (listeners, conditions))[who, c]
    y += rng.normal(0, 3, (items, conditions))[item, c] + rng.normal(0, 7, len(who))
    y = np.where(c == 0, 100 - np.abs(rng.normal(0, 3, len(who))), y)
    names = np.array(["ref", "low", "mid", *(f"s{n}" for n in range(conditions - 3))])
    roles = np.array(["reference", "anchor35", "anchor70", *["system"] * (conditions - 3)])
    frame = pd.DataFrame(
        {
            "method": "mushra",
            "listener": np.array([f"L{n:04}" for n in range(listeners)])[who],
            "item": np.array([f"item {n:03}" for n in range(items)])[item],
            "condition": names[c],
            "role": roles[c],
            "trial": item,
            "rating": np.clip(np.round(y), 0, 100),
        }
    )
    return ratings_frame(frame[rng.random(len(frame)) >= missing])


def seconds(name: str, work: Callable[[], object], *, runs: int = 2) -> float:
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken = time.perf_counter() - start
    print(f"{name:52} {taken * 1000:9.0f} ms", flush=True)
    return taken


def measured(shape: tuple[int, int, int], missing: float) -> tuple[float, np.ndarray]:
    """Seconds of the crossed bootstrap, and the ratings."""
    ratings = campaign(*shape, missing=missing)
    size = f"{len(ratings):,} ratings"
    seconds(f"{size}: whole analysis", lambda: analyse(ratings))
    seconds(f"{size}: mixed model", lambda: mixed_model(ratings))
    taken = seconds(f"{size}: crossed bootstrap, 2,000", lambda: crossed_bootstrap(ratings))
    return taken, ratings["rating"].to_numpy()


def main() -> None:
    measured((20, 42, 6), 0.0)
    measured(LARGE, 0.05)
    ours, values = measured(LARGE, 0.0)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'peak memory, with the frame itself':52} {gigabytes:9.2f} GB")
    scipy = seconds(
        "SciPy's percentile bootstrap of one mean, 10 resamples",
        lambda: stats.bootstrap(
            (values,), np.mean, n_resamples=10, batch=1, method="percentile", rng=1
        ),
        runs=1,
    )
    print(f"{'the crossed bootstrap of all means is faster by':52} {200 * scipy / ours:9.0f} ×")


if __name__ == "__main__":
    main()
