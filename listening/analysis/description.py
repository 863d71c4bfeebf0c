"""Description of ratings: location, spread and shape per condition, and per condition and item.

Both means are given: over all ratings, as most papers print it, and of listener means, which carries the
interval because listeners are the independent unit: pooling listener × item ratings would make it far too
narrow. Quartiles are Tukey's hinges (medians of the halves, the median in both when n is odd), as BS.1534-3
section 9 draws its box plots; NumPy's default quantiles differ from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from listening.analysis.frames import AnalysisError, uncoded

Values = NDArray[np.float64]

CONFIDENCE = 0.95
# BS.1534-3 section 9: b of a uniform distribution; above it the ratings may have several modes
MULTIMODAL_ABOVE = 5 / 9

# what of a description is taken over ratings, and what over listener means
OVER_RATINGS = ["n_ratings", "mean", "sd", "median", "q1", "q3", "iqr", "n_outliers"]
OVER_LISTENERS = ["n_listeners", "mean_of_listeners", "sd_of_listeners", "ci_low", "ci_high"]


def describe(ratings: pd.DataFrame, *, by: Sequence[str] = ("condition",)) -> pd.DataFrame:
    """Describe the ratings of every group that the columns `by` make, in order of first appearance.

    Returns one row per group with `by`, role, `OVER_RATINGS`, `OVER_LISTENERS`, modality and multimodal:
    sd has n − 1; outliers lie beyond 1.5 interquartile ranges from the hinges; the interval is
    mean ± t(.975, n − 1) s/√n over listener means; modality is BS.1534-3's b, compared with 5/9. What needs
    more ratings than there are (an interval with one listener) is missing.
    """
    by = list(by)
    groups = ratings.groupby(by, sort=False, observed=True)
    codes = groups.ngroup().to_numpy().astype(np.intp)
    table = groups["role"].first().reset_index()
    columns = {
        **_over_ratings(ratings["rating"].to_numpy(), codes, len(table)),
        **_over_listeners(listener_means(ratings, by=by), by),
    }
    return pd.concat([uncoded(table), pd.DataFrame(columns)], axis=1)


def listener_means(ratings: pd.DataFrame, *, by: Sequence[str] = ("condition",)) -> pd.DataFrame:
    """One mean rating per group and listener: columns `by`, listener, rating."""
    return (
        ratings.groupby([*by, "listener"], sort=False, observed=True)["rating"].mean().reset_index()
    )


def mean_interval(mean: Values, sd: Values, n: Values) -> tuple[Values, Values]:
    """Ends of the t interval of a mean; missing where n < 2."""
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * sd / np.sqrt(n)
    return mean - half, mean + half


PERCENTILES = (5, 25, 50, 75, 95)


def spread(values: Values) -> dict[str, float]:
    """n, mean, standard deviation (n − 1) and percentiles (linear interpolation) of numbers such as ages or seconds.

    The deviation of a single number is missing (NaN). Raises `AnalysisError` where there is none.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        raise AnalysisError("expected at least one number to describe, found none")
    sd = float(numbers.std(ddof=1)) if numbers.size > 1 else float("nan")
    found = {f"p{at}": float(np.percentile(numbers, at)) for at in PERCENTILES}
    return {"n": float(numbers.size), "mean": float(numbers.mean()), "sd": sd, **found}


def hinges(values: Values) -> tuple[float, float, float]:
    """Lower hinge, median and upper hinge of `values` (R's `fivenum`)."""
    low, median, high = _hinges_of_sorted(np.sort(values), np.array([0]), np.array([len(values)]))
    return float(low[0]), float(median[0]), float(high[0])


def _over_ratings(values: Values, codes: NDArray[np.intp], groups: int) -> dict[str, object]:
    order = np.lexsort((values, codes))
    values, codes = values[order], codes[order]
    n = np.bincount(codes, minlength=groups)
    starts = np.concatenate([[0], np.cumsum(n)[:-1]])
    q1, median, q3 = _hinges_of_sorted(values, starts, n)
    iqr = q3 - q1
    outlying = (values < (q1 - 1.5 * iqr)[codes]) | (values > (q3 + 1.5 * iqr)[codes])
    mean = np.bincount(codes, values, groups) / n
    deviations = values - mean[codes]
    m2, m3, m4 = (np.bincount(codes, deviations**k, groups) / n for k in (2, 3, 4))
    varied = values[starts] < values[starts + n - 1]
    b = np.where(varied, _modality(n.astype(float), m2, m3, m4), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.where(n > 1, np.sqrt(m2 * n / (n - 1)), np.nan)
    return {
        "n_ratings": n,
        "mean": mean,
        "sd": sd,
        "median": median,
        "q1": q1,
        "q3": q3,
        "iqr": iqr,
        "n_outliers": np.bincount(codes, outlying, groups).astype(int),
        "modality": b,
        "multimodal": b > MULTIMODAL_ABOVE,
    }


def _over_listeners(means: pd.DataFrame, by: list[str]) -> dict[str, object]:
    of = means.groupby(by, sort=False, observed=True)["rating"].agg(["count", "mean", "std"])
    n, mean, sd = (of[c].to_numpy(dtype=float) for c in ("count", "mean", "std"))
    low, high = mean_interval(mean, sd, n)
    return {
        "n_listeners": n.astype(int),
        "mean_of_listeners": mean,
        "sd_of_listeners": sd,
        "ci_low": low,
        "ci_high": high,
    }


def _hinges_of_sorted(
    values: Values, starts: NDArray[np.intp], n: NDArray[np.intp]
) -> tuple[Values, Values, Values]:
    """Hinges and medians of the runs of `values` that begin at `starts` and are `n` long, each sorted."""

    def at(depth: Values) -> Values:
        below = starts + np.floor(depth).astype(int) - 1
        above = starts + np.ceil(depth).astype(int) - 1
        return (values[below] + values[above]) / 2

    hinge = np.floor((n + 3) / 2) / 2
    return at(hinge), at((n + 1) / 2), at(n + 1 - hinge)


def _modality(n: Values, m2: Values, m3: Values, m4: Values) -> Values:
    """BS.1534-3 section 9: b = (g² + 1)/(k + 3(n − 1)²/((n − 2)(n − 3))), from central moments.

    g and k are the bias-corrected skewness and excess kurtosis. Missing for n < 4; meaningless for constant ratings.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        g = m3 / m2**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
        k = ((n + 1) * (m4 / m2**2 - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
        b = (g**2 + 1) / (k + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))
    return np.where(n > 3, b, np.nan)
