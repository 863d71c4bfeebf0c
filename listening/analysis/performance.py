"""How well each listener listens: discrimination, reliability and agreement, from stimuli rated twice or more.

The ingredients of a plot in the manner of Rep. ITU-R BS.2300's eGauge, by an analysis of variance of one listener's
ratings over stimuli; not its official figures. Each measure has a floor: what 95 % of listeners who rate at random
(the listener's own ratings, shuffled) stay below.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from listening.analysis.description import CONFIDENCE
from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

SHUFFLES = 1000
SEED = 2300
PERFORMANCE_COLUMNS = ["listener", "n_ratings", "n_stimuli", "ms_stimulus", "ms_error"]
PERFORMANCE_COLUMNS += ["discrimination", "df1", "df2", "p", "discrimination_floor"]
PERFORMANCE_COLUMNS += ["reliability", "icc1", "agreement", "agreement_floor", "note"]


def performance(
    ratings: pd.DataFrame, *, shuffles: int = SHUFFLES, seed: int = SEED
) -> pd.DataFrame:
    """One row per listener and the columns `PERFORMANCE_COLUMNS`.

    `ratings` has the columns listener, item, condition and rating; an item and a condition make a stimulus.
    Discrimination is F = MS_stimulus/MS_error, reliability the panel's mean MS_error over the listener's own,
    icc1 the intraclass correlation of single ratings, agreement the correlation of the listener's stimulus means
    with those of all others. What cannot be computed is missing, and `note` says why. Raises `AnalysisError` when
    nobody rated a stimulus twice.
    """
    who, listeners = pd.factorize(ratings["listener"])
    stimulus = pd.factorize(pd.MultiIndex.from_frame(ratings[["item", "condition"]]))[0]
    values = ratings["rating"].to_numpy(dtype=float)
    size = len(listeners), int(stimulus.max(initial=-1)) + 1
    means = _cell_means(who, stimulus, values, size)
    panel_sum, panel_count = np.nansum(means, axis=0), (~np.isnan(means)).sum(axis=0)
    rng = np.random.default_rng(seed)
    rows = []
    for place, name in enumerate(listeners):
        mine = who == place
        own = np.nan_to_num(means[place])
        rated = ~np.isnan(means[place])
        others = np.divide(
            panel_sum - own,
            panel_count - rated,
            out=np.full(size[1], np.nan),
            where=panel_count > rated,
        )
        rows.append(
            {"listener": str(name)}
            | _one(values[mine], stimulus[mine], others, rng=rng, shuffles=shuffles)
        )
    table = pd.DataFrame(rows)
    if len(table) == 0 or (table["df2"] < 1).all():
        raise AnalysisError(
            "listener performance: expected stimuli that a listener rated twice or more, found none"
        )
    table = table.reindex(columns=PERFORMANCE_COLUMNS)
    errors = table["ms_error"]
    with np.errstate(divide="ignore"):
        reliability = (errors.mean() / errors).replace(np.inf, np.nan)
    return table.assign(reliability=reliability)


def _cell_means(who: Codes, stimulus: Codes, values: Values, size: tuple[int, int]) -> Values:
    place = who * size[1] + stimulus
    count = np.bincount(place, minlength=size[0] * size[1])
    total = np.bincount(place, values, size[0] * size[1])
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0).reshape(size)


def _one(
    values: Values, stimulus: Codes, others: Values, *, rng: np.random.Generator, shuffles: int
) -> dict[str, object]:
    """A listener's measures; `others` are the means of all others by stimulus number."""
    numbers, code, count = np.unique(stimulus, return_inverse=True, return_counts=True)
    n, k = len(values), len(numbers)
    beside = others[numbers]
    row: dict[str, object] = {
        "n_ratings": n,
        "n_stimuli": k,
        "df1": k - 1,
        "df2": n - k,
        "note": "",
    }
    if k < 2 or np.ptp(values) == 0:
        return row | {
            "note": "rated fewer than two stimuli" if k < 2 else "gave every stimulus one rating"
        }
    shuffled = rng.permuted(np.tile(values, (shuffles, 1)), axis=1)
    marks = np.zeros((n, k))
    marks[np.arange(n), code] = 1
    means = np.vstack([values, shuffled]) @ marks / count
    known = ~np.isnan(beside)
    if known.sum() > 2 and np.ptp(beside[known]) > 0:
        agreement = _correlations(means[:, known], beside[known])
        row["agreement"] = agreement[0]
        row["agreement_floor"] = float(np.nanquantile(agreement[1:], CONFIDENCE))
    if n == k:
        return row | {"note": "rated no stimulus twice"}
    between = ((means - values.mean()) ** 2 @ count) / (k - 1)
    within = (((values - values.mean()) ** 2).sum() - between * (k - 1)) / (n - k)
    error = max(float(within[0]), 0.0)
    row |= {"ms_stimulus": float(between[0]), "ms_error": error}
    if error < 1e-12 * float(between[0]):
        return row | {"ms_error": 0.0, "note": "repeated every rating exactly"}
    f = between / np.maximum(within, 1e-300)
    # the mean number of ratings per stimulus, less what their inequality costs
    repeated = (n - (count**2).sum() / n) / (k - 1)
    return row | {
        "discrimination": float(f[0]),
        "p": float(stats.f.sf(f[0], k - 1, n - k)),
        "discrimination_floor": float(np.quantile(f[1:], CONFIDENCE)),
        "icc1": (f[0] - 1) / (f[0] + repeated - 1),
    }


def _correlations(means: Values, beside: Values) -> Values:
    """Pearson's r of every row of `means` with `beside`; NaN for a row without spread."""
    d, e = means - means.mean(axis=1, keepdims=True), beside - beside.mean()
    spread = np.sqrt((d**2).sum(axis=1) * (e @ e))
    return np.divide(d @ e, spread, out=np.full(len(d), np.nan), where=spread > 1e-12)
