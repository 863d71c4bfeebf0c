"""ABX: can listeners tell the two conditions of a pair apart?

Each trial is right or wrong; guessing is right half of the time, so the tests are one-sided against 1/2. d′ is
given under both models of what the listener does: independent observation (A and B are known, X is judged by
itself) and differencing (X is compared with A and with B), the usual one for audio. Pooling listeners assumes
that they are alike, which the heterogeneity test checks; Holm's family is the listeners of a pair.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
from scipy import optimize, stats

from listening.analysis.comparison import holm
from listening.analysis.frames import AnalysisError

CHANCE = 0.5
CONFIDENCE = 0.95
PAIR = ["condition", "reference_condition"]
# the second difference of each model is this many times noisier than one observation
MODELS = {"independent observation": 2.0, "differencing": sqrt(6.0)}
# beyond this every proportion rounds to 1
LARGEST_D_PRIME = 40.0
SCOPE = "for these items and these listeners"


def per_listener(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row per pair and listener: the columns of `proportion_correct`, and p_holm within the pair."""
    table = _tables(ratings, [*PAIR, "listener"])
    table["p_holm"] = table.groupby(PAIR, sort=False)["p"].transform(
        lambda p: pd.Series(holm(p), p.index)
    )
    return table


def pooled(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row per pair over all listeners: n_listeners, the columns of `proportion_correct`, and whether the
    listeners are alike: heterogeneity_chi2, heterogeneity_df, heterogeneity_p (missing where all or none of
    the answers are right, or for one listener)."""
    table = _tables(ratings, PAIR)
    counts = ratings.groupby([*PAIR, "listener"], sort=False)["rating"].agg(["sum", "count"])
    alike = [
        heterogeneity(of_pair["sum"].to_numpy(), of_pair["count"].to_numpy())
        for _, of_pair in counts.groupby(level=PAIR, sort=False)
    ]
    columns = ["n_listeners", "heterogeneity_chi2", "heterogeneity_df", "heterogeneity_p"]
    return pd.concat([table, pd.DataFrame(alike, columns=columns)], axis=1)


def proportion_correct(correct: int, trials: int) -> dict[str, float]:
    """What `correct` answers of `trials` say.

    Returns correct, trials, proportion; p: exact one-sided binomial P(X ≥ correct | 1/2); mid_p; ci_low and
    ci_high: Clopper-Pearson, two-sided 95 %; dprime_independent and dprime_differencing, from the proportion
    clipped to 1/2 … 1 − 1/(2 trials). Raises `AnalysisError` unless 0 ≤ correct ≤ trials, 1 ≤ trials.
    """
    if not 0 <= correct <= trials or trials < 1:
        raise AnalysisError(
            f"ABX: expected 0 to {trials} correct answers of at least one trial, found {correct} of {trials}"
        )
    test = stats.binomtest(correct, trials, CHANCE, alternative="greater")
    interval = stats.binomtest(correct, trials).proportion_ci(CONFIDENCE, method="exact")
    p = float(test.pvalue)
    used = float(np.clip(correct / trials, CHANCE, 1 - 1 / (2 * trials)))
    return {
        "correct": correct,
        "trials": trials,
        "proportion": correct / trials,
        "p": p,
        "mid_p": p - float(stats.binom.pmf(correct, trials, CHANCE)) / 2,
        "ci_low": float(interval.low),
        "ci_high": float(interval.high),
        "dprime_independent": d_prime(used, model="independent observation"),
        "dprime_differencing": d_prime(used, model="differencing"),
    }


def expected_proportion(dprime: float, *, model: str = "differencing") -> float:
    """Proportion of right ABX answers at a sensitivity `dprime` (Macmillan & Creelman 2005, chapter 9)."""
    a, b = dprime / sqrt(2), dprime / MODELS[model]
    return float(stats.norm.cdf(a) * stats.norm.cdf(b) + stats.norm.cdf(-a) * stats.norm.cdf(-b))


def d_prime(proportion: float, *, model: str = "differencing") -> float:
    """Sensitivity at which `proportion` of the answers is right; 0 at or below chance.

    Raises `AnalysisError` for a proportion of 1 or more, where it has no bound.
    """
    if proportion >= 1:
        raise AnalysisError(f"d′: expected a proportion below 1, found {proportion:g}")
    if proportion <= CHANCE:
        return 0.0
    return float(
        optimize.brentq(
            lambda d: expected_proportion(d, model=model) - proportion,
            0.0,
            LARGEST_D_PRIME,
            xtol=1e-12,
        )
    )


def heterogeneity(correct: np.ndarray, trials: np.ndarray) -> tuple[int, float, float, float]:
    """Pearson's χ² that all listeners have one proportion: number of listeners, χ², df, p."""
    n = len(trials)
    overall = correct.sum() / trials.sum()
    if n < 2 or overall in (0.0, 1.0):
        return n, np.nan, np.nan, np.nan
    chi2 = float(((correct - trials * overall) ** 2 / (trials * overall * (1 - overall))).sum())
    return n, chi2, n - 1, float(stats.chi2.sf(chi2, n - 1))


def _tables(ratings: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    counts = ratings.groupby(by, sort=False)["rating"].agg(["sum", "count"]).reset_index()
    results = [
        proportion_correct(int(correct), int(trials))
        for correct, trials in zip(counts["sum"], counts["count"], strict=True)
    ]
    return pd.concat([counts[by], pd.DataFrame(results)], axis=1)
