"""How far listeners agree: intraclass correlations, Krippendorff's α, Kendall's W, Cronbach's α, each with the rest.

Complete designs are arrays (stimuli, listeners); incomplete ones hold NaN where a listener did not vote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.votes import Votes

Values = NDArray[np.float64]

CONFIDENCE = 0.95
LEVELS = ("nominal", "ordinal", "interval")
AGREEMENT = ["listener", "n", "sd", "constant", "pearson", "pearson_leave_one_out", "spearman"]
AGREEMENT += ["spearman_leave_one_out", "pearson_conditions"]


@dataclass(frozen=True)
class KendallW:
    """Concordance from 0 (none) to 1, corrected for ties; Friedman's χ² with its df and p."""

    w: float
    chi2: float
    df: int
    p: float


def matrix(data: pd.DataFrame) -> Values:
    """Votes (listener, stimulus, rating) as an array (stimuli, listeners), NaN where there is none; several votes of
    a listener on a stimulus are averaged."""
    votes = Votes.of(data)
    n = len(votes.listeners)
    cell = votes.stimulus * n + votes.listener
    size = len(votes.stimuli) * n
    with np.errstate(invalid="ignore"):
        filled = np.bincount(cell, votes.rating, size) / np.bincount(cell, minlength=size)
    return filled.reshape(len(votes.stimuli), n)


def intraclass(ratings: ArrayLike) -> pd.DataFrame:
    """Intraclass correlations of a complete design (stimuli, listeners) after Shrout & Fleiss (1979).

    One row each for ICC(1), ICC(2,1) (absolute agreement), ICC(3,1) (consistency) and for the mean of the k listeners
    ICC(1,k), ICC(2,k), ICC(3,k): icc, f, df1, df2, p, ci_low, ci_high (95 %, from F; ICC(2) by Satterthwaite's df;
    they take ratings for normal). Raises `AnalysisError` for gaps, fewer than 2 stimuli or listeners, or equal ratings.
    """
    x = _complete(ratings)
    n, k = x.shape
    around = x - x.mean()
    rows, columns = around.mean(axis=1), around.mean(axis=0)
    between = k * (rows**2).sum() / (n - 1)
    within = ((x - x.mean(axis=1, keepdims=True)) ** 2).sum() / (n * (k - 1))
    listeners = n * (columns**2).sum() / (k - 1)
    error = ((around - rows[:, None] - columns) ** 2).sum() / ((n - 1) * (k - 1))
    if between == 0 or within == 0:
        raise AnalysisError("ICC: expected stimuli and listeners that differ, found none that do")
    one, two = (n - 1, n * (k - 1)), (n - 1, (n - 1) * (k - 1))
    f1, f3 = between / within, between / error if error > 0 else np.inf
    singles = {
        "ICC1": ((f1 - 1) / (f1 + k - 1), f1, one),
        "ICC2": (
            (between - error) / (between + (k - 1) * error + k * (listeners - error) / n),
            f3,
            two,
        ),
        "ICC3": ((f3 - 1) / (f3 + k - 1) if np.isfinite(f3) else 1.0, f3, two),
    }
    table = []
    for name, (icc, f, df) in singles.items():
        if name == "ICC2":
            low, high = _icc2_interval(icc, between, listeners, error, n, k)
        else:
            low, high = _ratio_interval(f, *df, k)
        head = {"f": f, "df1": df[0], "df2": df[1], "p": float(stats.f.sf(f, *df))}
        table.append({"kind": name, "icc": icc, **head, "ci_low": low, "ci_high": high})
    for name, (icc, f, df) in singles.items():
        of_mean = (_spearman_brown(v, k) for v in (icc, *_ends(table, name)))
        value, low, high = of_mean
        head = {"f": f, "df1": df[0], "df2": df[1], "p": float(stats.f.sf(f, *df))}
        table.append({"kind": f"{name}k", "icc": value, **head, "ci_low": low, "ci_high": high})
    return pd.DataFrame(table)


def cronbach(ratings: ArrayLike) -> float:
    """Cronbach's α of a complete design (stimuli, listeners): the reliability of the listeners' mean, as ICC(3,k)."""
    x = _complete(ratings)
    k = x.shape[1]
    total = x.sum(axis=1).var(ddof=1)
    if total == 0:
        raise AnalysisError("Cronbach's α: expected stimuli that differ, found none that do")
    return float(k / (k - 1) * (1 - x.var(axis=0, ddof=1).sum() / total))


def kendall_w(ratings: ArrayLike) -> KendallW:
    """Kendall's W of a complete design (stimuli, listeners)."""
    x = _complete(ratings)
    n, k = x.shape
    ranks = stats.rankdata(x, axis=0)
    ties = sum(float((t**3 - t).sum()) for t in (np.unique(c, return_counts=True)[1] for c in x.T))
    spread = k**2 * (n**3 - n) - k * ties
    if spread == 0:
        raise AnalysisError("Kendall's W: expected a listener whose ratings differ, found none")
    w = float((12 * (ranks.sum(axis=1) ** 2).sum() - 3 * k**2 * n * (n + 1) ** 2) / spread)
    chi2 = k * (n - 1) * w
    return KendallW(w, chi2, n - 1, float(stats.chi2.sf(chi2, n - 1)))


