"""How long metrics beside listeners take: a usual campaign, and one of a million ratings, on pinned threads.

Run: `python -m tests.benchmarks.bench_correlation`. Prints seconds, the peak of memory, and how the league's bootstrap
compares with `scipy.stats.bootstrap`, extrapolated from a few resamples of the same points.
"""

from __future__ import annotations

import os
import resource
import time

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})

from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from listening.analysis.correlation import join  # noqa: E402
from listening.analysis.frames import ratings_frame, scores_frame  # noqa: E402
from listening.analysis.league import league  # noqa: E402
from listening.analysis.metric_evidence import metric_evidence  # noqa: E402
from listening.analysis.mos import alternating_projection  # noqa: E402
from listening.analysis.ordinal import cumulative_logit  # noqa: E402

SIZES = {"usual": (25, 20, 10), "a million": (500, 200, 10)}
METRICS = 20
RESAMPLES = 2000


def campaign(listeners: int, items: int, conditions: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings of all by all, and scores of metrics of rising noise."""
    rng = np.random.default_rng(0)
    shape = (listeners, items, conditions)
    who, item, condition = (axis.ravel() for axis in np.indices(shape))
    quality = rng.normal(50, 12, (items, conditions))
    rating = (
        quality[item, condition] + rng.normal(0, 12, len(who)) + rng.normal(0, 5, listeners)[who]
    )
    names = [
        np.array([f"{letter}{k}" for k in range(n)], dtype=object)
        for letter, n in zip("lic", shape, strict=True)
    ]
    ratings = pd.DataFrame(
        {
            "method": "mushra",
            "role": "system",
            "listener": names[0][who],
            "trial": item,
            "item": names[1][item],
            "condition": names[2][condition],
            "rating": np.clip(np.round(rating), 0, 100),
        }
    )
    of_item, of_condition = (axis.ravel() for axis in np.indices((items, conditions)))
    base = {"item": names[1][of_item], "condition": names[2][of_condition], "direction": "higher"}
    scores = [
        pd.DataFrame(base).assign(
            metric=f"m{k}", value=quality.ravel() + rng.normal(0, 2 + 3 * k, quality.size)
        )
        for k in range(METRICS)
    ]
    return ratings_frame(ratings), scores_frame(pd.concat(scores, ignore_index=True))


def seconds(compute: Callable[[], object], *, repeats: int = 2) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        compute()
        times.append(time.perf_counter() - begun)
    return min(times)


def measure(name: str, ratings: pd.DataFrame, scores: pd.DataFrame) -> None:
    points = join(ratings, scores, roles=["system"])
    votes = ratings.assign(stimulus=ratings["item"] + ratings["condition"])
    grades = votes.assign(rating=np.clip(votes["rating"] // 20 + 1, 1, 5))
    tasks: dict[str, Callable[[], object]] = {
        "league": lambda: league(points),
        "league, mappings, parts, ceiling": lambda: metric_evidence(points, ratings),
        "alternating projection": lambda: alternating_projection(votes),
        "cumulative logit, 500 resamples": lambda: cumulative_logit(grades),
    }
    told = ", ".join(f"{what} {seconds(task):.2f} s" for what, task in tasks.items())
    print(f"{name} ({len(ratings):,} ratings, {METRICS} metrics): {told}")


def extrapolated(scores: pd.DataFrame, resamples: int = 50) -> float:
    """Seconds that `scipy.stats.bootstrap` would take for the league's resamples of r."""
    x, y = (scores.loc[scores["metric"] == m, "value"].to_numpy() for m in ("m0", "m1"))
    begun = time.perf_counter()
    stats.bootstrap(
        (x, y),
        lambda a, b: stats.pearsonr(a, b)[0],
        paired=True,
        vectorized=False,
        n_resamples=resamples,
        method="percentile",
    )
    return (time.perf_counter() - begun) / resamples * RESAMPLES * METRICS


def main() -> None:
    for name, size in SIZES.items():
        ratings, scores = campaign(*size)
        measure(name, ratings, scores)
        print(
            f"  scipy.stats.bootstrap of the league's r, extrapolated: {extrapolated(scores):.1f} s"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak of memory: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