def krippendorff(ratings: ArrayLike, *, level: str = "ordinal") -> float:
    """Krippendorff's α (2011) of ratings (stimuli, listeners) with NaN for gaps: 1 full agreement, 0 as by chance.

    Raises `AnalysisError` for an unknown level, no stimulus with two votes, or ratings that are all equal (α has no
    value where nothing can disagree).
    """
    if level not in LEVELS:
        raise AnalysisError(f"α: expected a level among {', '.join(LEVELS)}, found {level!r}")
    x = np.asarray(ratings, dtype=float)
    values = np.unique(x[np.isfinite(x)])
    counts = np.stack([(x == v).sum(axis=1) for v in values], axis=1).astype(float)
    paired = counts[counts.sum(axis=1) > 1]
    if not len(paired):
        raise AnalysisError("Krippendorff's α: expected a stimulus with two votes, found none")
    # coincidences o_cd: pairs of votes within a stimulus, each stimulus weighing its number of votes
    scaled = paired / (paired.sum(axis=1, keepdims=True) - 1)
    coincidences = scaled.T @ paired - np.diag(scaled.sum(axis=0))
    totals = coincidences.sum(axis=1)
    distance = _distances(values, totals, level)
    expected = (np.outer(totals, totals) * distance).sum()
    if expected == 0:
        raise AnalysisError("Krippendorff's α: expected ratings that differ, found none that do")
    return float(1 - (totals.sum() - 1) * (coincidences * distance).sum() / expected)


def agreement(data: pd.DataFrame) -> pd.DataFrame:
    """Each listener with the others: listener, n, sd; constant: always the same rating (a correlation has no value
    then, and the inconsistency of a model looks mild: look here); pearson and spearman with the stimulus means, and
    *_leave_one_out with the means of the others, which a listener cannot raise by voting; pearson_conditions, of both
    averaged per condition (missing without that column)."""
    votes = Votes.of(data)
    conditions = pd.factorize(data["condition"])[0] if "condition" in data else None
    count, mean = votes.per_stimulus, votes.stimulus_means(votes.rating)
    own, total = count[votes.stimulus], (mean * count)[votes.stimulus]
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (total - votes.rating) / (own - 1)
    order = np.argsort(votes.listener, kind="stable")
    ends = np.cumsum(votes.per_listener.astype(int))[:-1]
    rows = []
    for listener, places in zip(votes.listeners, np.split(order, ends), strict=True):
        given, with_all = votes.rating[places], mean[votes.stimulus[places]]
        alone = np.isfinite(others[places])
        row: dict[str, object] = {"listener": listener, "n": len(places)}
        row["sd"] = float(given.std(ddof=1)) if len(given) > 1 else np.nan
        row["constant"] = bool(np.ptp(given) == 0)
        for name, ranked in (("pearson", False), ("spearman", True)):
            row[name] = _r(given, with_all, ranked)
            row[f"{name}_leave_one_out"] = _r(given[alone], others[places][alone], ranked)
        if conditions is not None:
            of = conditions[places]
            both = pd.DataFrame({"given": given, "mean": with_all}).groupby(of).mean()
            row["pearson_conditions"] = _r(both["given"].to_numpy(), both["mean"].to_numpy(), False)
        rows.append(row)
    return pd.DataFrame(rows, columns=AGREEMENT)


def _complete(ratings: ArrayLike) -> Values:
    x = np.asarray(ratings, dtype=float)
    if x.ndim != 2 or min(x.shape) < 2:
        raise AnalysisError(
            f"reliability: expected at least 2 stimuli by 2 listeners, found {' by '.join(map(str, x.shape))}"
        )
    if (gaps := int((~np.isfinite(x)).sum())) > 0:
        raise AnalysisError(f"reliability: expected a complete design, found {gaps} gaps")
    return x


def _ratio_interval(f: float, df1: int, df2: int, k: int) -> tuple[float, float]:
    """Of (F − 1)/(F + k − 1), by the quantiles of F."""
    upper = (1 + CONFIDENCE) / 2
    low, high = f / stats.f.ppf(upper, df1, df2), f * stats.f.ppf(upper, df2, df1)
    ends = [(v - 1) / (v + k - 1) if np.isfinite(v) else 1.0 for v in (low, high)]
    return float(ends[0]), float(ends[1])


def _icc2_interval(
    icc: float, between: float, listeners: float, error: float, n: int, k: int
) -> tuple[float, float]:
    """McGraw & Wong (1996), with Satterthwaite's degrees of freedom of the denominator."""
    if error == 0 and listeners == 0:
        return 1.0, 1.0
    ratio = listeners / error if error > 0 else np.inf
    a = n * (1 + (k - 1) * icc) - k * icc
    top = (k - 1) * (n - 1) * (k * icc * ratio + a) ** 2
    bottom = (n - 1) * k**2 * icc**2 * ratio**2 + a**2
    df = top / bottom if np.isfinite(ratio) else k - 1.0
    upper = (1 + CONFIDENCE) / 2
    f_low, f_high = stats.f.ppf(upper, n - 1, df), stats.f.ppf(upper, df, n - 1)
    rest = k * listeners + (k * n - k - n) * error
    low = n * (between - f_low * error) / (f_low * rest + n * between)
    high = n * (f_high * between - error) / (rest + n * f_high * between)
    return float(low), float(high)


def _ends(table: list[dict], name: str) -> tuple[float, float]:
    row = next(row for row in table if row["kind"] == name)
    return row["ci_low"], row["ci_high"]


def _spearman_brown(single: float, k: int) -> float:
    return single * k / (1 + single * (k - 1))


def _distances(values: Values, totals: Values, level: str) -> Values:
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return np.subtract.outer(values, values) ** 2
    # how many votes lie between two ranks, ends counted half
    middle = np.cumsum(totals) - totals / 2
    return np.subtract.outer(middle, middle) ** 2


def _r(x: Values, y: Values, ranked: bool) -> float:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    if ranked:
        x, y = stats.rankdata(x), stats.rankdata(y)
    return float(np.corrcoef(x, y)[0, 1])
